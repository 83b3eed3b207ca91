"""Bounds and estimates of the mutual information I, in nats, as scalars to be maximised.

The first group takes a (k, k) matrix of scores f(x_i, y_j) of k pairs: pair i on the diagonal, draws of the
product of the marginals off it (Poole et al., ICML 2019, arXiv:1905.06922). The second takes embeddings: EntRec's
bound H(Z2) + E[log q(Z2 | Z1)] (the paper, eq. 1), which is about the information between the embeddings and so
at most that between the embedded variables. It has one direction; eqs. 4 and 7 maximise the mean of both directions.
All sums over pairs stay in log space.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.information.checks import check_finite
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy, plug_in_entropy
from entrec.information.kernels import Kernel
from entrec.information.portable import log_sum_exp
from entrec.information.precision import full_precision
from entrec.information.reconstruction import categorical_reconstruction, vmf_reconstruction


@full_precision
def tuba(scores: Tensor, *, log_baseline: float | Tensor) -> Tensor:
    """Return the tractable unnormalised Barber-Agakov bound (Poole et al.): 1 + E[f - log a(y)] - E[exp(f) / a(y)].

    `scores` (k, k); `log_baseline` is log a(y_j) of each column, (k,), or one number. In expectation at most I
    for every f and a, and I at f = log p(x|y)/p(x) + log a. Capped by variance: at that f the last mean has,
    for Gaussians in d dimensions, variance ((1 - rho^2)^-d + (1 - rho^4)^-d - 2) / k(k - 1), about e^2I / k^2.
    Raises `ValueError` for scores that are not square, of fewer than two pairs, or not finite.
    """
    _check_scores(scores)
    if isinstance(log_baseline, Tensor) and log_baseline.shape not in ((), (len(scores),)):
        raise ValueError(f"need log_baseline of shape () or ({len(scores)},), got shape {tuple(log_baseline.shape)}")
    scores = scores - log_baseline
    check_finite(scores)
    return 1 + scores.diagonal().mean() - _log_mean_exp_off_diagonal(scores).exp()


@full_precision
def nwj(scores: Tensor) -> Tensor:
    """Return the bound of Nguyen, Wainwright & Jordan (2010) from `scores` (k, k): `tuba` with the baseline a = e.

    Best at f = 1 + log p(x|y)/p(x). Bounds I, and is capped by variance, as `tuba` is.
    """
    return tuba(scores, log_baseline=1.0)


@full_precision
def js(scores: Tensor) -> Tensor:
    """Return the Jensen-Shannon objective (Nowozin et al., arXiv:1606.00709), which trains f = log p(x|y)/p(x).

    `scores` (k, k). Stable, since each term saturates; at most 0, and -2 log 2 for f = 0. It is not an estimate of I:
    `js_information` and `smile` compute one from the critic that it has trained. Raises `ValueError` as `tuba` does.
    """
    _check_scores(scores)
    k = len(scores)
    marginal = F.softplus(scores).masked_fill(_diagonal(scores), 0.0).sum() / (k * (k - 1))
    return -F.softplus(-scores.diagonal()).mean() - marginal


@full_precision
def js_information(scores: Tensor) -> Tensor:
    """Return `nwj` of 1 + f from `scores` (k, k) of a critic f trained by `js`, as Poole et al. evaluate it.

    In expectation at most I for every f, and capped by variance as `tuba` is.
    """
    return tuba(scores, log_baseline=0.0)


@full_precision
def smile(scores: Tensor, *, clip: float) -> Tensor:
    """Return SMILE (Song & Ermon, arXiv:1910.06222): E[f] - log E[exp(f) clipped to e^-clip .. e^clip].

    `scores` (k, k) of a critic f = log p(x|y)/p(x) trained by `js`. Clipping keeps the second term within
    -clip .. clip for every sample. That limits the variance, but the result is no longer a bound: at large I, where
    most ratios lie below the clip, the estimate exceeds I by up to `clip` nats. With an infinite clip it is Donsker &
    Varadhan's estimate, which is biased high for finite samples.
    Raises `ValueError` for clip <= 0 and as `tuba` does.
    """
    _check_scores(scores)
    if not clip > 0:
        raise ValueError(f"need clip > 0, got clip={clip} for scores of shape {tuple(scores.shape)}")
    return scores.diagonal().mean() - _log_mean_exp_off_diagonal(scores.clamp(-clip, clip))


@full_precision
def info_nce_bound(scores: Tensor) -> Tensor:
    """Return InfoNCE (van den Oord et al., arXiv:1807.03748; Poole et al.), with candidates along each row.

    `scores` (k, k). In expectation at most I for every f; capped by log k for every f and sample.
    Raises `ValueError` as `tuba` does.
    """
    _check_scores(scores)
    return math.log(len(scores)) + F.log_softmax(scores, dim=1).diagonal().mean()


@full_precision
def barber_agakov(log_q: Tensor, *, entropy: float) -> Tensor:
    """Return Barber & Agakov's bound (2003), H(Y) + E[log q(y|x)], from `log_q` (k,) of k pairs and `entropy`, H(Y).

    In expectation I less E[KL(p(y|x), q(y|x))]: at most I, tight at the true conditional, and limited
    only by the family of q. It needs H(Y), which is known for synthetic data only. Raises `ValueError` for another
    shape and for values that are not finite.
    """
    if log_q.ndim != 1 or not len(log_q):
        raise ValueError(f"need log densities of shape (k,), got shape {tuple(log_q.shape)}")
    check_finite(log_q)
    if not math.isfinite(entropy):
        raise ValueError(f"need a finite entropy, got entropy={entropy}")
    return entropy + log_q.mean()


@full_precision
def entrec_bound(z1: Tensor, z2: Tensor, *, kernel: Kernel, kappa: float | Tensor) -> Tensor:
    """Return EntRec's bound by resubstitution: kernel entropy of `z2` plus its reconstruction from `z1`.

    `z1`, `z2` (k, d), unit vectors; q is vMF(kappa). Capped by log k, for every sample, where `kernel` is the
    same vMF(kappa); by log k + log q(z|z) - log kernel(z, z) else, and constant embeddings then have that without
    the log k: a kernel wider than q says that they share information. No proven bound at finite k: the self
    term pulls the entropy down, smoothing and curvature push it up. Raises `ValueError` as its parts do.
    """
    return kernel_entropy(z2, kernel=kernel) + vmf_reconstruction(z1, z2, kappa=kappa)


@full_precision
def entrec_leave_one_out_bound(z1: Tensor, z2: Tensor, *, kernel: Kernel, kappa: float | Tensor) -> Tensor:
    """Return EntRec's bound by leave-one-out: not capped by log k, and above the true information at small k.

    `z1`, `z2` (k, d), unit vectors. Biased high, by smoothing where the embeddings are not uniform and, about
    as Var(density) / 2 density^2 does with k, by the curvature of the logarithm. Capped by kappa k / (k - 1), for
    every sample, where `kernel` is the same vMF(kappa). Raises `ValueError` as its parts do.
    """
    return leave_one_out_entropy(z2, kernel=kernel) + vmf_reconstruction(z1, z2, kappa=kappa)


@full_precision
def entrec_discrete_bound(logits1: Tensor, logits2: Tensor) -> Tensor:
    """Return EntRec's bound for W2 ~ softmax(logits2): plug-in entropy of the batch mean minus the cross-entropy.

    `logits1`, `logits2` (k, categories). In expectation at most I, since the plug-in entropy is biased low;
    capped by log categories and by log k, for every sample. Raises `ValueError` as its parts do.
    """
    return plug_in_entropy(F.softmax(logits2, dim=1)) + categorical_reconstruction(logits1, logits2)


def _log_mean_exp_off_diagonal(scores: Tensor) -> Tensor:
    k = len(scores)
    return log_sum_exp(scores.masked_fill(_diagonal(scores), -math.inf), (0, 1)) - math.log(k * (k - 1))


def _diagonal(scores: Tensor) -> Tensor:
    return torch.eye(len(scores), dtype=torch.bool, device=scores.device)


def _check_scores(scores: Tensor) -> None:
    shape = tuple(scores.shape)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        raise ValueError(f"need scores of shape (k, k) with k >= 2, got shape {shape}")
    check_finite(scores)
