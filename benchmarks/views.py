"""Measure the views per second of the augmentation alone, on a GPU or one thread: `python benchmarks/views.py`."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import torch

from entrec.data.images import ArrayImages
from entrec.data.prepared import Prepared
from entrec.settings import View
from entrec.study import load_study
from entrec.training.batches import Batches
from entrec.training.device import make_deterministic, pick_device

STEPS = 8  # in an epoch: random numbers are drawn for several steps at once

# SimCLR's family (arXiv:2002.05709, appendix A and B.9) with the blur that it leaves out for CIFAR-10
SIMCLR = View(
    crop_scale=(0.08, 1.0),
    crop_ratio=(0.75, 1.3333),
    flip=0.5,
    jitter=0.8,
    brightness=0.8,
    contrast=0.8,
    saturation=0.8,
    hue=0.2,
    greyscale=0.2,
    blur=0.5,
    blur_sigma=(0.1, 2.0),
    solarise=0.0,
    solarise_threshold=0.5,
)


def median_seconds(function: Callable[[], object], device: torch.device, repeats: int = 11) -> float:
    """Return the median of the wall-clock seconds of a call, the device's work included, after one call to warm up."""
    function()
    seconds = []
    for _ in range(repeats):
        if device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def views_per_second(view: View, *, size: int, channels: int, batch: int, device: torch.device) -> float:
    """Return the views per second of whole epochs on `device`, two of each image, as networks see them."""
    batches = Batches(
        noise(STEPS * batch, size=size, channels=channels),
        (view, view),
        batch_size=batch,
        seed=0,
        device=device,
        channels_last=False,
    )
    epochs = count()

    def epoch() -> None:
        first = STEPS * next(epochs)
        for step in range(first, first + STEPS):
            batches.at(step)

    return 2 * batch * STEPS / median_seconds(epoch, device)


def noise(images: int, *, size: int, channels: int) -> Prepared:
    """Return a prepared dataset of noise, all of it for training."""
    pixels = np.random.default_rng(0).integers(256, size=(images, size, size, channels), dtype=np.uint8)
    return Prepared(
        name="noise",
        images=ArrayImages(pixels),
        labels=np.zeros(images, dtype=np.int64),
        splits=np.zeros(images, dtype=np.uint8),
        classes=["noise"],
        size=size,
        channels=channels,
        card=None,  # type: ignore[arg-type]  # it was not prepared
        checksum="",
        colour="rgb",
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )


def report(title: str, view: View, *, size: int, channels: int, batch: int = 256) -> None:
    """Print views/s and the milliseconds that two views of a batch take."""
    rate = views_per_second(view, size=size, channels=channels, batch=batch, device=pick_device())
    print(f"{title:<44} {rate:>10,.0f} views/s {2e3 * batch / rate:>8.2f} ms for both views of {batch} images")


def main() -> None:
    """Measure SimCLR's family at 32x32 and the demo's view at its own size."""
    make_deterministic(pick_device(), threads=1)
    study = load_study(Path(__file__).parents[1] / "params" / "demo.yaml")
    demo = study.datasets[study.dataset]
    report("SimCLR with blur, 32x32 colour", SIMCLR, size=32, channels=3)
    report("SimCLR and solarise, 32x32 colour", replace(SIMCLR, solarise=0.2), size=32, channels=3)
    report(f"demo, {demo.size}x{demo.size}", study.views[0], size=demo.size, channels=demo.channels)


if __name__ == "__main__":
    main()
