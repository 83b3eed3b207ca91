"""The mixing g from latents to observations (Hyvarinen & Morioka 2016; Zimmermann et al. 2021, arXiv:2102.08850).

The layers are linear without bias, with leaky ReLU between them, so that g is invertible. As in the authors' release
(brendel-group/cl-ica), weights are drawn from U(-1, 1) and columns are scaled to length 1. Each layer is the
best-conditioned of many draws, where the release takes the first draw that is better than a share of them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.information.products import linear
from entrec.theory.identifiability.streams import stream
from entrec.theory.settings.identifiability import Network


class Mixing(nn.Module):
    """The mixing g with `weights` (layers, outputs, inputs), all layers (n, n), and the `slope` of its leaky ReLU."""

    weights: Tensor

    def __init__(self, weights: Tensor, *, slope: float) -> None:
        super().__init__()
        self.register_buffer("weights", weights)
        self.slope = slope

    def forward(self, z: Tensor) -> Tensor:
        """Return the observations (k, n) of latents `z` (k, n)."""
        *hidden, last = self.weights.unbind()
        for weight in hidden:
            z = F.leaky_relu(linear(z, weight, None), self.slope)
        return linear(z, last, None)


def draw_mixing(n: int, settings: Network, *, seed: int) -> Mixing:
    """Return the mixing of `seed`, which is the same on every device."""
    generator = stream("mixing", seed=seed, device=torch.device("cpu"))
    columns = (draw_columns(settings.draws, n, generator=generator) for _ in range(settings.layers))
    return Mixing(torch.stack([best_conditioned(matrices) for matrices in columns]).float(), slope=settings.slope)


def draw_columns(draws: int, n: int, *, generator: torch.Generator) -> Tensor:
    """Draw float64 matrices (draws, n, n) of U(-1, 1) entries, and scale their columns to length 1."""
    entries = 2 * torch.rand(draws, n, n, generator=generator, dtype=torch.float64) - 1
    return F.normalize(entries, dim=1)


def best_conditioned(matrices: Tensor) -> Tensor:
    """Return the matrix (n, n) with the smallest condition number of `matrices` (draws, n, n)."""
    return matrices[torch.linalg.cond(matrices).argmin()]
