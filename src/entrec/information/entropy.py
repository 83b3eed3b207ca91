"""Entropy estimators, in nats.

Joe (1989) estimates H(Z) by -mean_i log p(z_i) with p a kernel density estimate from the same sample.
Kept or left out, the i = j term makes two estimators: with it the EntRec bound cannot exceed log k;
without it a finite sample can exceed the true information.
"""

import math

import torch
from torch import Tensor

from entrec.information.precision import full_precision
from entrec.information.sphere import log_vmf_constant


@full_precision
def kernel_entropy(embeddings: Tensor, *, kappa: float) -> Tensor:
    """Joe's estimate with a vMF kernel, the i = j term included; biased low for small k.

    `embeddings` (k, d) are unit vectors; returns a scalar in nats.
    """
    similarities = _similarities(embeddings, kappa=kappa)
    k = len(embeddings)
    return (
        math.log(k) - torch.logsumexp(similarities, dim=1).mean() - log_vmf_constant(embeddings.shape[1], kappa=kappa)
    )


@full_precision
def leave_one_out_entropy(embeddings: Tensor, *, kappa: float) -> Tensor:
    """Joe's estimate with a vMF kernel, each density taken from the other k - 1 points.

    `embeddings` (k, d) are unit vectors; returns a scalar in nats.
    """
    similarities = _similarities(embeddings, kappa=kappa)
    k = len(embeddings)
    others = similarities.masked_fill(torch.eye(k, dtype=torch.bool, device=embeddings.device), -math.inf)
    return math.log(k - 1) - torch.logsumexp(others, dim=1).mean() - log_vmf_constant(embeddings.shape[1], kappa=kappa)


@full_precision
def plug_in_entropy(probabilities: Tensor) -> Tensor:
    """Entropy in nats of the mean of k categorical distributions, `probabilities` (k, categories).

    Biased low by about (categories - 1) / 2k (Miller, 1955) where the rows are one-hot draws.
    """
    return torch.special.entr(probabilities.mean(dim=0)).sum()


def _similarities(embeddings: Tensor, *, kappa: float) -> Tensor:
    k, _ = embeddings.shape
    if k < 2:
        raise ValueError(f"need at least two embeddings, got shape {tuple(embeddings.shape)}")
    if not kappa > 0:
        raise ValueError(f"need kappa > 0, got kappa={kappa}")
    return kappa * embeddings @ embeddings.T
