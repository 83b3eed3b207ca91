"""Frozen features of a dataset's three parts, with their labels."""

from typing import Literal, NamedTuple

from torch import Tensor

PartName = Literal["train", "validation", "test"]


class Part(NamedTuple):
    """Features `(n, d)` and labels `(n,)` on one device."""

    features: Tensor
    labels: Tensor


class Parts(NamedTuple):
    """What is fitted on, what is chosen on, what is scored once."""

    train: Part
    validation: Part
    test: Part
