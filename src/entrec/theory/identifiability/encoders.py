"""The encoder that is to undo the mixing: a leaky-ReLU network into the sphere, the unit box or R^n.

Zimmermann et al. 2021 (arXiv:2102.08850) use the widths 10-100-500-500-500-500-100-10. Here the logistic function maps
into the box, where the authors' release (brendel-group/cl-ica) clips softly to a box whose size is learnt. Here each
coordinate of the observations is standardised before the first layer. The release does not do this; the observations
are small, and Adam then needs many more steps.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.information.precision import lift
from entrec.information.products import Linear
from entrec.theory.identifiability.streams import seed_of
from entrec.theory.settings.identifiability import Network, Space

FINISH: dict[Space, Callable[[Tensor], Tensor]] = {
    "sphere": F.normalize,
    "box": torch.sigmoid,
    "unbounded": nn.Identity(),
}


class Encoder(nn.Module):
    """Linear layers of `widths` on standardised inputs, leaky ReLU of `slope` between them, and outputs in `space`."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, widths: Sequence[int], *, slope: float, space: Space) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(widths[0]))
        self.register_buffer("deviation", torch.ones(widths[0]))
        pairs = itertools.pairwise(widths)
        layers = [layer for a, b in pairs for layer in (Linear(a, b), nn.LeakyReLU(slope, inplace=True))]
        self.layers = nn.Sequential(*layers[:-1])
        self.space = space

    def standardise(self, x: Tensor) -> None:
        """Standardise inputs by the mean and standard deviation of `x` (k, widths[0]); called once, before training."""
        self.mean, self.deviation = x.mean(dim=0), x.std(dim=0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the representations (k, widths[-1]) of observations `x` (k, widths[0])."""
        return FINISH[self.space](lift(self.layers((x - self.mean) / self.deviation)))


def build_encoder(inputs: int, outputs: int, settings: Network, *, space: Space, seed: int) -> Encoder:
    """Return the encoder with the initial weights of `seed`, which are the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("encoder", seed=seed))
        return Encoder((inputs, *settings.hidden, outputs), slope=settings.encoder_slope, space=space)
