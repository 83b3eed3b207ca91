"""Reconstruction terms E[log q(z2 | z1)], in nats: the mean log density of one view around the other.

Each is a lower bound of -H(Z2 | Z1), tight where q is the true conditional density (Barber & Agakov, 2003); a scalar.
All raise `InvalidEmbeddings` for views of different shapes, for rows that are not unit vectors (vMF) or for values that
are not finite, and `ValueError` for parameters that are not positive and finite.
"""

import math

from torch import Tensor
from torch.nn import functional as F

from entrec.information.checks import check_finite, check_pairs, check_positive
from entrec.information.precision import full_precision
from entrec.information.sphere import vmf_log_density


@full_precision
def vmf_reconstruction(z1: Tensor, z2: Tensor, *, kappa: float | Tensor) -> Tensor:
    """Return the mean log density of `z2` (k, d) under vMF(kappa) around `z1` (k, d), unit vectors; it is symmetric."""
    return vmf_log_density(z2, z1, kappa=kappa).mean()


@full_precision
def gaussian_reconstruction(z1: Tensor, z2: Tensor, *, sigma: float) -> Tensor:
    """Return the mean log density of `z2` (k, d) under Gaussians around `z1` (k, d) with standard deviation `sigma`."""
    return generalised_normal_reconstruction(z1, z2, alpha=math.sqrt(2) * sigma, beta=2.0)


@full_precision
def generalised_normal_reconstruction(z1: Tensor, z2: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Return the mean log density of `z2` (k, d) under generalised normal densities around `z1` (k, d).

    The density is proportional to exp(-|z2 - z1|^beta / alpha^beta) in each of d independent coordinates. beta = 1 is
    Laplace's density of scale alpha, beta = 2 the Gaussian of variance alpha^2 / 2, and a large beta approaches the
    uniform density (Nadarajah, 2005, A generalized normal distribution).
    """
    check_pairs(z1, z2)
    check_positive(alpha=alpha, beta=beta)
    check_finite(z1, z2)
    difference = z2 - z1
    log_constant = math.log(beta) - math.log(2 * alpha) - math.lgamma(1 / beta)
    return z1.shape[1] * log_constant - (difference / alpha).abs().pow(beta).sum(dim=1).mean()


@full_precision
def categorical_reconstruction(logits1: Tensor, logits2: Tensor) -> Tensor:
    """Return the mean of sum_c p2(c) log p1(c) with p = softmax(logits), (k, categories): a negative cross-entropy."""
    check_pairs(logits1, logits2)
    check_finite(logits1, logits2)
    return -F.cross_entropy(logits1, F.softmax(logits2, dim=1))
