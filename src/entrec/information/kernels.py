"""Kernels of the entropy estimate: each says how its logarithm is an inner product, and its constant."""

import math
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from entrec.information.checks import check_concentration, check_finite, check_positive, unit_vectors
from entrec.information.sphere import log_vmf_constant


class Kernel(Protocol):
    """log kernel(z_i, z_j) = <x_i, x_j> + b_i + b_j + constant."""

    def products(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """x (k, d) and b (k,), or None for zeros, of `z` (k, d); raises `InvalidEmbeddings`."""

    def log_constant(self, d: int) -> float | Tensor:
        """The constant in d dimensions, nats."""


@dataclass(frozen=True)
class VMFKernel:
    """von Mises-Fisher on the sphere S^(d-1) with concentration `kappa` > 0, which may be a tensor to be learnt."""

    kappa: float | Tensor

    def products(self, z: Tensor) -> tuple[Tensor, None]:
        """Unit vectors, stretched by the square root of kappa."""
        check_concentration(self.kappa, shape=())
        return self.kappa**0.5 * unit_vectors(z), None

    def log_constant(self, d: int) -> float | Tensor:
        """Log of the vMF normaliser."""
        return log_vmf_constant(d, kappa=self.kappa)


@dataclass(frozen=True)
class GaussianKernel:
    """Gaussian in R^d with standard deviation `bandwidth` > 0 in every direction."""

    bandwidth: float

    def __post_init__(self) -> None:
        check_positive(bandwidth=self.bandwidth)

    def products(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Centred points in units of the bandwidth: squared distances by inner products lose digits far from 0."""
        check_finite(z)
        x = (z - z.mean(dim=0)) / self.bandwidth
        return x, -x.square().sum(dim=1) / 2

    def log_constant(self, d: int) -> float:
        """Log of (2 pi bandwidth^2)^(-d/2)."""
        return -d * (math.log(2 * math.pi) / 2 + math.log(self.bandwidth))
