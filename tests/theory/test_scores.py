"""Scores of recovered latents, against scikit-learn and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from entrec.information.checks import InvalidEmbeddings
from entrec.theory.identifiability.scores import (
    folds,
    kernel_ridge_r2,
    left_out_predictions,
    linear_r2,
    mcc,
    mean_rank_correlation,
    r2,
    rbf,
)

GAMMAS = (0.01, 0.22, 4.64, 100.0)
ALPHAS = (1.0, 0.1, 0.001, 0.0001)


def normal(k, n, seed=0):
    return torch.randn(k, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def curved(k=122, n=3):
    """Latents and representations of them that no line gives back."""
    z = normal(k, n)
    return z, torch.tanh(z @ normal(n, 4, seed=1)) + 0.05 * normal(k, 4, seed=2)


def test_r2_is_scikit_learns():
    z, x = normal(50, 3) * torch.tensor([1.0, 2.0, 30.0]), normal(50, 3, seed=1)
    assert r2(x, z).item() == pytest.approx(r2_score(z, x))


def test_linear_r2_is_that_of_scikit_learn_on_the_other_half():
    z, x = curved()
    model = LinearRegression().fit(x[:61], z[:61])
    assert linear_r2(x, z) == pytest.approx(model.score(x[61:], z[61:]))


def test_any_affine_map_recovers_all():
    z = normal(100, 3)
    assert linear_r2(z @ normal(3, 3, seed=1) - 7, z) == pytest.approx(1.0, abs=1e-12)


def test_representations_that_are_not_finite_are_refused():
    z = normal(20, 2)
    with pytest.raises(InvalidEmbeddings, match="need finite numbers, got a value of nan"):
        linear_r2(z * math.nan, z)


def test_noise_recovers_nothing_and_fitting_it_scores_below_zero():
    assert linear_r2(normal(100, 20, seed=1), normal(100, 3)) < 0


def test_representations_in_a_plane_are_scored_all_the_same():
    z, x = curved()
    model = LinearRegression().fit(x[:61], z[:61])
    assert linear_r2(torch.cat([x, x[:, :1]], dim=1), z) == pytest.approx(model.score(x[61:], z[61:]))


def test_correlation_sees_through_order_sign_and_scale_alone():
    z = normal(200, 4)
    assert mcc(-3 * z[:, [2, 0, 3, 1]] + 1, z) == pytest.approx(1.0)
    assert mean_rank_correlation(-torch.exp(z[:, [2, 0, 3, 1]]), z) == pytest.approx(1.0)
    assert mcc(torch.exp(z), z) < 0.9
    turned = torch.stack([z[:, 0] + z[:, 1], z[:, 0] - z[:, 1]], dim=1)
    assert mcc(turned, z[:, :2]) == pytest.approx(0.5**0.5, abs=0.05)


def test_correlations_are_numpys_under_the_best_of_all_matchings():
    z, x = normal(60, 3), normal(60, 3, seed=1)
    pearson = np.abs(np.corrcoef(x.T, z.T)[:3, 3:])
    spearman = np.abs(spearmanr(x, z).statistic[:3, 3:])
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for found, matrix in ((mcc(x, z), pearson), (mean_rank_correlation(x, z), spearman)):
        assert found == pytest.approx(max(matrix[range(3), order].mean() for order in orders))


def test_a_constant_coordinate_correlates_with_nothing():
    z = normal(50, 2)
    assert mcc(torch.stack([z[:, 0], torch.ones(50)], dim=1), z) == pytest.approx(0.5)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_left_out_folds_are_predicted_as_by_a_fit_without_them(alpha):
    y, x = curved(k=61)
    values, vectors = torch.linalg.eigh(rbf(x, x, gamma=0.22))
    found = left_out_predictions(vectors / (values + alpha), vectors, y)
    for fold in folds(61):
        rest = [i for i in range(61) if not fold.start <= i < fold.stop]
        model = KernelRidge(kernel="rbf", gamma=0.22, alpha=alpha).fit(x[rest], y[rest])
        assert np.allclose(found[fold], model.predict(x[fold]), atol=1e-8)


def test_kernel_ridge_is_the_grid_search_of_scikit_learn():
    z, x = curved()
    targets = [z[:, :2], z[:, 2:] + normal(122, 1, seed=3)]
    found = kernel_ridge_r2(x, targets, gammas=GAMMAS, alphas=ALPHAS)
    inputs = StandardScaler().fit(x[:61])
    for target, ridge in zip(targets, found, strict=True):
        outputs = StandardScaler().fit(target[:61])
        search = GridSearchCV(KernelRidge(kernel="rbf"), {"gamma": GAMMAS, "alpha": ALPHAS}, cv=3)
        search.fit(inputs.transform(x[:61]), outputs.transform(target[:61]))
        predicted = search.predict(inputs.transform(x[61:]))
        assert ridge.r2 == pytest.approx(r2_score(outputs.transform(target[61:]), predicted), abs=1e-8)
        assert {"gamma": ridge.gamma, "alpha": ridge.alpha} == search.best_params_
    assert found[0].gamma != found[1].gamma  # chosen for each target on its own


def test_kernel_ridge_bends_where_a_line_cannot():
    x = normal(400, 1)
    (ridge,) = kernel_ridge_r2(x, [x.square()], gammas=GAMMAS, alphas=ALPHAS)
    assert ridge.r2 > 0.98
    assert linear_r2(x, x.square()) < 0.1


def test_folds_are_those_of_scikit_learn():
    from sklearn.model_selection import KFold

    for k in (9, 10, 11):
        expected = [list(test) for _, test in KFold(3).split(np.zeros(k))]
        assert [list(range(k))[fold] for fold in folds(k)] == expected
