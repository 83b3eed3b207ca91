"""Scores of representations by how well they give the true latents: linear R2, correlations and kernel ridge R2.

R2 is measured on points that the map was not fitted to, where the release of Zimmermann et al. (brendel-group/cl-ica)
takes the points of the fit. It is the unweighted mean over latents, as in scikit-learn's `r2_score`. Kernel ridge
regression is that of von Kuegelgen et al. 2021 (arXiv:2106.04619): an RBF kernel on standardised inputs and targets,
with gamma and alpha chosen by cross-validation with three folds. Everything is computed in float64 on the device of the
representations.
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
    """The held-out R2 of kernel ridge regression, with the gamma and the alpha that cross-validation chose."""

    r2: float
    gamma: float
    alpha: float


def linear_r2(representations: Tensor, latents: Tensor) -> float:
    """Return the R2, on the second half, of a linear map from (k, m) to `latents` (k, n) that the first half fits."""
    predicted = linear_prediction(representations, latents)
    return r2(predicted, latents[-len(predicted) :]).item()


def linear_prediction(representations: Tensor, latents: Tensor) -> Tensor:
    """Predict the second half of `latents` (k, n) from representations (k, m), by a linear map with an intercept.

    The map is the least squares fit of the first half. Raises `InvalidEmbeddings` for representations that are not
    finite.
    """
    check_finite(representations)
    x, y = representations.double(), latents.double()
    half = len(x) // 2
    mean_x, mean_y = x[:half].mean(dim=0), y[:half].mean(dim=0)
    # the pseudo-inverse allows representations that do not fill their space, as scikit-learn's solver does
    weights = torch.linalg.pinv(x[:half] - mean_x) @ (y[:half] - mean_y)
    return (x[half:] - mean_x) @ weights + mean_y


def r2(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean over n of 1 - residual / total sum of squares over k, for (…, k, n) each; (…)."""
    truth = truth.double()
    residual = (predicted.double() - truth).square().sum(dim=-2)
    total = (truth - truth.mean(dim=-2, keepdim=True)).square().sum(dim=-2)
    return (1 - residual / total).mean(dim=-1)


def mcc(representations: Tensor, latents: Tensor) -> float:
    """Return the mean absolute Pearson correlation of (k, n) with `latents` (k, n), matched one to one for the most."""
    correlations = absolute_correlations(representations.double(), latents.double())
    matched = linear_sum_assignment(correlations.cpu().numpy(), maximize=True)
    return correlations.cpu().numpy()[matched].mean().item()


def mean_rank_correlation(representations: Tensor, latents: Tensor) -> float:
    """Return `mcc` with rank correlations, which no increasing function of a coordinate changes; ignores ties."""
    return mcc(ranks(representations), ranks(latents))


def absolute_correlations(x: Tensor, y: Tensor) -> Tensor:
    """Return |Pearson| (m, n) of all columns of `x` (k, m) and `y` (k, n); that of a constant column is 0."""
    x, y = (z - z.mean(dim=0) for z in (x, y))
    lengths = x.norm(dim=0)[:, None] * y.norm(dim=0)
    return torch.where(lengths > 0, (x.T @ y).abs() / lengths, 0)


def ranks(z: Tensor) -> Tensor:
    """Return the float64 rank of each entry within its column, from 0."""
    return z.argsort(dim=0).argsort(dim=0).double()


def kernel_ridge_r2(
    representations: Tensor, targets: Sequence[Tensor], *, gammas: Sequence[float], alphas: Sequence[float]
) -> list[Ridge]:
    """Score kernel ridge regression from (k, m) to each of `targets` (k, n).

    Gamma and alpha are chosen, and the map is fitted, on the first half of the points; R2 is that of the second half.
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
    """Predict each fold of `y` (k, n) by kernel ridge regression on the other folds, without another fit.

    With G = (K + alpha I)^-1, which is `shrunk` @ `vectors`.T (k, k), the residuals of fold B are G_BB^-1 (G y)_B:
    leaving B out means choosing y_B such that its dual weights (G y)_B vanish.
    """
    weights = shrunk @ (vectors.T @ y)
    residuals = []
    for fold in folds(len(y)):
        factor = torch.linalg.cholesky(shrunk[fold] @ vectors[fold].T)
        residuals.append(torch.cholesky_solve(weights[fold], factor))
    return y - torch.cat(residuals)


def mean_fold_r2(predicted: Tensor, truth: Tensor) -> float:
    """Return the mean over folds of the R2 of `predicted` (k, n) for `truth` (k, n)."""
    return torch.stack([r2(predicted[fold], truth[fold]) for fold in folds(len(truth))]).mean().item()


def folds(k: int) -> list[slice]:
    """Return `FOLDS` ranges of consecutive points; the first are longer by one where `FOLDS` does not divide `k`."""
    edges = [i * (k // FOLDS) + min(i, k % FOLDS) for i in range(FOLDS + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def rbf(a: Tensor, b: Tensor, *, gamma: float) -> Tensor:
    """Return exp(-gamma |a_i - b_j|^2) (k, l) for `a` (k, m) and `b` (l, m)."""
    squares = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * (a @ b.T)
    return (-gamma * squares.clamp_(min=0)).exp_()


def standardised(z: Tensor, *, by: int) -> Tensor:
    """Standardise `z` (k, n) by its first `by` rows; constant columns are only shifted."""
    deviation = z[:by].std(dim=0, correction=0)
    return (z - z[:by].mean(dim=0)) / deviation.where(deviation > 0, 1)
