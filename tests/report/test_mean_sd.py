"""Means, deviations and how numbers are written."""

import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists

from entrec.report.mean_sd import MeanSD, decimal, points

GROUPS = lists(lists(floats(-100, 100), max_size=4), max_size=5)


@given(GROUPS)
def test_a_union_has_the_mean_and_the_deviation_of_all_its_values(groups: list[list[float]]) -> None:
    union = MeanSD.union([MeanSD.of(group) for group in groups])
    whole = MeanSD.of(value for group in groups for value in group)
    assert union.n == whole.n
    assert union.mean == pytest.approx(whole.mean, abs=1e-9, nan_ok=True)
    assert union.sd == pytest.approx(whole.sd, abs=1e-5)


@given(floats(-1e6, 1e6))
def test_numbers_have_a_minus_sign_and_zero_has_none(value: float) -> None:
    written = decimal(value, 2)
    assert float(written.replace("−", "-")) == pytest.approx(value, abs=0.00501)
    assert "-" not in written
    assert written != "−0.00"


def test_differences_carry_their_sign_and_zero_has_none() -> None:
    assert [points(value) for value in (0.25, -2.5, 0.04, -0.04)] == ["+0.2", "−2.5", "0.0", "0.0"]


def test_a_deviation_has_as_many_decimals_as_its_mean_and_one_seed_has_none() -> None:
    assert MeanSD(-1.0, 0.25, 2).text(decimals=2) == "−1.00 ± 0.25"
    assert MeanSD(-13.656, None, 1).text(decimals=2) == "−13.66"
    assert MeanSD.of([]).text() == "–"
