"""Exponential moving averages of networks: the targets and teachers of BYOL, DINO, MoCo v3 and their variants."""

import copy
import math
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def ema_copy(module: M) -> M:
    """Return a copy of `module` whose parameters get no gradient."""
    return copy.deepcopy(module).requires_grad_(False)


@torch.no_grad()
def update_ema_copy(average: nn.Module, online: nn.Module, *, momentum: float) -> None:
    """Set each parameter of `average` to momentum * average + (1 - momentum) * online.

    Buffers are not averaged: the EMA copy runs in training mode with batch-norm statistics of its own, as in the
    releases of BYOL and DINO.
    """
    for averaged, current in zip(average.parameters(), online.parameters(), strict=True):
        averaged.lerp_(current, 1 - momentum)


def momentum_at(base: float, progress: float) -> float:
    """Return the momentum at `progress` 0 to 1: it rises from `base` to 1 by a half cosine (BYOL, arXiv:2006.07733)."""
    return 1 - (1 - base) * (math.cos(math.pi * progress) + 1) / 2
