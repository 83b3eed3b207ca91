"""The mixing g from latents to observations (Hyvarinen & Morioka 2016; Zimmermann et al. 2021, arXiv:2102.08850).

Linear layers without bias, leaky ReLU between them, so that g is invertible. As in the release
(brendel-group/cl-ica): weights U(-1, 1), columns of length 1. A layer takes the best-conditioned of many draws; the
release takes the first draw better than a share of them.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.theory.settings.identifiability import Network


class Mixing(nn.Module):
    """g with `weights` (layers, n, n), out by in, and the `slope` of its leaky ReLU."""

    weights: Tensor

    def __init__(self, weights: Tensor, *, slope: float) -> None:
        super().__init__()
        self.register_buffer("weights", weights)
        self.slope = slope

    def forward(self, z: Tensor) -> Tensor:
        """Observations (k, n) of latents `z` (k, n)."""
        *hidden, last = self.weights.unbind()
        for weight in hidden:
            z = F.leaky_relu(z @ weight.T, self.slope)
        return z @ last.T

    def inverse(self, x: Tensor) -> Tensor:
        """Latents (k, n) of observations `x` (k, n)."""
        last, *hidden = self.weights.flip(0).unbind()
        z = _solve(last, x)
        for weight in hidden:
            z = _solve(weight, torch.where(z < 0, z / self.slope, z))
        return z


def draw_mixing(n: int, settings: Network, *, seed: int) -> Mixing:
    """The mixing of `seed`, the same on every device: each layer is the best-conditioned of many draws."""
    generator = torch.Generator().manual_seed(seed)
    columns = (draw_columns(settings.draws, n, generator=generator) for _ in range(settings.layers))
    return Mixing(torch.stack([best_conditioned(matrices) for matrices in columns]).float(), slope=settings.slope)


def draw_columns(draws: int, n: int, *, generator: torch.Generator) -> Tensor:
    """Matrices (draws, n, n) of U(-1, 1) entries whose columns are then given length 1; float64."""
    entries = 2 * torch.rand(draws, n, n, generator=generator, dtype=torch.float64) - 1
    return F.normalize(entries, dim=1)


def best_conditioned(matrices: Tensor) -> Tensor:
    """The one of `matrices` (draws, n, n) with the least ratio of largest to smallest singular value."""
    return matrices[condition_numbers(matrices).argmin()]


def condition_numbers(matrices: Tensor) -> Tensor:
    """Largest over smallest singular value of each of `matrices` (draws, n, n); (draws,)."""
    singular = torch.linalg.svdvals(matrices)
    return cast(Tensor, singular[:, 0] / singular[:, -1])


def _solve(weight: Tensor, x: Tensor) -> Tensor:
    return torch.linalg.solve(weight, x.T).T
