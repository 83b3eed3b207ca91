"""The objectives of latent recovery and content isolation: functions from representations to named terms.

An objective is the sum of its terms, which training maximises. It is in nats where it bounds information, and the mean
over both directions. The candidates of InfoNCE are the points of the other view, so that log k caps it; the authors'
releases (brendel-group/cl-ica and ysharma1126/ssl_identifiability) take the points of the anchor's own view, shifted by
one. Alignment and entropy is E|z1 - z2|^2 - H(z) of von Kuegelgen et al. 2021 (arXiv:2106.04619, theorem 4.4), with the
leave-one-out estimate of entropy. Every positive weight of the first term has the same optimum; with a larger weight
training finds it sooner.

Every function raises `InvalidEmbeddings` for representations that are not finite or not of the stated shapes, except
inside `without_device_sync`.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.information import entrec
from entrec.information.bounds import info_nce_bound
from entrec.information.checks import check_finite, check_pairs
from entrec.information.contrastive import info_nce
from entrec.information.kernels import GaussianKernel, VMFKernel
from entrec.information.log_sum_exp import cross_log_sum_exp
from entrec.information.precision import full_precision
from entrec.information.reconstruction import generalised_normal_reconstruction, vmf_reconstruction
from entrec.theory.identifiability.power_distances import power_distances, power_entropy

Terms = dict[str, Tensor]


@full_precision
def supervised(z: Tensor, latents: Tensor) -> Terms:
    """Return minus the mean squared difference of `z` (k, n) from the true `latents` (k, n)."""
    return {"accuracy": -F.mse_loss(z, latents)}


@full_precision
def sphere_info_nce(z1: Tensor, z2: Tensor, *, kappa: float) -> Terms:
    """Return InfoNCE with the critic kappa <z1, z2> for unit vectors (k, d)."""
    return {"information": math.log(len(z1)) - info_nce(z1, z2, temperature=1 / kappa)}


@full_precision
def space_info_nce(z1: Tensor, z2: Tensor, *, alpha: float, exponent: int) -> Terms:
    """Return InfoNCE with the critic -sum_c |(z1 - z2)_c / alpha|^exponent for points (k, d) of R^d or the box."""
    check_pairs(z1, z2)
    check_finite(z1, z2)
    if exponent == 2:
        return {"information": _normal_info_nce(z1 / alpha, z2 / alpha)}
    scores = -power_distances(z1 / alpha, z2 / alpha, exponent=exponent)
    return {"information": (info_nce_bound(scores) + info_nce_bound(scores.T)) / 2}


@full_precision
def sphere_entrec(z1: Tensor, z2: Tensor, *, kernel_kappa: float, kappa: float, leave_one_out: bool) -> Terms:
    """Return EntRec with a vMF kernel and a vMF reconstruction for unit vectors (k, d)."""
    kernel = VMFKernel(kernel_kappa)
    return {
        "entropy": entrec.continuous_entropy(z1, z2, kernel=kernel, leave_one_out=leave_one_out),
        "reconstruction": vmf_reconstruction(z1, z2, kappa=kappa),
    }


@full_precision
def space_entrec(
    z1: Tensor, z2: Tensor, *, kernel_alpha: float, alpha: float, exponent: int, leave_one_out: bool
) -> Terms:
    """Return EntRec with generalised normal kernel and reconstruction for points (k, d) of R^d or the box.

    Both have the same exponent. A Gaussian kernel with Laplace's reconstruction would not work: representations that
    spread a little would lose a multiple of the spread and gain a multiple of its square, so that a constant encoder
    would stay constant.
    """
    if exponent == 2:
        kernel = GaussianKernel(kernel_alpha / math.sqrt(2))
        entropy = entrec.continuous_entropy(z1, z2, kernel=kernel, leave_one_out=leave_one_out)
    else:
        entropies = [
            power_entropy(z, alpha=kernel_alpha, exponent=exponent, leave_one_out=leave_one_out) for z in (z1, z2)
        ]
        entropy = (entropies[0] + entropies[1]) / 2
    return {
        "entropy": entropy,
        "reconstruction": generalised_normal_reconstruction(z1, z2, alpha=alpha, beta=exponent),
    }


@full_precision
def align_entropy(z1: Tensor, z2: Tensor, *, bandwidth: float, weight: float) -> Terms:
    """Return entropy, by a Gaussian kernel of `bandwidth`, and `weight` times alignment, in the unit cube (k, d)."""
    kernel = GaussianKernel(bandwidth)
    return {
        "entropy": entrec.continuous_entropy(z1, z2, kernel=kernel, leave_one_out=True),
        "alignment": -weight * (z1 - z2).square().sum(dim=1).mean(),
    }


@full_precision
def discrete_entrec(logits1: Tensor, logits2: Tensor) -> Terms:
    """Return EntRec of the softmax of logits (k, categories)."""
    return {
        "entropy": entrec.discrete_entropy(logits1, logits2),
        "reconstruction": entrec.discrete_reconstruction(logits1, logits2),
    }


def _normal_info_nce(z1: Tensor, z2: Tensor) -> Tensor:
    """Return InfoNCE with the critic -|z1_i - z2_j|^2 as an inner product of vectors with two more coordinates.

    No matrix of all pairs is kept in memory.
    """
    centre = (z1.mean(dim=0) + z2.mean(dim=0)) / 2  # inner products lose digits far from 0
    z1, z2 = z1 - centre, z2 - centre
    squares1, squares2 = (z.square().sum(dim=1, keepdim=True) for z in (z1, z2))
    one = torch.ones_like(squares1)
    rows, columns = cross_log_sum_exp(
        torch.cat([2 * z1, -squares1, -one], dim=1), torch.cat([z2, one, squares2], dim=1)
    )
    positive = -(z1 - z2).square().sum(dim=1)
    return math.log(len(z1)) + (positive - (rows + columns) / 2).mean()
