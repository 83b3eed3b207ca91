"""Encoders with what they are trained to maximise, on pairs of observations."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from entrec.theory.identifiability.objectives import Terms, supervised


class Pairs(NamedTuple):
    """The latents of two views, both (k, n), and the observations of them, both (k, n)."""

    latents1: Tensor
    latents2: Tensor
    observed1: Tensor
    observed2: Tensor


Draw = Callable[[int, Generator], Pairs]


class Unsupervised(nn.Module):
    """An encoder and an objective of its representations of two views."""

    def __init__(self, encoder: nn.Module, objective: Callable[[Tensor, Tensor], Terms]) -> None:
        super().__init__()
        self.encoder, self.objective = encoder, objective

    def forward(self, pairs: Pairs) -> Terms:
        """Return the terms of the objective; both views pass through the encoder together."""
        z1, z2 = self.encoder(torch.cat([pairs.observed1, pairs.observed2])).chunk(2)
        return self.objective(z1, z2)


class Supervised(nn.Module):
    """An encoder that is trained to return the true latents."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pairs: Pairs) -> Terms:
        """Return the term of the objective; both views pass through the encoder together."""
        z = self.encoder(torch.cat([pairs.observed1, pairs.observed2]))
        return supervised(z, torch.cat([pairs.latents1, pairs.latents2]))
