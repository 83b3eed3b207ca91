"""Entropy estimators, in nats.

Joe (1989, Ann. Inst. Statist. Math. 41) estimates H(Z) by -mean_i log p(z_i), with p a kernel density
estimate from the same sample. With the i = j term (resubstitution) and without it (leave-one-out) the estimators have
opposite biases; the theory study compares both with closed forms (`results/theory`), and so do the tests.

Both share two biases: p estimates the density smoothed by the kernel, whose entropy is higher; and log p is concave,
which adds about Var(p) / 2p^2, of order 1/k. The standard deviation falls as k^(-1/2).

Inner products in float32 have errors of about 1e-7 of the kernel's exponent: at a kappa of 1e6 pass float64.
"""

import math

import torch
from torch import Tensor

from entrec.information.checks import check_probabilities, check_sample
from entrec.information.kernels import Kernel
from entrec.information.log_sum_exp import self_log_sum_exp
from entrec.information.precision import full_precision


@full_precision
def kernel_entropy(embeddings: Tensor, *, kernel: Kernel) -> Tensor:
    """Return Joe's estimate by resubstitution, with the i = j term; a scalar in nats from `embeddings` (k, d).

    The self term adds kernel(z, z) / k to every density: the estimate is biased low by about the mean of
    kernel(z, z) / (k p(z)) while that is small, and can never exceed log k - log kernel(z, z). Where kernels
    hardly overlap (many dimensions, narrow kernel) the estimate equals this cap, whatever the sample is. With it,
    the EntRec bound cannot exceed log k. Raises `InvalidEmbeddings`, and `ValueError` for the kernel's width.
    """
    return -_mean_log_density(embeddings, kernel, skip_diagonal=False)


@full_precision
def leave_one_out_entropy(embeddings: Tensor, *, kernel: Kernel) -> Tensor:
    """Return Joe's estimate by leave-one-out, without the i = j term; a scalar in nats from `embeddings` (k, d).

    Each density is estimated from the other k - 1 points. It is unbiased, so the entropy is biased high (smoothing
    and concavity, see the module); a bound made of it can exceed the true information at finite k. Raises the errors of
    `kernel_entropy`.
    """
    return -_mean_log_density(embeddings, kernel, skip_diagonal=True)


@full_precision
def plug_in_entropy(probabilities: Tensor) -> Tensor:
    """Return the entropy in nats of the mean of k categorical distributions, `probabilities` (k, categories).

    Biased low by about (categories - 1) / 2k (Miller, 1955) where the rows are one-hot draws, by less
    where they are soft; the error is of order k^(-1/2), or 1/k where the mean is uniform. Raises
    `ValueError` for rows that are not distributions.
    """
    check_probabilities(probabilities)
    return torch.special.entr(probabilities.mean(dim=0)).sum()


def _mean_log_density(embeddings: Tensor, kernel: Kernel, *, skip_diagonal: bool) -> Tensor:
    check_sample(embeddings)
    k, d = embeddings.shape
    points, bias = kernel.products(embeddings)
    sums = self_log_sum_exp(points, bias=bias, skip_diagonal=skip_diagonal)
    return sums.mean() - math.log(k - 1 if skip_diagonal else k) + kernel.log_constant(d)
