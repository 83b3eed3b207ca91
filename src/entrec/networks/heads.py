"""Heads on top of a backbone: MLPs, projection onto the sphere, cosines with prototypes."""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.information.precision import full_precision, lift
from entrec.information.products import Linear, product


def on_sphere(z: Tensor) -> Tensor:
    """Return `z` (k, d) with rows of unit length, in float32 or float64: half precision would miss the sphere."""
    return F.normalize(lift(z), dim=1)


@full_precision
def cosines(z: Tensor, prototypes: Tensor) -> Tensor:
    """Return the cosines (k, m) of unit vectors `z` (k, d) with unit vectors `prototypes` (m, d)."""
    return product(z, prototypes.T)


def mlp(inputs: int, widths: Sequence[int], *, last_norm: bool = False, last_bias: bool = True) -> nn.Sequential:
    """Return an MLP: linear layers of `widths`, each but the last followed by batch norm and ReLU.

    `last_norm` adds a batch norm without scale and shift after the last layer, as in SimCLR's projector. With it, or
    with `last_bias` of False, the last layer has no bias.
    """
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise([inputs, *widths[:-1]]):
        layers += [Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU(inplace=True)]
    layers.append(Linear([inputs, *widths][-2], widths[-1], bias=last_bias and not last_norm))
    if last_norm:
        layers.append(nn.BatchNorm1d(widths[-1], affine=False))
    return nn.Sequential(*layers)
