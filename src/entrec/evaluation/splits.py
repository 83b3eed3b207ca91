"""Frozen features of a dataset's three splits, with their labels."""

from typing import NamedTuple

from torch import Tensor


class Split(NamedTuple):
    """Features `(n, d)` and labels `(n,)` on one device."""

    features: Tensor
    labels: Tensor


class Splits(NamedTuple):
    """The split on which heads are fitted, the one on which a head is chosen, and the one that is scored once."""

    train: Split
    validation: Split
    test: Split
