"""What the studies of latents and content maximise, from representations of two views to named terms.

Each objective is the sum of its terms, in nats where it is a bound of information; all run both ways. InfoNCE takes
the other view's points as candidates, so that log k caps it; the releases (brendel-group/cl-ica and
ysharma1126/ssl_identifiability) take the anchor's own view, shifted by one. Alignment and entropy is
E|z1 - z2|^2 - H(z) of von Kuegelgen et al. 2021 (arXiv:2106.04619, theorem 4.4), its entropy estimated leave-one-out;
any positive weight of the first term has the same optimum, and a larger one is found sooner.
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
    """Minus the mean squared distance of `z` (k, n) to the true `latents` (k, n)."""
    return {"accuracy": -F.mse_loss(z, latents)}


@full_precision
def sphere_info_nce(z1: Tensor, z2: Tensor, *, kappa: float) -> Terms:
    """InfoNCE with the critic kappa <z1, z2>; unit vectors (k, d)."""
    return {"information": math.log(len(z1)) - info_nce(z1, z2, temperature=1 / kappa)}


@full_precision
def space_info_nce(z1: Tensor, z2: Tensor, *, alpha: float, exponent: int) -> Terms:
    """InfoNCE with the critic -sum_c |(z1 - z2)_c / alpha|^exponent; (k, d) in R^d or the box."""
    check_pairs(z1, z2)
    check_finite(z1, z2)
    if exponent == 2:
        return {"information": _normal_info_nce(z1 / alpha, z2 / alpha)}
    scores = -power_distances(z1 / alpha, z2 / alpha, exponent=exponent)
    return {"information": (info_nce_bound(scores) + info_nce_bound(scores.T)) / 2}


@full_precision
def sphere_entrec(z1: Tensor, z2: Tensor, *, kernel_kappa: float, kappa: float, leave_one_out: bool) -> Terms:
    """EntRec with a vMF kernel and a vMF reconstruction; unit vectors (k, d)."""
    kernel = VMFKernel(kernel_kappa)
    return {
        "entropy": entrec.continuous_entropy(z1, z2, kernel=kernel, leave_one_out=leave_one_out),
        "reconstruction": vmf_reconstruction(z1, z2, kappa=kappa),
    }


@full_precision
def space_entrec(
    z1: Tensor, z2: Tensor, *, kernel_alpha: float, alpha: float, exponent: int, leave_one_out: bool
) -> Terms:
    """EntRec with a generalised normal kernel and reconstruction, of one exponent; (k, d) in R^d or the box.

    A Gaussian kernel beside Laplace's reconstruction would not do: to spread a little costs a multiple of the spread
    and gains a multiple of its square, so that a constant encoder stays constant.
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
    """Alignment, `weight` times, and entropy in the unit cube, (k, d), by a Gaussian kernel's `bandwidth`."""
    kernel = GaussianKernel(bandwidth)
    return {
        "entropy": entrec.continuous_entropy(z1, z2, kernel=kernel, leave_one_out=True),
        "alignment": -weight * (z1 - z2).square().sum(dim=1).mean(),
    }


@full_precision
def discrete_entrec(logits1: Tensor, logits2: Tensor) -> Terms:
    """EntRec of softmax categories, (k, categories)."""
    return {
        "entropy": entrec.discrete_entropy(logits1, logits2),
        "reconstruction": entrec.discrete_reconstruction(logits1, logits2),
    }


def _normal_info_nce(z1: Tensor, z2: Tensor) -> Tensor:
    """-|z1_i - z2_j|^2 as an inner product of vectors with two coordinates more: no matrix is held."""
    centre = (z1.mean(dim=0) + z2.mean(dim=0)) / 2  # inner products lose digits far from 0
    z1, z2 = z1 - centre, z2 - centre
    squares1, squares2 = (z.square().sum(dim=1, keepdim=True) for z in (z1, z2))
    one = torch.ones_like(squares1)
    rows, columns = cross_log_sum_exp(
        torch.cat([2 * z1, -squares1, -one], dim=1), torch.cat([z2, one, squares2], dim=1)
    )
    positive = -(z1 - z2).square().sum(dim=1)
    return math.log(len(z1)) + (positive - (rows + columns) / 2).mean()
