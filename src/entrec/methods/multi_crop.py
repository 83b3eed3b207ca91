"""Multi-crop (Caron et al., arXiv:2006.09882): two global views, then any number of small ones."""

import itertools
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

A = TypeVar("A")
B = TypeVar("B")


def features_of_crops(backbone: nn.Module, crops: Sequence[Tensor]) -> Tensor:
    """Features of all crops, one crop's rows after the other's.

    Neighbours of one size go through the backbone together, as in the release at facebookresearch/swav
    (`src/resnet50.py`): its batch norms see them as one batch.
    """
    groups = [list(group) for _, group in itertools.groupby(crops, key=lambda crop: crop.shape[-1])]
    return torch.cat([backbone(torch.cat(group)) for group in groups])


def with_others(crops: Sequence[A], targets: Sequence[B]) -> list[tuple[A, B]]:
    """Every crop with each target that was made of another one; the targets' crops come first among the crops."""
    return [(crop, target) for i, crop in enumerate(crops) for j, target in enumerate(targets) if i != j]
