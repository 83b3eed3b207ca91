"""Sampled parameters: functions of their address alone, with torchvision's distributions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.data.conftest import VIEW
from torchvision.transforms.v2 import RandomResizedCrop  # takes seconds to import; so be it in tests

from entrec.data.view_parameters import Colour, ViewParameters, draw


def drawn(view, *, samples=None, n=4000, seed=0, epoch=0, index=0, height=32, width=32) -> ViewParameters:
    samples = torch.arange(n) if samples is None else samples
    return draw(view, seed=seed, epoch=epoch, samples=samples, index=index, height=height, width=width)


def torchvision_crops(view, *, n, height, width) -> np.ndarray:
    torch.manual_seed(0)
    image = torch.zeros(1, height, width)
    crop = RandomResizedCrop(8, scale=view.crop_scale, ratio=view.crop_ratio)
    made = [crop.make_params([image]) for _ in range(n)]
    return np.array([[each[name] for name in ("top", "left", "height", "width")] for each in made])


def crops(parameters: ViewParameters) -> np.ndarray:
    return torch.stack([parameters.top, parameters.left, parameters.height, parameters.width], dim=1).numpy()


@pytest.mark.parametrize("chosen", [[5], [5, 9], [9, 2, 5, 31, 0]])
def test_a_samples_parameters_do_not_depend_on_its_batch(simclr, chosen):
    all_of_them = drawn(simclr, n=32).tensors()
    some = drawn(simclr, samples=torch.tensor(chosen)).tensors()
    assert all(torch.equal(some[name], all_of_them[name][chosen]) for name in all_of_them)


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}, {"index": 1}])
def test_another_seed_epoch_or_view_draws_other_parameters(simclr, change):
    ours, theirs = drawn(simclr), drawn(simclr, **change)
    assert stats.pearsonr(ours.factors[:, 0], theirs.factors[:, 0]).pvalue > 1e-3
    assert (ours.flip == theirs.flip).float().mean().item() == pytest.approx(0.5, abs=0.04)


def test_other_settings_of_one_operation_leave_the_draws_of_the_rest(simclr):
    ours, theirs = drawn(simclr), drawn(replace(simclr, blur=0.0, hue=0.0, crop_scale=(0.5, 0.6)))
    assert torch.equal(ours.flip, theirs.flip)
    assert torch.equal(ours.order, theirs.order)
    assert torch.equal(ours.factors[:, : Colour.HUE], theirs.factors[:, : Colour.HUE])


@pytest.mark.parametrize("shape", [(32, 32), (24, 60)])
def test_crops_are_distributed_as_torchvisions(simclr, shape):
    height, width = shape
    ours = crops(drawn(simclr, height=height, width=width))
    theirs = torchvision_crops(simclr, n=4000, height=height, width=width)
    for a, b in zip(ours.T, theirs.T, strict=True):
        assert stats.ks_2samp(a, b).pvalue > 1e-3
    area = [crop[:, 2] * crop[:, 3] for crop in (ours, theirs)]
    ratio = [crop[:, 3] / crop[:, 2] for crop in (ours, theirs)]
    assert stats.ks_2samp(*area).pvalue > 1e-3
    assert stats.ks_2samp(*ratio).pvalue > 1e-3


@given(sides=st.tuples(st.integers(4, 500), st.integers(4, 500)), seed=st.integers(0, 2**31))
def test_crops_lie_inside_the_image(sides, seed):
    top, left, height, width = crops(drawn(VIEW, n=200, seed=seed, height=sides[0], width=sides[1])).T
    assert min(top.min(), left.min()) >= 0
    assert min(height.min(), width.min()) >= 1
    assert (top + height).max() <= sides[0]
    assert (left + width).max() <= sides[1]


@pytest.mark.parametrize("shape", [(32, 32), (20, 64), (64, 20)])
@pytest.mark.parametrize("ratio", [(3.5, 4.0), (0.2, 0.25)])
def test_when_no_try_fits_the_crop_is_torchvisions_central_one(simclr, shape, ratio):
    view = replace(simclr, crop_scale=(0.99, 1.0), crop_ratio=ratio)
    ours = crops(drawn(view, n=3, height=shape[0], width=shape[1]))
    assert ours.tolist() == torchvision_crops(view, n=3, height=shape[0], width=shape[1]).tolist()


@pytest.mark.parametrize("operation", ["flip", "jitter", "greyscale", "blur", "solarise"])
@pytest.mark.parametrize("chance", [0.0, 0.2, 0.5, 1.0])
def test_probabilities_are_honoured(simclr, operation, chance):
    happened = getattr(drawn(replace(simclr, **{operation: chance})), operation)
    assert stats.binomtest(int(happened.sum()), len(happened), chance).pvalue > 1e-3


def test_colour_factors_are_uniform_around_their_middle(simclr):
    factors = drawn(simclr).factors.double().numpy()
    for kind, half, middle in [(Colour.BRIGHTNESS, 0.8, 1), (Colour.SATURATION, 0.8, 1), (Colour.HUE, 0.2, 0)]:
        assert stats.kstest((factors[:, kind] - middle) / half, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_all_orders_of_the_colour_operations_are_equally_frequent(simclr):
    order = drawn(simclr).order
    _, counts = torch.unique(order @ torch.tensor([64, 16, 4, 1]), return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3


def test_the_parameters_of_a_view_do_not_depend_on_each_other(simclr):
    p = drawn(replace(simclr, crop_scale=(0.25, 0.25), crop_ratio=(1.0, 1.0)))  # a fixed box, so that places are free
    chances = torch.stack([p.top, p.left, p.flip, p.jitter, p.greyscale, p.blur, p.sigma, p.solarise], dim=1)
    place_of_one = p.order.argsort(dim=1)[:, :1]  # the places of all four would add up
    correlations = np.corrcoef(torch.cat([chances, p.factors, place_of_one], dim=1).double().numpy().T)
    assert np.abs(correlations - np.eye(len(correlations))).max() < 5 / np.sqrt(4000)
