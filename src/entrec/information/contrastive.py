"""Cross-entropies over similarities, in nats: InfoNCE across two branches, and NT-Xent over both.

All take unit vectors of shape (k, d) with k >= 2 and a temperature > 0, and raise `InvalidEmbeddings` or `ValueError`
for others. None holds the whole matrix of similarities in memory (`log_sum_exp`).
"""

import torch
from torch import Tensor

from entrec.information.checks import check_pairs, check_positive, check_sample, unit_vectors
from entrec.information.log_sum_exp import cross_log_sum_exp, row_log_sum_exp, self_log_sum_exp
from entrec.information.precision import full_precision


@full_precision
def info_nce(z1: Tensor, z2: Tensor, *, temperature: float) -> Tensor:
    """Return InfoNCE (van den Oord et al., arXiv:1807.03748) with the other branch as candidates, averaged both ways.

    `z1`, `z2` (k, d) are unit vectors. Log k minus the result is a lower bound of their mutual information.
    """
    z1, z2 = _checked(z1, z2, temperature)
    rows, columns = cross_log_sum_exp(z1 / temperature, z2)
    return ((rows + columns) / 2 - (z1 * z2).sum(dim=1) / temperature).mean()


@full_precision
def one_way_info_nce(queries: Tensor, keys: Tensor, *, temperature: float) -> Tensor:
    """Return `info_nce` in one direction only: from each of `queries` (k, d) to its key among `keys` (k, d)."""
    queries, keys = _checked(queries, keys, temperature)
    return (row_log_sum_exp(queries / temperature, keys) - (queries * keys).sum(dim=1) / temperature).mean()


@full_precision
def nt_xent(z1: Tensor, z2: Tensor, *, temperature: float) -> Tensor:
    """Return NT-Xent (Chen et al., arXiv:2002.05709, eq. 1) of `z1`, `z2` (k, d); 2k - 2 negatives, of both views."""
    z1, z2 = _checked(z1, z2, temperature)
    sums = self_log_sum_exp(torch.cat([z1, z2]) / temperature**0.5, skip_diagonal=True)
    return sums.mean() - (z1 * z2).sum(dim=1).mean() / temperature


def _checked(z1: Tensor, z2: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    check_pairs(z1, z2)
    check_sample(z1)
    check_positive(temperature=temperature)
    return unit_vectors(z1), unit_vectors(z2)
