"""The geometry of embeddings: how much of the space they use, how redundant coordinates are, how close pairs are."""

import math

import torch
from torch import Tensor

from entrec.information.checks import check_finite, check_pairs, check_positive, check_sample, unit_vectors
from entrec.information.log_sum_exp import self_log_sum_exp
from entrec.information.portable import log_sum_exp
from entrec.information.precision import full_precision


@full_precision
def effective_rank(embeddings: Tensor) -> Tensor:
    """Return exp of the entropy of the normalised singular values of centred `embeddings` (k, d); 1 to d.

    Source: Roy & Vetterli (EUSIPCO 2007). Singular values within rounding error are ignored, so that equal embeddings
    have rank 0. Raises `InvalidEmbeddings` for fewer than two rows and for values that are not finite.
    """
    check_sample(embeddings)
    check_finite(embeddings)
    singular = torch.linalg.svdvals(embeddings - embeddings.mean(dim=0))
    rounding = max(embeddings.shape) * torch.finfo(embeddings.dtype).eps * embeddings.norm()
    singular = singular.where(singular > rounding, 0)
    total = singular.sum()
    shares = singular / total.clamp(min=torch.finfo(embeddings.dtype).tiny)
    return torch.special.entr(shares).sum().exp() * (total > 0)


@full_precision
def uniformity(embeddings: Tensor, *, t: float) -> Tensor:
    """Return the log of the mean of exp(-t |z_i - z_j|^2) over pairs i != j of unit vectors `embeddings` (k, d).

    Source: Wang & Isola (arXiv:2005.10242, eq. 4), who use t = 2. It is at most 0, and lower is more uniform. Up to a
    constant it is minus the leave-one-out entropy with the vMF kernel of kappa 2t, with the mean inside the logarithm.
    Raises `InvalidEmbeddings` for fewer than two rows or rows that are not unit vectors.
    """
    check_sample(embeddings)
    check_positive(t=t)
    k = len(embeddings)
    sums = self_log_sum_exp(math.sqrt(2 * t) * unit_vectors(embeddings), skip_diagonal=True)
    return log_sum_exp(sums, 0) - math.log(k * (k - 1)) - 2 * t


@full_precision
def alignment(z1: Tensor, z2: Tensor) -> Tensor:
    """Return the mean squared distance of pairs of unit vectors `z1`, `z2` (k, d); 0 to 4 (Wang & Isola, alpha = 2)."""
    check_pairs(z1, z2)
    return (unit_vectors(z1) - unit_vectors(z2)).square().sum(dim=1).mean()


def off_diagonal_energy(matrix: Tensor) -> Tensor:
    """Return the sum of the squared entries off the diagonal of `matrix` (d, d)."""
    return (matrix - matrix.diagonal().diag()).square().sum()
