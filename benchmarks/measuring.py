"""What the measurements share: a ratio with its target, and timing of alternatives that take turns.

Seconds depend on the machine and on what else it does. Alternatives are therefore timed in one process, in turn and
several times, and only ratios are reported.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from entrec.data.images import ArrayImages
from entrec.data.prepared import Prepared
from entrec.training.device import pick_device

Work = Callable[[], object]
Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Ratio:
    """A ratio, and the `target` that it should reach: at least where `better` is higher, at most where it is lower.

    `measured` is None where the ratio cannot be measured, and `reason` says why.
    """

    name: str
    measured: float | None
    target: float
    better: Better
    reason: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.target if self.better == "higher" else self.measured <= self.target


def at_least(target: float, name: str, measured: float) -> Ratio:
    """Return a ratio of which more is better."""
    return Ratio(name, measured, target, "higher")


def at_most(target: float, name: str, measured: float) -> Ratio:
    """Return a ratio of which less is better."""
    return Ratio(name, measured, target, "lower")


def seconds(work: Work) -> float:
    """Return the wall seconds of `work`, those of the GPU included."""
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def in_turn(works: Mapping[str, Work], *, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each of `works` in every round, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            taken = seconds(work)
            if turn:
                times[name].append(taken)
    return times


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the median over rounds of `over` divided by `under`."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def random_images(count: int, *, size: int, channels: int) -> Prepared:
    """Return `count` training images of noise in ten classes; the time of a step does not depend on what they show."""
    random = np.random.default_rng(0)
    return Prepared(
        name="noise",
        images=ArrayImages(random.integers(256, size=(count, size, size, channels), dtype=np.uint8)),
        labels=np.arange(count) % 10,
        splits=np.zeros(count, dtype=np.uint8),
        classes=[str(label) for label in range(10)],
        size=size,
        channels=channels,
        card=None,  # type: ignore[arg-type]  # there is no preparation to tell of
        checksum="0" * 64,
        colour="rgb",
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )


def on_gpu() -> bool:
    """Whether a GPU is measured."""
    return pick_device().type == "cuda"
