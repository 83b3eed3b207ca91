from dataclasses import replace

import pytest
import torch

from entrec.errors import UserError
from entrec.evaluation.linear import Standardisation, choose, evaluate_linear
from entrec.evaluation.solvers import SMALL_GRADIENT, gradient_norm, objective, solve_lbfgs, solve_sgd
from entrec.evaluation.splits import Split, Splits
from entrec.settings import Linear

LBFGS = Linear(solver="lbfgs", l2=(1e-4, 1e-2, 1.0), epochs=30, batch_size=32, lr=0.1)
SGD = replace(LBFGS, solver="sgd")


def blobs(n, *, spread, seed, classes=3, d=5):
    """Return classes of unequal sizes around fixed centres, `spread` wide, with features of unequal scale."""
    generator = torch.Generator().manual_seed(seed)
    centres = 2 * torch.randn(classes, d, generator=torch.Generator().manual_seed(99))
    labels = torch.arange(n) % (classes + 1) % classes
    x = centres[labels] + spread * torch.randn(n, d, generator=generator)
    return Split(x * torch.logspace(-2, 2, d) + 7, labels)


def splits(spread):
    return Splits(blobs(200, spread=spread, seed=0), blobs(60, spread=spread, seed=1), blobs(60, spread=spread, seed=2))


@pytest.mark.parametrize("l2", [1e-4, 1e-2, 1.0])
def test_lbfgs_gives_the_probabilities_of_scikit_learn(l2):
    from sklearn.linear_model import LogisticRegression

    train, test = blobs(200, spread=2.5, seed=0), blobs(60, spread=2.5, seed=1)
    standardise = Standardisation.of(train.features)
    x, queries = standardise(train.features), standardise(test.features)
    ours = solve_lbfgs(x, train.labels, classes=3, l2=l2)(queries).softmax(dim=1)
    theirs = LogisticRegression(C=1 / (l2 * len(x)), tol=1e-8, max_iter=10_000).fit(x.double().numpy(), train.labels)
    torch.testing.assert_close(
        ours, torch.from_numpy(theirs.predict_proba(queries.double().numpy())), rtol=0, atol=1e-4
    )


def test_standardisation_is_that_of_scikit_learn_and_leaves_a_constant_column_at_zero():
    from sklearn.preprocessing import StandardScaler

    x = torch.cat([blobs(50, spread=1.0, seed=0).features, torch.full((50, 1), 0.1)], dim=1)
    ours = Standardisation.of(x)(x)
    torch.testing.assert_close(ours, torch.from_numpy(StandardScaler().fit_transform(x.double())).float())
    assert ours[:, -1].abs().max() < 1e-6


def test_the_start_changes_the_path_and_not_the_minimiser():
    x, y = blobs(200, spread=2.5, seed=0)
    x = Standardisation.of(x)(x)
    cold = solve_lbfgs(x, y, classes=3, l2=1e-2)
    warm = solve_lbfgs(x, y, classes=3, l2=1e-2, start=solve_lbfgs(x, y, classes=3, l2=1.0))
    torch.testing.assert_close(warm.weight, cold.weight, rtol=0, atol=1e-3)


def test_an_endless_strength_leaves_the_prior():
    x, y = blobs(200, spread=1.0, seed=0)
    head = solve_lbfgs(Standardisation.of(x)(x), y, classes=3, l2=1e4)
    prior = torch.bincount(y).double() / len(y)
    torch.testing.assert_close(head.bias.softmax(dim=0), prior, rtol=0, atol=1e-5)
    assert head.weight.abs().max() < 1e-4


@pytest.mark.parametrize("linear", [LBFGS, SGD], ids=["lbfgs", "sgd"])
def test_separable_classes_are_all_found(linear):
    scores = evaluate_linear(splits(0.05), classes=3, linear=linear, seed=0)
    assert scores.test == scores.test_mean_per_class == scores.validation == 1.0


def test_of_equal_strengths_the_stronger_is_chosen():
    scores = evaluate_linear(splits(0.05), classes=3, linear=LBFGS, seed=0)
    assert {row.validation for row in scores.grid} == {1.0}
    assert scores.l2 == 1.0


def test_the_strength_with_the_best_validation_accuracy_is_chosen():
    noisy = splits(2.5)
    linear = replace(LBFGS, l2=(1e-4, 1e3))
    scores = evaluate_linear(noisy, classes=3, linear=linear, seed=0)
    by_l2 = {row.l2: row.validation for row in scores.grid}
    assert by_l2[1e-4] > by_l2[1e3]
    assert (scores.l2, scores.validation) == (1e-4, by_l2[1e-4])


@pytest.mark.parametrize("linear", [LBFGS, SGD], ids=["lbfgs", "sgd"])
def test_permuted_test_labels_change_nothing_but_the_test_score(linear):
    noisy = splits(2.5)
    permuted = noisy._replace(test=Split(noisy.test.features, noisy.test.labels.roll(1)))
    scores, other = (evaluate_linear(p, classes=3, linear=linear, seed=0) for p in (noisy, permuted))
    assert scores.test != other.test
    for key in ("validation", "l2", "grid"):
        assert getattr(scores, key) == getattr(other, key)


def test_the_head_is_the_one_fitted_on_the_training_part_alone():
    noisy = splits(2.5)
    choice = choose(noisy.train, noisy.validation, classes=3, linear=LBFGS, seed=0)
    x = choice.standardisation(noisy.train.features)
    assert gradient_norm(choice.head, x, noisy.train.labels, l2=choice.l2) <= SMALL_GRADIENT


def test_an_unsolved_head_is_told(monkeypatch):
    monkeypatch.setattr("entrec.evaluation.linear.gradient_norm", lambda *args, **options: 0.5)
    noisy = splits(2.5)
    with pytest.warns(UserWarning, match="gradient 5.0e-01 is above"):
        choose(noisy.train, noisy.validation, classes=3, linear=replace(LBFGS, l2=(1.0,)), seed=0)


def test_sgd_comes_close_to_the_minimum_of_the_same_objective():
    x, y = blobs(200, spread=2.5, seed=0)
    x = Standardisation.of(x)(x)
    exact = solve_lbfgs(x, y, classes=3, l2=0.1)
    near = solve_sgd(x, y, classes=3, l2=0.1, epochs=60, batch_size=40, lr=0.1, seed=0)
    assert objective(exact, x, y, l2=0.1) <= objective(near, x, y, l2=0.1)
    assert objective(near, x, y, l2=0.1).item() == pytest.approx(objective(exact, x, y, l2=0.1).item(), rel=1e-3)


def test_sgd_is_a_function_of_its_seed():
    x, y = blobs(200, spread=2.5, seed=0)
    heads = [solve_sgd(x, y, classes=3, l2=0.1, epochs=1, batch_size=40, lr=0.1, seed=s) for s in (0, 0, 1)]
    assert torch.equal(heads[0].weight, heads[1].weight)
    assert not torch.equal(heads[0].weight, heads[2].weight)


def test_a_training_part_smaller_than_a_batch_of_sgd_is_told():
    x, y = blobs(20, spread=1.0, seed=0)
    with pytest.raises(UserError, match=r"evaluation.linear.batch_size: 32 is more than the 20 training images"):
        solve_sgd(x, y, classes=3, l2=0.1, epochs=1, batch_size=32, lr=0.1, seed=0)
