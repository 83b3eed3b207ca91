"""Exponents and their intervals."""

import math
import random

import pytest

from entrec.theory.estimators.slopes import leading_power_law, power_law

X = [64, 128, 256, 512, 1024, 2048]


@pytest.mark.parametrize("slope", [-2.0, -0.5, 1.0])
def test_an_exact_power_law_is_recovered(slope):
    y = [3.7 * x**slope for x in X]
    for fit in (power_law, leading_power_law):
        found = fit(X, y, [0.01] * len(X))
        assert found.slope == pytest.approx(slope)
        assert found.low < slope < found.high


def test_the_leading_exponent_is_found_beneath_a_correction():
    y = [x**-2 * math.exp(30 / x) for x in X]
    assert leading_power_law(X, y, [0.01] * len(X)).slope == pytest.approx(-2)
    bent = power_law(X, y, [0.01] * len(X))
    assert bent.slope < -2.02
    assert bent.low < -2.05  # widened, since the points do not lie on a line


def test_two_sizes_of_error_weigh_as_their_inverse_squares():
    """The slope through two groups of points nears that of the group that is measured well."""
    y = [x**-1.0 for x in X[:3]] + [100 * x**-1.0 for x in X[3:]]
    exact_first = power_law(X, y, [1e-6] * 3 + [1e3] * 3)
    assert exact_first.slope == pytest.approx(-1.0, abs=1e-3)
    assert power_law(X, y, [0.1] * 6).slope > -0.5


@pytest.mark.parametrize("fit", [power_law, leading_power_law])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(fit):
    noise = random.Random(0)
    held = 0
    for _ in range(400):
        y = [x**-1.0 * math.exp(noise.gauss(0, 0.1)) for x in X]
        _, low, high = fit(X, y, [0.1] * len(X))
        held += low <= -1.0 <= high
    assert 0.93 <= held / 400 <= 1.0


@pytest.mark.parametrize(
    ("x", "y", "errors"),
    [
        ([1, 2], [1.0, 2.0], [0.1, 0.1]),
        ([1, 2, 3], [1.0, 0.0, 2.0], [0.1] * 3),
        ([1, 2, 3], [1.0, math.nan, 2.0], [0.1] * 3),
        ([1, 2, 3], [1.0, 1.0, 2.0], [0.1, 0.0, 0.1]),
    ],
)
def test_too_few_points_and_what_has_no_logarithm_are_refused(x, y, errors):
    with pytest.raises(ValueError, match="more than 2 points, all positive"):
        power_law(x, y, errors)
    with pytest.raises(ValueError, match="more than 3 points"):
        leading_power_law(x, y, errors)
