"""How well representations give the true latents back: linear R2, matched correlations, kernel ridge R2.

R2 is of points that the map was not fitted to, where the release of Zimmermann et al. (brendel-group/cl-ica) scores
the points of the fit; it is the plain mean over latent coordinates, scikit-learn's `r2_score`. Kernel ridge is that of
von Kuegelgen et al. 2021 (arXiv:2106.04619): RBF kernel, everything standardised, gamma and alpha by three folds. All
in float64 on the device of the representations.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from entrec.information.checks import check_finite

FOLDS = 3


class Ridge(NamedTuple):
    """Held-out R2 of kernel ridge, and the setting that the folds chose."""

    r2: float
    gamma: float
    alpha: float


def linear_r2(representations: Tensor, latents: Tensor) -> float:
    """R2 on the second half of a linear map fitted to the first, from (k, m) to `latents` (k, n)."""
    predicted = linear_prediction(representations, latents)
    return r2(predicted, latents[-len(predicted) :]).item()


def linear_prediction(representations: Tensor, latents: Tensor) -> Tensor:
    """The second half of `latents` (k, n), by the least squares map with intercept fitted to the first half.

    Raises `InvalidEmbeddings` for representations that are not finite.
    """
    check_finite(representations)
    x, y = representations.double(), latents.double()
    half = len(x) // 2
    mean_x, mean_y = x[:half].mean(dim=0), y[:half].mean(dim=0)
    # the pseudo-inverse takes representations that do not fill their space, as scikit-learn's solver does
    weights = torch.linalg.pinv(x[:half] - mean_x) @ (y[:half] - mean_y)
    return (x[half:] - mean_x) @ weights + mean_y


def r2(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean over coordinates of 1 - residual / total sum of squares, of (…, k, n) each; (…)."""
    truth = truth.double()
    residual = (predicted.double() - truth).square().sum(dim=-2)
    total = (truth - truth.mean(dim=-2, keepdim=True)).square().sum(dim=-2)
    return (1 - residual / total).mean(dim=-1)


def mcc(representations: Tensor, latents: Tensor) -> float:
    """Mean absolute Pearson correlation of (k, n) with `latents` (k, n), each coordinate matched with one."""
    correlations = absolute_correlations(representations.double(), latents.double())
    matched = linear_sum_assignment(correlations.cpu().numpy(), maximize=True)
    return correlations.cpu().numpy()[matched].mean().item()


def mean_rank_correlation(representations: Tensor, latents: Tensor) -> float:
    """`mcc` by Spearman: blind to how each coordinate is stretched. Ties, which have no order, aside."""
    return mcc(ranks(representations), ranks(latents))


def absolute_correlations(x: Tensor, y: Tensor) -> Tensor:
    """|Pearson| of every column of `x` (k, m) with every one of `y` (k, n); (m, n). A constant column has 0."""
    x, y = (z - z.mean(dim=0) for z in (x, y))
    lengths = x.norm(dim=0)[:, None] * y.norm(dim=0)
    return torch.where(lengths > 0, (x.T @ y).abs() / lengths, 0)


def ranks(z: Tensor) -> Tensor:
    """Rank of each entry within its column, from 0; float64."""
    return z.argsort(dim=0).argsort(dim=0).double()


def kernel_ridge_r2(
    representations: Tensor, targets: Sequence[Tensor], *, gammas: Sequence[float], alphas: Sequence[float]
) -> list[Ridge]:
    """Kernel ridge from (k, m) to each of `targets` (k, n): chosen and fitted on the first half, scored on the second.

    One eigendecomposition for each gamma serves all alphas, folds and targets.
    """
    half = len(representations) // 2
    x = standardised(representations.double(), by=half)
    truths = [standardised(target.double(), by=half) for target in targets]
    y = torch.cat([truth[:half] for truth in truths], dim=1)
    widths = [truth.shape[1] for truth in truths]
    candidates: list[list[tuple[float, Ridge]]] = [[] for _ in truths]
    for gamma in gammas:
        values, vectors = torch.linalg.eigh(rbf(x[:half], x[:half], gamma=gamma))
        across = rbf(x[half:], x[:half], gamma=gamma) @ vectors
        for alpha in alphas:
            shrunk = vectors / (values + alpha)
            left_out = left_out_predictions(shrunk, vectors, y).split(widths, dim=1)
            predicted = (across @ (shrunk.T @ y)).split(widths, dim=1)
            for truth, chosen_by, scored, found in zip(truths, left_out, predicted, candidates, strict=True):
                ridge = Ridge(r2(scored, truth[half:]).item(), gamma, alpha)
                found.append((mean_fold_r2(chosen_by, truth[:half]), ridge))
    return [max(found, key=lambda candidate: candidate[0])[1] for found in candidates]


def left_out_predictions(shrunk: Tensor, vectors: Tensor, y: Tensor) -> Tensor:
    """Each fold of `y` (k, n) as kernel ridge predicts it from the other folds, without fitting it again.

    With G = (K + alpha I)^-1, `shrunk` @ `vectors`.T (k, k), the residuals of fold B are G_BB^-1 (G y)_B: to leave
    B out is to choose y_B such that its dual weights (G y)_B vanish.
    """
    weights = shrunk @ (vectors.T @ y)
    residuals = []
    for fold in folds(len(y)):
        factor = torch.linalg.cholesky(shrunk[fold] @ vectors[fold].T)
        residuals.append(torch.cholesky_solve(weights[fold], factor))
    return y - torch.cat(residuals)


def mean_fold_r2(predicted: Tensor, truth: Tensor) -> float:
    """Mean over folds of R2, of (k, n) each."""
    return torch.stack([r2(predicted[fold], truth[fold]) for fold in folds(len(truth))]).mean().item()


def folds(k: int) -> list[slice]:
    """`FOLDS` runs of consecutive points, the first ones longer by one where k does not divide."""
    edges = [i * (k // FOLDS) + min(i, k % FOLDS) for i in range(FOLDS + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def rbf(a: Tensor, b: Tensor, *, gamma: float) -> Tensor:
    """exp(-gamma |a_i - b_j|^2) of `a` (k, m) and `b` (l, m); (k, l)."""
    squares = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * (a @ b.T)
    return (-gamma * squares.clamp_(min=0)).exp_()


def standardised(z: Tensor, *, by: int) -> Tensor:
    """`z` (k, n) less the mean and over the deviation of its first `by` rows; constant columns are only shifted."""
    deviation = z[:by].std(dim=0, correction=0)
    return (z - z[:by].mean(dim=0)) / deviation.where(deviation > 0, 1)
