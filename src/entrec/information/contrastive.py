"""Cross-entropies over similarities: InfoNCE across two branches, and NT-Xent over both."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.information.precision import full_precision


@full_precision
def info_nce(z1: Tensor, z2: Tensor, *, temperature: float) -> Tensor:
    """InfoNCE (van den Oord et al., arXiv:1807.03748) with the other branch as candidates, both ways.

    `z1`, `z2` (k, d) are unit vectors; log k minus the result bounds their information from below.
    """
    similarities = z1 @ z2.T / temperature
    targets = torch.arange(len(z1), device=z1.device)
    return (F.cross_entropy(similarities, targets) + F.cross_entropy(similarities.T, targets)) / 2


@full_precision
def nt_xent(z1: Tensor, z2: Tensor, *, temperature: float) -> Tensor:
    """NT-Xent (Chen et al., arXiv:2002.05709, eq. 1): 2k - 2 negatives from both branches."""
    k = len(z1)
    z = torch.cat([z1, z2])
    similarities = z @ z.T / temperature
    similarities = similarities.masked_fill(torch.eye(2 * k, dtype=torch.bool, device=z.device), -math.inf)
    targets = torch.arange(2 * k, device=z.device).roll(k)
    return F.cross_entropy(similarities, targets)
