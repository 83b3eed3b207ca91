"""The unit sphere S^(d-1) and the von Mises-Fisher density on it, in log space.

The release at apple/ml-entropy-reconstruction f523f11 computes log(I_v(kappa) + 1e-7), which is wrong
as soon as I_v underflows (from d = 64 at kappa = 10); here the Bessel function never leaves log space.
Source of the formulas: Mardia & Jupp, Directional Statistics (2000), section 9.3.
"""

import math
from functools import lru_cache

import torch


def log_area(d: int) -> float:
    """Log surface area of the unit sphere in R^d, in nats: the largest entropy a density on it can have."""
    _check_dimension(d)
    return math.log(2) + d / 2 * math.log(math.pi) - math.lgamma(d / 2)


@lru_cache
def log_bessel_i(order: float, x: float) -> float:
    """Log of the modified Bessel function of the first kind, I_order(x), for order >= 0 and x > 0.

    The power series (DLMF 10.25.2) summed in log space. Its terms are all positive, so nothing cancels;
    they rise until m (m + order) = x^2 / 4 and then fall off, which sets how many are summed.
    """
    if not (order >= 0 and x > 0 and math.isfinite(x)):
        raise ValueError(f"need order >= 0 and finite x > 0, got order={order}, x={x}")
    peak = (math.sqrt(order**2 + x**2) - order) / 2
    terms = int(peak + 12 * math.sqrt(peak) + 40)
    m = torch.arange(terms, dtype=torch.float64)
    log_terms = (2 * m + order) * math.log(x / 2) - torch.lgamma(m + 1) - torch.lgamma(m + order + 1)
    return float(torch.logsumexp(log_terms, dim=0))


def log_vmf_constant(d: int, *, kappa: float) -> float:
    """Log C_d(kappa), where the vMF density is C_d(kappa) exp(kappa <mu, z>); kappa > 0."""
    _check_dimension(d)
    order = d / 2 - 1
    return order * math.log(kappa) - d / 2 * math.log(2 * math.pi) - log_bessel_i(order, kappa)


def mean_resultant_length(d: int, *, kappa: float) -> float:
    """A_d(kappa) = I_{d/2}(kappa) / I_{d/2-1}(kappa): the mean cosine of a vMF draw to its centre."""
    _check_dimension(d)
    return math.exp(log_bessel_i(d / 2, kappa) - log_bessel_i(d / 2 - 1, kappa))


def vmf_information(d: int, *, kappa: float) -> float:
    """Mutual information in nats between a uniform point and a vMF(kappa) draw around it."""
    return log_area(d) + kappa * mean_resultant_length(d, kappa=kappa) + log_vmf_constant(d, kappa=kappa)


def _check_dimension(d: int) -> None:
    if d < 2:
        raise ValueError(f"need dimension d >= 2, got d={d}")
