"""Exponential moving averages: the slow network that BYOL and DINO learn from."""

import copy
import math
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def slow_copy(module: M) -> M:
    """A copy that no gradient reaches."""
    return copy.deepcopy(module).requires_grad_(False)


@torch.no_grad()
def update_slow_copy(slow: nn.Module, fast: nn.Module, *, momentum: float) -> None:
    """slow <- momentum * slow + (1 - momentum) * fast, for parameters; buffers are the copy's own.

    Batch-norm statistics are not averaged: the slow network runs in training mode, as in the releases
    of BYOL and DINO.
    """
    for s, f in zip(slow.parameters(), fast.parameters(), strict=True):
        s.lerp_(f, 1 - momentum)


def momentum_at(base: float, progress: float) -> float:
    """Momentum from `base` to 1 by a half cosine over `progress` 0 to 1 (BYOL, arXiv:2006.07733)."""
    return 1 - (1 - base) * (math.cos(math.pi * progress) + 1) / 2
