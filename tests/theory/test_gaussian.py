"""The Gaussian benchmark: its data, its learners and what a run leaves."""

import json
import math
from dataclasses import replace

import pytest
import torch
from tests.conftest import generator
from tests.theory.conftest import CPU

from entrec.errors import UserError
from entrec.fingerprint import fingerprint
from entrec.information import bounds
from entrec.information.kernels import VMFKernel
from entrec.paths import circumstances_of
from entrec.theory.estimators.critics import GaussianDensity, JointCritic, SeparableCritic, mlp
from entrec.theory.estimators.gaussian import (
    blocks,
    build_learner,
    correlated_gaussians,
    correlation,
    gaussian,
    staircase,
)
from entrec.theory.registry import BOUNDS
from entrec.theory.settings.estimators import EntRec, EntRecDiscrete, Smile

OF_SCORES = {"nwj", "js", "smile", "info_nce"}
ON_SPHERE = {"entrec_resubstitution", "entrec_leave_one_out"}
OF_ONE_KIND = {name: next((kind for kind in (OF_SCORES, ON_SPHERE) if name in kind), set()) for name in BOUNDS}
every_bound = pytest.mark.parametrize("bound", BOUNDS)


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


def of_scores(objective, estimate):
    """(objective, estimate) as two functions of the scores of the learner's own critic."""

    def by_hand(learner, x, y):
        scores = learner.networks(x, y)
        return objective(scores), estimate(scores)

    return by_hand


def of_unit_vectors(bound, **options):
    """The bound of what the learner's two networks make of x and y, on the sphere."""

    def by_hand(learner, x, y):
        z1, z2 = learner.networks.f(x), learner.networks.g(y)
        found = bound(z1 / z1.norm(dim=1, keepdim=True), z2 / z2.norm(dim=1, keepdim=True), **options)
        return found, found

    return by_hand


def tuba_by_hand(learner, x, y):
    found = bounds.tuba(learner.networks.critic(x, y), log_baseline=learner.networks.log_baseline(y)[:, 0])
    return found, found


def barber_agakov_by_hand(learner, x, y):
    found = bounds.barber_agakov(learner.networks(x, y), entropy=3 / 2 * math.log(2 * math.pi * math.e))
    return found, found


def discrete_by_hand(learner, x, y):
    found = bounds.entrec_discrete_bound(learner.networks.f(x), learner.networks.g(y))
    return found, found


BY_HAND = {
    "barber_agakov": barber_agakov_by_hand,
    "tuba": tuba_by_hand,
    "nwj": of_scores(bounds.nwj, bounds.nwj),
    "js": of_scores(bounds.js, bounds.js_information),
    "smile": of_scores(bounds.js, lambda scores: bounds.smile(scores, clip=0.01)),
    "info_nce": of_scores(bounds.info_nce_bound, bounds.info_nce_bound),
    "entrec_resubstitution": of_unit_vectors(bounds.entrec_bound, kernel=VMFKernel(7.0), kappa=3.0),
    "entrec_leave_one_out": of_unit_vectors(bounds.entrec_leave_one_out_bound, kernel=VMFKernel(2.0), kappa=11.0),
    "entrec_discrete": discrete_by_hand,
}


@every_bound
def test_each_learner_computes_the_function_that_it_is_named_after(settings, bound):
    unlike = replace(
        settings,
        smile=Smile(clip=0.01),
        entrec_resubstitution=EntRec(kernel_kappa=7.0, kappa=3.0),
        entrec_leave_one_out=EntRec(kernel_kappa=2.0, kappa=11.0),
        entrec_discrete=EntRecDiscrete(categories=5),
    )
    learner = build_learner(bound, unlike, seed=0)
    x, y = correlated_gaussians(16, 3, information=1.0, generator=generator())
    objective, estimate = (value.item() for value in BY_HAND[bound](learner, x, y))
    found = learner(x, y)
    assert (found[0].item(), found[1].item()) == pytest.approx((objective, estimate), rel=1e-6)
    others = {name: by_hand for name, by_hand in BY_HAND.items() if name in OF_ONE_KIND[bound] and name != bound}
    for by_hand in others.values():  # so that one learner taken for another would be seen
        assert [value.item() for value in by_hand(learner, x, y)] != pytest.approx([objective, estimate], rel=1e-3)


