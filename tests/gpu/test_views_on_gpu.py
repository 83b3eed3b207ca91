"""Views that a GPU makes are those of the CPU, whichever way their images come; they take few launches and no waits."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.gpu.conftest import CPU, GPU, NEEDS_GPU, VIEW, noise

from entrec.data import network_views
from entrec.data.images import ArrayImages, EncodedImages
from entrec.settings import LocalViews
from entrec.training import ingredients
from entrec.training.batches import Batches

pytestmark = NEEDS_GPU
WAYS = ("kept", "read ahead", "encoded")
LAUNCHES = 60  # for two views of 32 pixels, with every operation


def images_in(way, monkeypatch, colour="rgb"):
    """Coloured noise of four batches an epoch, which come to the GPU in one of `WAYS`."""
    data = noise(colour, train=1024)
    if way == "encoded":
        return replace(data, images=EncodedImages([png(image, i) for i, image in enumerate(data.images.array)]))
    monkeypatch.setattr(ingredients, "may_be_kept", lambda size, device: way == "kept")
    return data


def png(image, number):
    """An image as a PNG, with a border that gives it a size of its own."""
    buffer = io.BytesIO()
    Image.fromarray(np.pad(image, ((0, number % 7), (number % 5, 0), (0, 0)), "edge")).save(buffer, "PNG")
    return buffer.getvalue()


def batches(data, device=GPU, *, channels_last=True, views=(VIEW, VIEW)):
    crops = (LocalViews(size=16, view=VIEW),) * 3
    return Batches(data, views, batch_size=256, seed=0, device=device, channels_last=channels_last, local=crops)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_gpu_makes_the_batches_of_the_cpu(way, channels_last, monkeypatch):
    data = images_in(way, monkeypatch)
    here, there = (batches(data, device, channels_last=channels_last) for device in (CPU, GPU))
    for step in (0, 1, 5):
        (ours, labels), (theirs, same_labels) = here.at(step), there.at(step)
        assert torch.equal(labels, same_labels.cpu())
        for view, made in zip(ours, theirs, strict=True):
            torch.testing.assert_close(made.cpu() * 0.25, view * 0.25, atol=1e-5, rtol=0)  # in units of a pixel
            assert made.stride() == view.stride()


def test_a_gpu_makes_the_batches_of_the_cpu_in_lab(monkeypatch):
    data = images_in("kept", monkeypatch, colour="lab")
    for view, made in zip(batches(data, CPU).at(3)[0], batches(data).at(3)[0], strict=True):
        torch.testing.assert_close(made.cpu() * 0.25, view * 0.25, atol=1e-3, rtol=0)  # L* is up to 100


def test_a_gpu_makes_the_grey_batches_of_the_cpu(monkeypatch):
    data = images_in("kept", monkeypatch)
    grey = replace(data, images=ArrayImages(data.images.array[..., :1]), channels=1, mean=(0.5,), std=(0.25,))
    for view, made in zip(batches(grey, CPU).at(3)[0], batches(grey).at(3)[0], strict=True):
        torch.testing.assert_close(made.cpu() * 0.25, view * 0.25, atol=1e-5, rtol=0)


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_has_the_same_bits_whatever_came_before(way, monkeypatch):
    data = images_in(way, monkeypatch)
    through = batches(data)
    for step in range(7):
        views, _ = through.at(step)
    for view, resumed in zip(views, batches(data).at(6)[0], strict=True):
        assert torch.equal(view, resumed)


def test_images_that_are_kept_and_images_that_are_read_ahead_make_the_same_bits(monkeypatch):
    made = [batches(images_in(way, monkeypatch)).at(2)[0] for way in ("kept", "read ahead")]
    assert all(torch.equal(*pair) for pair in zip(*made, strict=True))


@pytest.mark.parametrize("way", ["kept", "encoded"])
def test_a_compiler_that_begins_anew_makes_the_same_bits(way, monkeypatch):
    from torch._inductor.utils import fresh_cache

    data = images_in(way, monkeypatch)
    made = []
    for step in (0, 3):  # so that the compiler sees other cuts first
        with fresh_cache():
            torch.compiler.reset()
            network_views._compiled.cache_clear()
            anew = batches(data)
            anew.at(step)
            made.append(anew.at(2)[0])
    assert all(torch.equal(*pair) for pair in zip(*made, strict=True))


@pytest.mark.parametrize("way", ["kept", "read ahead"])
def test_two_views_take_few_launches(way, monkeypatch):
    two = Batches(images_in(way, monkeypatch), (VIEW, VIEW), batch_size=256, seed=0, device=GPU, channels_last=True)
    two.at(0)
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        two.at(1)
        torch.cuda.synchronize()
    on_gpu = [event.name for event in profile.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    kernels = [name for name in on_gpu if not name.startswith(("Memcpy", "Memset"))]
    assert 0 < len(kernels) <= LAUNCHES, kernels


@pytest.mark.parametrize("way", WAYS)
def test_making_a_batch_lets_the_host_wait_for_nothing(way, monkeypatch):
    made = batches(images_in(way, monkeypatch))
    made.at(0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(1, 6):  # two epochs, each drawn for at its first step
            made.at(step)
    finally:
        torch.cuda.set_sync_debug_mode("default")
