"""Bounds over seeds: closed forms, agreement with scipy, and how often they are wrong."""

import math
import statistics

import numpy as np
import pytest
from scipy import stats

from entrec.report.bounds import contrast_bounds, mean_bounds

VALUES = [0.3, 1.1, 0.4, 0.9, 0.6]


def test_bounds_of_a_mean_are_those_of_scipys_one_sample_t_test() -> None:
    found = mean_bounds(VALUES)
    assert found is not None
    for alternative, bound, end in (("greater", found.low, "low"), ("less", found.high, "high")):
        interval = stats.ttest_1samp(VALUES, 0, alternative=alternative).confidence_interval(0.95)
        assert bound == pytest.approx(getattr(interval, end))


def test_a_difference_of_two_cells_is_scipys_paired_t_test() -> None:
    others = [0.1, 0.7, 0.5, 0.2, 0.0]
    runs = {"one": dict(enumerate(VALUES)), "other": dict(enumerate(others))}
    (found,) = contrast_bounds(runs, {"": {"one": 1.0, "other": -1.0}}, paired=True, comparisons=1).values()
    interval = stats.ttest_rel(VALUES, others, alternative="greater").confidence_interval(0.95)
    assert found.low == pytest.approx(interval.low)


def test_an_effect_that_all_cells_of_a_seed_share_widens_no_bound() -> None:
    runs = {cell: dict(enumerate(np.random.default_rng(i).normal(size=4))) for i, cell in enumerate("abc")}
    moved = {cell: {seed: value + 100 * seed for seed, value in by_seed.items()} for cell, by_seed in runs.items()}
    contrast = {"": {"a": 1.0, "b": -0.5, "c": -0.5}}
    (before,), (after,) = (
        contrast_bounds(values, contrast, paired=True, comparisons=1).values() for values in (runs, moved)
    )
    assert (after.estimate, after.low, after.high) == pytest.approx((before.estimate, before.low, before.high))


def test_a_single_run_of_one_cell_has_the_deviation_of_the_others() -> None:
    runs = {"one": {0: 1.0, 1: 3.0, 2: 5.0}, "other": {0: 7.0}}
    (found,) = contrast_bounds(runs, {"": {"other": 1.0, "one": -1.0}}, paired=False, comparisons=1).values()
    margin = stats.t.isf(0.05, 2) * 2 * math.sqrt(2)  # the deviation is 2; the only seed in common is 0
    assert (found.estimate, found.high) == pytest.approx((6, 6 + margin))


def test_more_comparisons_widen_the_bounds_as_bonferroni_says() -> None:
    found = mean_bounds(VALUES, comparisons=8)
    assert found is not None
    margin = stats.t.isf(0.05 / 8, 4) * statistics.stdev(VALUES) / math.sqrt(5)
    assert found.high - found.estimate == pytest.approx(margin)


def test_one_seed_has_no_bounds() -> None:
    assert mean_bounds([1.0]) is None
    runs = {"one": {0: 1.0}, "other": {0: 2.0}}
    assert contrast_bounds(runs, {"": {"one": 1.0, "other": -1.0}}, paired=True, comparisons=1) == {}


def test_all_bounds_together_are_wrong_at_most_as_often_as_they_say() -> None:
    draws, wrong = np.random.default_rng(0), 0
    contrasts = {other: {0: 1.0, other: -1.0} for other in range(1, 5)}
    for _ in range(1000):
        shared = draws.normal(size=4)
        runs = {cell: dict(enumerate(shared + draws.normal(size=4))) for cell in range(5)}
        found = contrast_bounds(runs, contrasts, paired=True, comparisons=len(contrasts)).values()
        wrong += any(one.low > 0 for one in found)
    assert 0.02 < wrong / 1000 < 0.065  # at most 0.05, and Bonferroni's correction is a little too wide
