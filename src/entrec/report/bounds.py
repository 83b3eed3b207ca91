"""What a few seeds say of a difference: one-sided t-bounds, with Bonferroni's correction where several are compared."""

import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats

from entrec.report.mean_sd import points

Cell = TypeVar("Cell", bound=Hashable)
Key = TypeVar("Key", bound=Hashable)
CONFIDENCE = 0.95  # of each bound, or of all lower and of all upper bounds that are compared


@dataclass(frozen=True)
class Bounds:
    """An estimate with a lower and an upper bound, in its own unit.

    Each bound is one-sided: of all lower bounds that are compared, some is above its truth with a probability of at
    most 1 - CONFIDENCE, and likewise some upper bound below its truth.
    """

    estimate: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """For instance `+0.3 (−0.4 to +1.0)`."""
        return f"{points(self.estimate)} ({points(self.low)} to {points(self.high)})"


def contrast_bounds(
    runs: Mapping[Cell, Mapping[int, float]],
    contrasts: Mapping[Key, Mapping[Cell, float]],
    *,
    paired: bool,
    comparisons: int,
) -> dict[Key, Bounds]:
    """Return bounds of weighted sums of cells, from `runs`, the value of each cell and seed.

    A contrast is taken over the seeds that all its cells have; there must be some. The noise of a value is taken for
    normal, with a deviation that all cells have in common. Where `paired`, each seed also adds an effect that all cells
    have in common, and the weights of a contrast must sum to 0. `comparisons` is the number of bounds that Bonferroni's
    correction counts. Without a degree of freedom, as with one seed, there are no bounds: the answer is empty.
    """
    deviation, freedom = _deviation(runs, paired=paired)
    if freedom == 0:
        return {}
    quantile = float(stats.t.isf((1 - CONFIDENCE) / comparisons, freedom))
    bounds = {}
    for key, weights in contrasts.items():
        seeds = sorted(set.intersection(*(set(runs[cell]) for cell in weights)))
        estimate = statistics.fmean(
            sum(weight * runs[cell][seed] for cell, weight in weights.items()) for seed in seeds
        )
        margin = quantile * deviation * math.hypot(*weights.values()) / math.sqrt(len(seeds))
        bounds[key] = Bounds(estimate, estimate - margin, estimate + margin)
    return bounds


def mean_bounds(values: Sequence[float], *, comparisons: int = 1) -> Bounds | None:
    """Return bounds of the mean of `values`, one of each seed; None for fewer than two."""
    runs = {"all": dict(enumerate(values))}
    return contrast_bounds(runs, {"mean": {"all": 1.0}}, paired=False, comparisons=comparisons).get("mean")


def _deviation(runs: Mapping[Cell, Mapping[int, float]], *, paired: bool) -> tuple[float, int]:
    """Return the deviation of single values from the sum of their cell's and, if paired, their seed's effect.

    Its degrees of freedom are returned beside it: the values less the effects that can be told apart.
    """
    found = [(cell, seed, value) for cell, by_seed in runs.items() for seed, value in by_seed.items()]
    cells, seeds = list(runs), sorted({seed for _, seed, _ in found}) if paired else []
    design = np.array([[cell == c for c in cells] + [seed == s for s in seeds] for cell, seed, _ in found], dtype=float)
    values = np.array([value for *_, value in found])
    effects, _, rank, _ = np.linalg.lstsq(design, values)
    freedom = len(values) - int(rank)
    squares = float(np.sum((values - design @ effects) ** 2))
    return (math.sqrt(squares / freedom), freedom) if freedom else (math.nan, 0)
