"""Splits are stratified and fixed, keep groups whole, and hold every class."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entrec.data.source import Labelled
from entrec.data.splits import TEST, TRAIN, VALIDATION, groups_by_name, split
from entrec.errors import UserError

COUNTS = [40, 100, 60]


def source(*, counts=COUNTS, official=None, groups=None) -> Labelled:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Labelled(
        labels=labels,
        classes=[f"class {number}" for number in range(len(counts))],
        description="",
        licence="",
        origin="",
        official_test=official,
        groups=groups,
    )


def shares(splits: np.ndarray, label: int) -> list[int]:
    return np.bincount(splits[source().labels == label], minlength=3).tolist()


def test_each_class_gives_the_test_share_and_of_the_rest_the_validation_share(spec):
    splits = split(source(), spec, "x")  # 0.2 tests, 0.25 of the rest validates
    assert [shares(splits, label) for label in range(3)] == [[24, 8, 8], [60, 20, 20], [36, 12, 12]]


def test_splits_are_the_same_every_time_and_spread_over_the_set(spec):
    splits = split(source(), spec, "x")
    assert np.array_equal(splits, split(source(), spec, "another name"))
    tested = np.flatnonzero(splits[40:140] == TEST)
    assert 35 < tested.mean() < 65
    assert len(np.unique(np.diff(tested))) > 3


def test_a_larger_test_split_contains_the_smaller_one(spec):
    small, large = (split(source(), replace(spec, test=test), "x") for test in (0.2, 0.4))
    assert (large[small == TEST] == TEST).all()


def test_the_official_test_split_is_kept_and_validation_comes_from_the_rest(spec):
    official = np.arange(200) % 2 == 0
    splits = split(source(official=official), replace(spec, test=0.0), "x")
    assert np.array_equal(splits == TEST, official)
    assert shares(splits, 1) == [37, 13, 50]


def test_a_test_share_beside_an_official_split_is_refused(spec):
    with pytest.raises(UserError, match=r"datasets.x.test: 0.2; textures has an official test split"):
        split(source(official=np.arange(200) % 2 == 0), spec, "x")


@given(drawn=st.lists(st.integers(0, 14), min_size=sum(COUNTS), max_size=sum(COUNTS)))
def test_groups_of_a_class_stay_whole(spec, drawn):
    """Each class is given groups of its own, fifteen at most, of any sizes."""
    labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
    groups = 100 * labels + np.array(drawn)
    assume(all(len(np.unique(groups[labels == label])) >= 5 for label in range(len(COUNTS))))
    splits = split(source(groups=groups), spec, "x")
    assert all(len(np.unique(splits[groups == group])) == 1 for group in groups)
    assert set(splits.tolist()) == {TRAIN, VALIDATION, TEST}


def test_an_official_test_image_stays_one_though_it_shares_its_group_with_others(spec):
    official, groups = np.arange(200) % 2 == 0, np.arange(200) // 2
    splits = split(source(official=official, groups=groups), replace(spec, test=0.0), "x")
    assert np.array_equal(splits == TEST, official)
    assert shares(splits, 1) == [37, 13, 50]


def test_groups_by_name_follow_the_name_alone():
    names = [f"{number}.jpg" for number in range(200)]
    groups = groups_by_name(names)
    assert len(np.unique(groups)) == 200
    assert np.array_equal(groups_by_name(names[::-1]), groups[::-1])
    assert np.array_equal(groups_by_name(names[1:]), groups[1:])


@pytest.mark.parametrize(
    ("change", "counts", "missing"),
    [
        ({"test": 0.0}, COUNTS, "'class 0' has 40 images and none in the test split"),
        ({}, [50, 2, 50], "'class 1' has 2 images and none in the test split"),
        ({"validation": 0.01}, COUNTS, "'class 0' has 40 images and none in the validation split"),
        ({"validation": 0.99}, COUNTS, "'class 0' has 40 images and none in the train split"),
    ],
)
def test_a_class_that_misses_from_a_split_is_named(spec, change, counts, missing):
    with pytest.raises(UserError, match=f"datasets.x: class {missing}"):
        split(source(counts=counts), replace(spec, **change), "x")
