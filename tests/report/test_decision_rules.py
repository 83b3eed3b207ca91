"""The rules on simulated studies whose truth is known: how often each says what."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from entrec.report.vision.decision_rules import (
    MARGIN,
    Outcome,
    Runs,
    fewer_epochs,
    parity,
    rising,
    robustness,
    within_limits,
)
from entrec.report.vision.published import PAPERS_METHODS, PUBLISHED

STUDIES = 400
ACCURACY = {method: row[4096] for method, row in PUBLISHED["table_1"].items()}
AT_512 = {method: row[512] for method, row in PUBLISHED["table_1"].items()}
AFTER_100 = {method: row[100] for method, row in PUBLISHED["table_2"].items()}
ALIKE = dict.fromkeys(PAPERS_METHODS, -4.0)
Simulated = Callable[[np.random.Generator], Outcome]


def statuses(simulated: Simulated, *, seed: int = 0) -> dict[str, float]:
    """Return how often simulated studies get each status."""
    draws = np.random.default_rng(seed)
    found = Counter(simulated(draws).status for _ in range(STUDIES))
    return {status: found[status] / STUDIES for status in ("reproduced", "not reproduced", "inconclusive", "not run")}


def study(
    draws: np.random.Generator, means: Mapping[str, float], *, seeds: int, sigma: float, of_seed: float = 1.0
) -> Runs:
    """Return accuracies with noise of the deviation `sigma`, and an effect of each seed that all methods share."""
    shared = np.random.default_rng(1).normal(scale=of_seed, size=seeds)  # the same in every setting of the study
    noise = draws.normal(scale=sigma, size=(len(means), seeds))
    return {
        method: dict(enumerate(mean + shared + own)) for (method, mean), own in zip(means.items(), noise, strict=True)
    }


def swept(
    rule: Callable[[Runs, Runs], Outcome],
    deltas: Mapping[str, float],
    *,
    seeds: int,
    sigma: float,
    of_sweep: int | None = None,
) -> Simulated:
    """Return simulated studies of a sweep with so many seeds, in which methods truly change by `deltas`."""
    changed = {method: ACCURACY[method] + delta for method, delta in deltas.items()}

    def simulated(draws: np.random.Generator) -> Outcome:
        at_swept = study(draws, changed, seeds=seeds, sigma=sigma)
        kept = {m: {s: v for s, v in by_seed.items() if s < (of_sweep or seeds)} for m, by_seed in at_swept.items()}
        return rule(study(draws, ACCURACY, seeds=seeds, sigma=sigma), kept)

    return simulated


def compared(difference: float, *, seeds: int, sigma: float) -> Simulated:
    """Return simulated studies in which EntRecCont truly differs so much from the mean of the other methods."""
    means = dict.fromkeys(PAPERS_METHODS, 70.0) | {"entrec_cont": 70.0 + difference}
    return lambda draws: parity(study(draws, means, seeds=seeds, sigma=sigma))


@pytest.mark.parametrize(("rule", "deltas"), [(robustness, AT_512), (fewer_epochs, AFTER_100)])
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_papers_own_effects_are_reproduced(
    rule: Callable[[Runs, Runs], Outcome], deltas: dict[str, float], seeds: int
) -> None:
    found = statuses(swept(rule, deltas, seeds=seeds, sigma=0.3))
    assert found["not reproduced"] <= 0.01
    if seeds == 5:
        assert found["reproduced"] >= 0.8


def test_the_papers_own_accuracies_are_on_par() -> None:
    found = statuses(lambda draws: parity(study(draws, ACCURACY, seeds=5, sigma=0.3)))
    assert found["reproduced"] >= 0.8


@pytest.mark.parametrize("rule", [robustness, fewer_epochs])
@pytest.mark.parametrize("sigma", [0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("seeds", [2, 5])
def test_methods_that_all_change_alike_reproduce_nothing(
    rule: Callable[[Runs, Runs], Outcome], sigma: float, seeds: int
) -> None:
    found = statuses(swept(rule, ALIKE, seeds=seeds, sigma=sigma))
    assert found["reproduced"] <= 0.05


def test_with_little_noise_methods_that_all_change_alike_contradict_the_claims() -> None:
    for rule in (robustness, fewer_epochs):
        assert statuses(swept(rule, ALIKE, seeds=5, sigma=0.1))["not reproduced"] >= 0.95


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_parity_is_wrong_at_most_as_often_as_its_bounds(sigma: float, seeds: int) -> None:
    """The margin is fixed, so that noise makes no claim easier to reproduce."""
    noise_of_400 = 0.03  # three standard errors of a frequency of 0.05
    for difference in (-MARGIN, -3.0):
        assert statuses(compared(difference, seeds=seeds, sigma=sigma))["reproduced"] <= 0.05 + noise_of_400
    for difference in (-MARGIN, 0.0):
        assert statuses(compared(difference, seeds=seeds, sigma=sigma))["not reproduced"] <= 0.05 + noise_of_400


def test_what_is_far_worse_is_not_reproduced() -> None:
    assert statuses(compared(-3.0, seeds=3, sigma=0.3))["not reproduced"] >= 0.95
    worse = AT_512 | {"entrec_disc": AT_512["simclr"] - 4.0}
    assert statuses(swept(robustness, worse, seeds=3, sigma=0.3))["not reproduced"] >= 0.95
    slow = AFTER_100 | {"dino": AFTER_100["byol"]}
    assert statuses(swept(fewer_epochs, slow, seeds=3, sigma=0.3))["not reproduced"] >= 0.95


def test_one_seed_is_inconclusive() -> None:
    draws = np.random.default_rng(0)
    for simulated in (
        swept(robustness, AT_512, seeds=1, sigma=0.3),
        swept(fewer_epochs, AFTER_100, seeds=1, sigma=0.3),
        compared(-30.0, seeds=1, sigma=1.0),
    ):
        found = simulated(draws)
        assert found.status == "inconclusive"
        assert found.sentence.endswith("There are too few seeds for bounds.")
    one = {"simclr": {0: 1.0}}
    assert rising(one, {"simclr": {0: 2.0}}).status == "inconclusive"


def test_a_sweep_of_one_seed_is_judged_by_the_noise_of_the_headline_setting() -> None:
    worse = AT_512 | {"entrec_cont": AT_512["simclr"] - 10.0}
    found = statuses(swept(robustness, worse, seeds=3, sigma=0.3, of_sweep=1))
    assert found["not reproduced"] >= 0.95


@pytest.mark.parametrize(
    ("rises", "status"),
    [
        ({"simclr": (2.0, 2.5), "byol": (1.5, 1.0)}, "reproduced"),
        ({"simclr": (2.0, 2.5), "byol": (-1.5, -1.0)}, "not reproduced"),
        ({"simclr": (2.0, 2.5), "byol": (-0.5, 1.0)}, "inconclusive"),
    ],
)
def test_the_bound_must_rise_by_more_than_the_seeds_differ(rises: dict[str, tuple[float, ...]], status: str) -> None:
    first = {method: dict.fromkeys(range(len(values)), 1.0) for method, values in rises.items()}
    last = {method: {seed: 1.0 + rise for seed, rise in enumerate(values)} for method, values in rises.items()}
    assert rising(first, last).status == status


def test_a_rise_of_nothing_is_seldom_reproduced() -> None:
    def simulated(draws: np.random.Generator) -> Outcome:
        rises = {m: 0.0 if m == "byol" else 5.0 for m in PAPERS_METHODS}
        return rising(
            study(draws, dict.fromkeys(rises, 0.0), seeds=3, sigma=0.5), study(draws, rises, seeds=3, sigma=0.5)
        )

    assert statuses(simulated)["reproduced"] <= 0.05


def test_without_its_methods_a_rule_is_not_run() -> None:
    runs = {"simclr": {0: 70.0, 1: 71.0}, "byol": {0: 70.0, 1: 71.0}}
    for found in (parity(runs), robustness(runs, runs), fewer_epochs(runs, runs)):
        assert found.status == "not run"
        assert found.sentence.startswith("The rule needs ")


def test_methods_without_room_to_differ_are_named_and_decide_nothing() -> None:
    accuracies = {"entrec_cont": {0: 95.0, 1: 95.2}, "simclr": {0: 94.9, 1: 95.1}, "byol": {0: 80.0, 1: 80.1}}
    found = parity(accuracies)
    assert found.status == "reproduced"
    low, high = {0: 80.0, 1: 81.0}, {0: 95.0, 1: 95.1}
    assert within_limits(found, accuracies, {"untrained": {0: 60.0}, "supervised": {0: 99.0}}) == found
    at_floor = within_limits(found, accuracies, {"untrained": low})
    assert at_floor.status == "inconclusive"
    assert at_floor.sentence.endswith("No better than the untrained network (80.5 %): BYOL.")
    at_ceiling = within_limits(found, accuracies, {"supervised": high})
    assert at_ceiling.status == "inconclusive"
    assert at_ceiling.sentence.endswith("No worse than the supervised network (95.0 %): EntRecCont.")
    assert within_limits(parity({}), {"byol": low}, {"untrained": high}) == parity({})
