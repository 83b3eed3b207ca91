"""The encoder that undoes the mixing: a leaky-ReLU network into the sphere, the unit box or R^n.

Zimmermann et al. 2021 (arXiv:2102.08850) have 10-100-500-500-500-500-100-10. Into the box it goes by the logistic
function; the release (brendel-group/cl-ica) clips softly to a box whose size is learnt. Observations are standardised
coordinate by coordinate before the first layer, which the release does not do: they are small, and Adam then needs
many more steps.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.information.precision import lift
from entrec.theory.settings.identifiability import Network, Space

FINISH: dict[Space, Callable[[Tensor], Tensor]] = {
    "sphere": F.normalize,
    "box": torch.sigmoid,
    "unbounded": nn.Identity(),
}


class Encoder(nn.Module):
    """Standardised inputs, linear layers of `widths`, leaky ReLU of `slope` between them, and an end in `space`."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, widths: Sequence[int], *, slope: float, space: Space) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(widths[0]))
        self.register_buffer("deviation", torch.ones(widths[0]))
        pairs = itertools.pairwise(widths)
        layers = [layer for a, b in pairs for layer in (nn.Linear(a, b), nn.LeakyReLU(slope, inplace=True))]
        self.layers = nn.Sequential(*layers[:-1])
        self.space = space

    def standardise(self, x: Tensor) -> None:
        """Take mean and standard deviation from observations `x` (k, widths[0]), once, before training."""
        self.mean, self.deviation = x.mean(dim=0), x.std(dim=0)

    def forward(self, x: Tensor) -> Tensor:
        """Representations (k, widths[-1]) of observations `x` (k, widths[0])."""
        return FINISH[self.space](lift(self.layers((x - self.mean) / self.deviation)))


def build_encoder(widths: Sequence[int], settings: Network, *, space: Space, seed: int) -> Encoder:
    """The encoder with the weights of `seed`, the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(widths, slope=settings.encoder_slope, space=space)
