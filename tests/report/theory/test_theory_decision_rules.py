"""The rules of C2 and C3 on simulated rows whose truth is known: how often each outcome is said."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from entrec.report.theory.decision_rules import isolation_outcome, recovery_outcome

STUDIES = 400


def simulated_recovery(draws: np.random.Generator, forms: float, reference: float, *, sigma: float, seeds: int) -> str:
    """Return the outcome of a row in which objectives truly close such shares of a gap of 0.6."""

    def scores(mean: float) -> list[float]:
        return list(0.4 + 0.6 * draws.normal(mean, sigma, size=seeds))

    return recovery_outcome(
        {"one": scores(forms), "other": scores(forms)}, {"reference": scores(reference)},
        untrained=[0.4] * seeds, supervised=[1.0] * seeds, rows=4,
    )  # fmt: skip


def simulated_isolation(draws: np.random.Generator, content: float, excess: float, *, sigma: float, seeds: int) -> str:
    """Return the outcome of a row in which EntRecCont truly has such scores and the reference isolates content."""

    def scores(content: float, excess: float, sigma: float) -> tuple[list[float], list[float]]:
        return list(draws.normal(content, sigma, size=seeds)), list(draws.normal(0.3 + excess, sigma, size=seeds))

    return isolation_outcome(
        {"form": scores(content, excess, sigma)}, {"reference": scores(0.98, 0.0, 0.001)},
        ceiling=[0.98] * seeds, oracle=[0.3] * seeds, rows=4,
    )  # fmt: skip


def often(outcome: str, simulated: Callable[[np.random.Generator], str]) -> float:
    """Return how often simulated rows have an outcome."""
    draws = np.random.default_rng(0)
    return sum(simulated(draws) == outcome for _ in range(STUDIES)) / STUDIES


@pytest.mark.parametrize("sigma", [0.003, 0.03])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_rows_are_wrongly_decided_at_most_as_often_as_their_bounds(sigma: float, seeds: int) -> None:
    noise_of_400 = 0.03  # three standard errors of a frequency of 0.05
    options: Any = {"sigma": sigma, "seeds": seeds}
    assert often("holds", lambda draws: simulated_recovery(draws, 0.9, 0.95, **options)) <= 0.05 + noise_of_400
    assert often("fails", lambda draws: simulated_recovery(draws, 0.9, 0.95, **options)) <= 0.05
    limit = 0.95 * 0.98
    assert often("holds", lambda draws: simulated_isolation(draws, limit, 0.0, **options)) <= 0.05 + noise_of_400
    assert often("holds", lambda draws: simulated_isolation(draws, 0.98, 0.05, **options)) <= 0.05 + noise_of_400
    assert often("fails", lambda draws: simulated_isolation(draws, limit, 0.05, **options)) <= 0.05


def test_with_five_seeds_and_little_noise_rows_are_rightly_decided() -> None:
    little: Any = {"sigma": 0.01, "seeds": 5}
    assert often("holds", lambda draws: simulated_recovery(draws, 0.95, 0.95, **little)) >= 0.95
    assert often("fails", lambda draws: simulated_recovery(draws, 0.8, 0.95, **little)) >= 0.95
    assert often("out of reach", lambda draws: simulated_recovery(draws, 0.8, 0.8, **little)) >= 0.95
    assert often("holds", lambda draws: simulated_isolation(draws, 0.97, 0.0, **little)) >= 0.95
    assert often("fails", lambda draws: simulated_isolation(draws, 0.97, 0.2, **little)) >= 0.95


def test_one_seed_is_uncertain() -> None:
    draws = np.random.default_rng(0)
    assert simulated_recovery(draws, 0.5, 0.99, sigma=0.01, seeds=1) == "uncertain"
    assert simulated_isolation(draws, 0.5, 0.5, sigma=0.01, seeds=1) == "uncertain"
