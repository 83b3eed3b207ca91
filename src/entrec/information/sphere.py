"""The unit sphere S^(d-1) and the von Mises-Fisher density on it, in log space.

The release at apple/ml-entropy-reconstruction f523f11 computes log(I_v(kappa) + 1e-7), which is wrong
as soon as I_v underflows (from d = 64 at kappa = 10); here the Bessel function stays in log space.
Source of the formulas: Mardia & Jupp, Directional Statistics (2000), sections 9.3 and 10.3.

Where `kappa` is a float, the result is a float. Where it is a tensor, the result is a float64 tensor of its
shape on its device, differentiable in `kappa`. All raise `ValueError` for d < 2 and for kappa that is not positive and
finite.
"""

import math
from typing import Any, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.information import bessel
from entrec.information.checks import check_concentration, check_dimension, check_pairs, check_sample, unit_vectors
from entrec.information.portable import log, sqrt
from entrec.information.precision import full_precision

# Wood's envelope accepts at least 0.65 of the proposals: all 24 are rejected once in 1e11 draws
PROPOSALS = 24


def log_area(d: int) -> float:
    """Return the log surface area of the unit sphere in R^d, in nats: the largest entropy of a density on it."""
    check_dimension(d)
    return math.log(2) + d / 2 * math.log(math.pi) - math.lgamma(d / 2)


@overload
def log_vmf_constant(d: int, *, kappa: float) -> float: ...
@overload
def log_vmf_constant(d: int, *, kappa: Tensor) -> Tensor: ...
def log_vmf_constant(d: int, *, kappa: float | Tensor) -> float | Tensor:
    """Return log C_d(kappa), where the vMF density is C_d(kappa) exp(kappa <mu, z>)."""
    check_dimension(d)
    check_concentration(kappa)
    if isinstance(kappa, Tensor):
        return _LogConstant.apply(kappa, d)
    return _log_constant(d, float(kappa))


@overload
def mean_resultant_length(d: int, *, kappa: float) -> float: ...
@overload
def mean_resultant_length(d: int, *, kappa: Tensor) -> Tensor: ...
def mean_resultant_length(d: int, *, kappa: float | Tensor) -> float | Tensor:
    """Return A_d(kappa) = I_{d/2}(kappa) / I_{d/2-1}(kappa), the mean cosine of a vMF draw with its centre."""
    check_dimension(d)
    check_concentration(kappa)
    return bessel.bessel_ratio(d / 2 - 1, kappa)


@overload
def vmf_entropy(d: int, *, kappa: float) -> float: ...
@overload
def vmf_entropy(d: int, *, kappa: Tensor) -> Tensor: ...
def vmf_entropy(d: int, *, kappa: float | Tensor) -> float | Tensor:
    """Return the entropy of vMF(kappa) on S^(d-1), in nats: -log C_d(kappa) - kappa A_d(kappa)."""
    return -log_vmf_constant(d, kappa=kappa) - kappa * mean_resultant_length(d, kappa=kappa)


@overload
def vmf_information(d: int, *, kappa: float) -> float: ...
@overload
def vmf_information(d: int, *, kappa: Tensor) -> Tensor: ...
def vmf_information(d: int, *, kappa: float | Tensor) -> float | Tensor:
    """Return the mutual information in nats between a uniform point and a vMF(kappa) draw around it."""
    return log_area(d) - vmf_entropy(d, kappa=kappa)


@full_precision
def vmf_log_density(z: Tensor, centres: Tensor, *, kappa: float | Tensor) -> Tensor:
    """Return the log density in nats, (k,), of each row of `z` (k, d) under vMF(kappa) around that row of `centres`.

    `kappa` is one number or (k,). Raises `InvalidEmbeddings` for rows that are not unit vectors.
    """
    check_pairs(z, centres)
    check_concentration(kappa, shape=(len(z),))
    cosines = (unit_vectors(z) * unit_vectors(centres)).sum(dim=1)
    return kappa * cosines + log_vmf_constant(z.shape[1], kappa=kappa)


def sample_uniform(k: int, d: int, *, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return `k` uniform points on S^(d-1), (k, d), drawn on the generator's device."""
    check_dimension(d)
    return F.normalize(torch.randn(k, d, generator=generator, device=generator.device, dtype=dtype), dim=1)


def sample_vmf(centres: Tensor, *, kappa: float, generator: torch.Generator) -> Tensor:
    """Return one vMF(kappa) draw around each row of `centres` (k, d), unit vectors on the generator's device; (k, d).

    Source: Wood (1994), Simulation of the von Mises Fisher distribution. The number of proposals for each draw is fixed
    and the centres' lengths are not checked, so that the host never waits for the device.
    """
    check_sample(centres, least=1)
    k, d = centres.shape
    check_dimension(d)
    one_minus_cosine = _sample_one_minus_cosine(k, d, float(kappa), generator)
    sine = sqrt(one_minus_cosine * (2 - one_minus_cosine))
    noise = torch.randn(k, d, generator=generator, device=centres.device, dtype=centres.dtype)
    tangent = F.normalize(noise - (noise * centres).sum(dim=1, keepdim=True) * centres, dim=1)
    cosine, sine = (1 - one_minus_cosine).to(centres.dtype), sine.to(centres.dtype)
    return F.normalize(cosine[:, None] * centres + sine[:, None] * tangent, dim=1)


def _sample_one_minus_cosine(k: int, d: int, kappa: float, generator: torch.Generator) -> Tensor:
    """Return 1 - <mu, z> of `k` draws, float64: near 0 for a large kappa, where the cosine itself would lose digits."""
    check_concentration(kappa)
    m = d - 1
    b = m / (2 * kappa + math.hypot(2 * kappa, m))
    x0 = (1 - b) / (1 + b)
    shape = torch.full((k, PROPOSALS, 2), m / 2, dtype=torch.float64, device=generator.device)
    gammas = torch._standard_gamma(shape, generator=generator)
    beta = gammas[..., 0] / gammas.sum(dim=-1)
    proposed = 2 * b * beta / (1 - (1 - b) * beta)
    # Wood's kappa w + m log(1 - x0 w) - c, written in 1 - w
    log_ratio = m * torch.log1p(x0 * (proposed - (1 - x0)) / (1 - x0**2)) - kappa * (proposed - (1 - x0))
    uniform = torch.rand(k, PROPOSALS, generator=generator, device=generator.device, dtype=torch.float64)
    first = (log_ratio >= log(uniform)).to(torch.uint8).argmax(dim=1, keepdim=True)
    return proposed.gather(1, first).squeeze(1)


def _log_constant(d: int, kappa: Any) -> Any:
    order = d / 2 - 1
    return order * log(kappa) - d / 2 * math.log(2 * math.pi) - bessel.log_bessel_i(order, kappa)


class _LogConstant(torch.autograd.Function):
    """The log constant with the derivative -A_d(kappa); autograd would subtract huge numbers from each other."""

    @staticmethod
    def forward(ctx: Any, kappa: Tensor, d: int) -> Tensor:
        ctx.save_for_backward(kappa)
        ctx.d = d
        return _log_constant(d, kappa.double())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (kappa,) = ctx.saved_tensors
        return (-gradient * mean_resultant_length(ctx.d, kappa=kappa)).to(kappa.dtype), None
