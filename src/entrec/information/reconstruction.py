"""Reconstruction terms E[log q(z2 | z1)], in nats."""

from torch import Tensor
from torch.nn import functional as F

from entrec.information.precision import full_precision
from entrec.information.sphere import log_vmf_constant


@full_precision
def vmf_reconstruction(z1: Tensor, z2: Tensor, *, kappa: float) -> Tensor:
    """Mean log density of `z2` (k, d) under vMF(kappa) around `z1` (k, d), unit vectors; symmetric in the two."""
    return kappa * (z1 * z2).sum(dim=1).mean() + log_vmf_constant(z1.shape[1], kappa=kappa)


@full_precision
def categorical_reconstruction(logits1: Tensor, logits2: Tensor) -> Tensor:
    """Mean of sum_c p2(c) log p1(c) with p = softmax(logits) (k, categories): a negative cross-entropy."""
    return (F.softmax(logits2, dim=1) * F.log_softmax(logits1, dim=1)).sum(dim=1).mean()
