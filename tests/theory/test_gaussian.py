"""The Gaussian benchmark: its data, its learners and what a run leaves."""

import json
import math
from dataclasses import replace

import pytest
import torch

from entrec.errors import UserError
from entrec.provenance import fingerprint
from entrec.theory.critics import GaussianDensity, JointCritic, SeparableCritic, mlp
from entrec.theory.gaussian import blocks, build_learner, correlated_gaussians, correlation, gaussian, staircase
from entrec.theory.learnt_bounds import LEARNERS
from entrec.theory.registry import BOUNDS

CPU = torch.device("cpu")
every_bound = pytest.mark.parametrize("bound", BOUNDS)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="session")
def settings(small):
    return small.quick.estimators.gaussian


@pytest.mark.parametrize(("d", "information"), [(20, 2.0), (20, 10.0), (1, 0.3)])
def test_the_correlation_gives_the_information(d, information):
    rho = correlation(d, information=information)
    assert -d / 2 * math.log(1 - rho**2) == pytest.approx(information)


def test_pairs_are_standard_normal_and_correlate_as_told():
    x, y = correlated_gaussians(200_000, 2, information=1.0, generator=generator())
    covariance = torch.cov(torch.cat([x, y], dim=1).T)
    rho = correlation(2, information=1.0)
    expected = torch.tensor([[1, 0, rho, 0], [0, 1, 0, rho], [rho, 0, 1, 0], [0, rho, 0, 1]])
    assert torch.allclose(covariance, expected, atol=0.01)


def test_a_critic_scores_every_pair_at_its_place():
    x, y = correlated_gaussians(5, 3, information=1.0, generator=generator())
    joint = JointCritic(3, (8,))
    separable = SeparableCritic(3, (8,), 4)
    for i, j in [(0, 0), (1, 4), (4, 1)]:
        assert torch.allclose(joint(x, y)[i, j], joint.f(torch.cat([x[i], y[j]]))[0], atol=1e-6)
        assert torch.allclose(separable(x, y)[i, j], separable.f(x[i]) @ separable.g(y[j]), atol=1e-6)


def test_a_network_ends_without_a_rectifier():
    layers = [type(layer).__name__ for layer in mlp(3, (8, 8), 2)]
    assert layers == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]


def test_the_learnt_density_is_normalised():
    density = GaussianDensity(1, (8,))
    grid = torch.linspace(-30, 30, 20_001)[:, None]
    for x in (-1.0, 2.0):
        mass = torch.trapezoid(density(torch.full_like(grid, x), grid).exp(), grid[:, 0])
        assert mass.item() == pytest.approx(1.0, abs=1e-4)


def test_every_bound_of_the_registry_has_its_learner():
    assert list(LEARNERS) == list(BOUNDS)


@every_bound
@pytest.mark.parametrize("critic", ["separable", "joint"])
def test_one_step_sends_a_gradient_into_every_weight(settings, bound, critic):
    learner = build_learner(bound, replace(settings, critic=critic), seed=0)
    objective, estimate = learner(*correlated_gaussians(16, 3, information=1.0, generator=generator()))
    assert objective.shape == estimate.shape == ()
    assert not estimate.requires_grad
    (-objective).backward()
    last = None
    for last in learner.parameters():
        assert last.grad is not None
        assert last.grad.isfinite().all()
    assert last is not None
    assert sum(p.grad.abs().sum() > 0 for p in learner.parameters()) >= len(list(learner.parameters())) - 1


@every_bound
def test_a_seed_decides_every_bit_and_another_seed_another_run(settings, bound):
    once, again = (staircase(settings, bound, seed=3, device=CPU) for _ in range(2))
    assert once == again
    assert once != staircase(settings, bound, seed=4, device=CPU)


@every_bound
def test_a_run_has_a_point_per_block_and_a_level_per_truth(settings, bound):
    trace, levels = staircase(settings, bound, seed=0, device=CPU)
    assert [point["step"] for point in trace] == list(range(5, 45, 5))
    assert [point["truth"] for point in trace] == [0.5] * 4 + [2.0] * 4
    assert [(level["truth"], level["batches"]) for level in levels] == [(0.5, 4), (2.0, 4)]
    if "log k" in BOUNDS[bound].capped_by:
        assert all(point["mean"] <= math.log(16) + 1e-5 for point in trace + levels)


def test_with_the_known_entropy_the_learnt_density_reaches_the_truth(settings):
    longer = replace(settings, information=(1.0,), steps=800, lr=5e-3, batch_size=64, evaluation_batches=400)
    (level,) = staircase(longer, "barber_agakov", seed=0, device=CPU)[1]
    assert level["mean"] == pytest.approx(1.0, abs=0.1)
    assert level["mean"] <= 1.0 + 4 * level["sd"] / 20


def test_blocks_are_means_and_deviations_named_by_their_last_step():
    found = blocks(torch.tensor([1.0, 3.0, 5.0, 5.0]), 2, start=10, truth=2.0)
    assert found == [
        {"step": 12, "truth": 2.0, "mean": 2.0, "sd": pytest.approx(math.sqrt(2))},
        {"step": 14, "truth": 2.0, "mean": 5.0, "sd": 0.0},
    ]


def test_an_estimate_that_is_not_finite_stops_with_its_step():
    with pytest.raises(UserError, match=r"step 13: the estimate is not finite; lower estimators.gaussian.lr"):
        blocks(torch.tensor([1.0, 2.0, math.nan, 4.0]), 2, start=10, truth=2.0)


def test_the_file_says_what_it_is_and_what_made_it(small, tmp_path):
    path = tmp_path / "smile-s0.json"
    gaussian(small, "quick", "smile", 0, output=path)
    found = json.loads(path.read_text())
    assert {key: found[key] for key in ("bound", "seed", "setting")} == {
        "bound": "smile",
        "seed": 0,
        "setting": "quick",
    }
    record = found["provenance"]
    assert record["code"] == fingerprint("theory")
    assert record["params"]["quick.estimators.gaussian.smile"] == {"clip": 5.0}
    assert "dataset" not in record


def test_names_that_the_study_has_not_are_refused(small, tmp_path):
    with pytest.raises(UserError, match=r"'mine' is no bound; allowed: barber_agakov, tuba"):
        gaussian(small, "quick", "mine", 0, output=tmp_path / "x.json")
    with pytest.raises(UserError, match=r"seed 9 is not among quick.estimators.gaussian.seeds: \[0\]"):
        gaussian(small, "quick", "nwj", 9, output=tmp_path / "x.json")