def test_the_smile_learner_is_trained_by_js_and_read_by_smile(settings):
    x, y = correlated_gaussians(16, 3, information=1.0, generator=generator())
    smile, js = (build_learner(name, settings, seed=0) for name in ("smile", "js"))
    assert smile(x, y)[0].item() == js(x, y)[0].item()
    for learner in (smile, js):
        learner(x, y)[0].backward()
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(smile.parameters(), js.parameters(), strict=True))


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
    assert [point.step for point in trace] == list(range(5, 45, 5))
    assert [point.truth for point in trace] == [0.5] * 4 + [2.0] * 4
    assert [(level.truth, level.batches) for level in levels] == [(0.5, 4), (2.0, 4)]
    if BOUNDS[bound].capped_by_log_k:
        assert all(point.mean <= math.log(16) + 1e-5 for point in trace + levels)


def test_with_the_known_entropy_the_learnt_density_reaches_the_truth(settings):
    longer = replace(settings, information=(1.0,), steps=800, lr=5e-3, batch_size=64, evaluation_batches=400)
    (level,) = staircase(longer, "barber_agakov", seed=0, device=CPU)[1]
    assert level.mean == pytest.approx(1.0, abs=0.1)
    assert level.mean <= 1.0 + 4 * level.sd / 20


def test_blocks_are_means_and_deviations_named_by_their_last_step():
    first, second = blocks(torch.tensor([1.0, 3.0, 5.0, 5.0]), 2, start=10, truth=2.0)
    assert (first.step, first.truth, first.mean, first.sd) == (12, 2.0, 2.0, pytest.approx(math.sqrt(2)))
    assert (second.step, second.truth, second.mean, second.sd) == (14, 2.0, 5.0, 0.0)


def test_an_estimate_that_is_not_finite_stops_with_its_step():
    with pytest.raises(UserError, match=r"step 13: the estimate is not finite; lower estimators.gaussian.lr"):
        blocks(torch.tensor([1.0, 2.0, math.nan, 4.0]), 2, start=10, truth=2.0)


def test_the_file_says_what_it_is_and_what_made_it(small, tmp_path):
    path = tmp_path / "smile-s0.json"
    gaussian(small.setting("quick"), "smile", 0, output=path)
    found = json.loads(path.read_text())
    assert {key: found[key] for key in ("bound", "seed", "setting")} == {
        "bound": "smile",
        "seed": 0,
        "setting": "quick",
    }
    assert json.loads(circumstances_of(path).read_text())["code"] == fingerprint("theory")
    record = found["made_from"]
    assert record["params"]["quick.estimators.gaussian.smile"] == {"clip": 5.0}
    assert "dataset" not in record


def test_names_that_the_study_has_not_are_refused(small, tmp_path):
    with pytest.raises(UserError, match=r"'mine' is no bound; allowed: barber_agakov, tuba"):
        gaussian(small.setting("quick"), "mine", 0, output=tmp_path / "x.json")
    with pytest.raises(UserError, match=r"seed 9 is not among quick.estimators.gaussian.seeds: \[0\]"):
        gaussian(small.setting("quick"), "nwj", 9, output=tmp_path / "x.json")


@every_bound
def test_a_benchmark_that_diverges_stops_in_one_line(bound, settings):
    diverging = replace(settings, lr=1e9, hidden=(16,) * 5, steps=10)
    with pytest.raises(UserError, match=r"^step \d+: the estimate is not finite; lower estimators.gaussian.lr"):
        staircase(diverging, bound, seed=0, device=CPU)
