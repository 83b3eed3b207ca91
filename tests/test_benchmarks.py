"""The measurements: what is compared is the same on both sides, and growth that is linear has the ratio 1."""

import importlib
import sys

import pytest
import torch
from lightly.loss import NTXentLoss

sys.path.append(".")  # pytest's import mode leaves the working folder out

from benchmarks.__main__ import GROUPS, table
from benchmarks.growth import of_a_further
from benchmarks.linear_probe import scikit_learn
from benchmarks.losses import LOSSES, TEMPERATURE, by_matrix, by_tiles
from benchmarks.measuring import Ratio, in_turn, median_ratio, random_images
from benchmarks.studies import SIMCLR
from benchmarks.views import lightly_transform, torchvision_transform

from entrec.evaluation.solvers import objective, solve_lbfgs


def unit(count, seed):
    return torch.nn.functional.normalize(torch.randn(count, 16, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_has_ratios(group):
    assert callable(importlib.import_module(f"benchmarks.{group}").ratios)


def test_both_versions_of_the_kernel_entropy_are_equal():
    z = unit(300, 0)
    torch.testing.assert_close(by_tiles(z), by_matrix(z))


def test_our_loss_is_lightlys():
    z1, z2 = unit(64, 0), unit(64, 1)
    torch.testing.assert_close(LOSSES["NT-Xent"](z1, z2), NTXentLoss(temperature=TEMPERATURE)(z1, z2))


@pytest.mark.parametrize("size", [8, 32])
def test_the_libraries_transforms_give_views_as_ours_are(size):
    from PIL import Image

    data = random_images(2, size=size, channels=3)
    pair = lightly_transform(data)(Image.fromarray(data.images.array[0]))
    view = torchvision_transform(data)(torch.from_numpy(data.images.array[0]).permute(2, 0, 1))
    assert [tuple(image.shape) for image in (*pair, view)] == [(3, size, size)] * 3
    assert {image.dtype for image in (*pair, view)} == {torch.float32}


def test_scikit_learn_minimises_the_same_objective(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(200, 5, generator=generator), torch.randint(3, (200,), generator=generator)
    monkeypatch.setattr("benchmarks.linear_probe.IMAGES", 200)
    theirs = scikit_learn().fit(x.double().numpy(), y.numpy())
    ours = solve_lbfgs(x, y, classes=3, l2=1e-3)
    head = type(ours)(torch.from_numpy(theirs.coef_), torch.from_numpy(theirs.intercept_))
    torch.testing.assert_close(objective(head, x, y, l2=1e-3), objective(ours, x, y, l2=1e-3), rtol=1e-9, atol=0)


def test_growth_that_is_linear_has_the_ratio_one_and_quadratic_growth_more():
    sizes = (100, 1000, 2500)
    assert of_a_further("job", "x", [(n, 3 + 0.5 * n) for n in sizes]).measured == pytest.approx(1)
    assert of_a_further("job", "x", [(n, 3 + n**2) for n in sizes]).measured == pytest.approx(3500 / 1100)


def test_alternatives_take_turns_after_a_round_that_is_not_counted():
    calls = []
    times = in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert calls == ["a", "b"] * 3
    assert {name: len(taken) for name, taken in times.items()} == {"a": 2, "b": 2}
    assert median_ratio([2, 9, 4], [1, 3, 4]) == 2


@pytest.mark.parametrize(
    "measured, better, reached", [(2, "higher", True), (1, "higher", False), (2, "lower", False), (None, "lower", None)]
)
def test_a_target_is_reached_from_the_better_side(measured, better, reached):
    assert Ratio("x", measured, 1.5, better).reached is reached


def test_the_printed_table_says_what_was_missed_and_why_something_is_not_measured():
    text = table([Ratio("a", 1.0, 2.0, "higher"), Ratio("b", None, 2.0, "lower", "no such device")])
    assert "missed" in text
    assert "no such device" in text


def test_noise_has_the_shape_that_is_asked_for():
    data = random_images(6, size=5, channels=1)
    assert data.images.array.shape == (6, 5, 5, 1)
    assert SIMCLR.blur > 0
