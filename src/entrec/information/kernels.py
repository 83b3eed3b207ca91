"""Kernels of the entropy estimates. The logarithm of each is an inner product plus a constant, in nats."""

import math
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from entrec.information.checks import check_concentration, check_finite, check_positive, unit_vectors
from entrec.information.sphere import log_vmf_constant


class Kernel(Protocol):
    """A kernel with log kernel(z_i, z_j) = <x_i, x_j> + b_i + b_j + constant."""

    def products(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return x (k, d) and b (k,), or None for zeros, of `z` (k, d); raises `InvalidEmbeddings`."""

    def log_constant(self, d: int) -> float | Tensor:
        """Return the constant in d dimensions, in nats."""


@dataclass(frozen=True)
class VMFKernel:
    """The von Mises-Fisher kernel on the sphere S^(d-1); its concentration `kappa` > 0 may be a trained tensor."""

    kappa: float | Tensor

    def products(self, z: Tensor) -> tuple[Tensor, None]:
        """Return the unit vectors `z` (k, d), multiplied by the square root of kappa."""
        check_concentration(self.kappa, shape=())
        return self.kappa**0.5 * unit_vectors(z), None

    def log_constant(self, d: int) -> float | Tensor:
        """Return the log of the vMF normaliser."""
        return log_vmf_constant(d, kappa=self.kappa)


@dataclass(frozen=True)
class GaussianKernel:
    """The Gaussian kernel in R^d with standard deviation `bandwidth` > 0 in every direction."""

    bandwidth: float

    def __post_init__(self) -> None:
        check_positive(bandwidth=self.bandwidth)

    def products(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the points `z` (k, d), centred, over the bandwidth: far from 0 inner products would lose digits."""
        check_finite(z)
        x = (z - z.mean(dim=0)) / self.bandwidth
        return x, -x.square().sum(dim=1) / 2

    def log_constant(self, d: int) -> float:
        """Return the log of (2 pi bandwidth^2)^(-d/2)."""
        return -d * (math.log(2 * math.pi) / 2 + math.log(self.bandwidth))
