"""Mean, standard deviation and count of a few seeds, and how numbers are written."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

NOTHING = "–"


@dataclass(frozen=True)
class MeanSD:
    """Mean and sample standard deviation (n - 1 in the denominator; None below two values)."""

    mean: float
    sd: float | None
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "MeanSD":
        """Return those of the values that are numbers; if there are none, the mean is NaN."""
        numbers = [float(value) for value in values if not math.isnan(value)]
        mean = statistics.fmean(numbers) if numbers else math.nan
        return cls(mean, statistics.stdev(numbers) if len(numbers) > 1 else None, len(numbers))

    @classmethod
    def union(cls, groups: Iterable["MeanSD"]) -> "MeanSD":
        """Return those of all values of several groups together, from the groups' means, deviations and counts."""
        groups = [group for group in groups if group.n]
        n = sum(group.n for group in groups)
        if n == 0:
            return cls(math.nan, None, 0)
        mean = sum(group.n * group.mean for group in groups) / n
        squares = sum((group.n - 1) * (group.sd or 0.0) ** 2 + group.n * (group.mean - mean) ** 2 for group in groups)
        return cls(mean, math.sqrt(squares / (n - 1)) if n > 1 else None, n)

    def text(self, *, signed: bool = False, decimals: int = 1) -> str:
        """Return for instance `94.4 ± 0.3`, or `−2.5` when signed and of one seed."""
        if self.n == 0:
            return NOTHING
        mean = points(self.mean) if signed else decimal(self.mean, decimals)
        return mean if self.sd is None else f"{mean} ± {self.sd:.{decimals}f}"


def decimal(value: float, decimals: int) -> str:
    """Return `value` with so many decimals and a minus sign in place of a hyphen; zero has no sign."""
    written = f"{value:.{decimals}f}"
    return f"{float(written) + 0.0:.{decimals}f}".replace("-", "−")  # adding 0.0 turns −0 into 0


def points(value: float) -> str:
    """Return a difference to one decimal, with its sign: `+0.3`, `−2.5`, `0.0`."""
    return ("+" if round(value, 1) > 0 else "") + decimal(value, 1)


def mean_sds(rows: pd.DataFrame, by: str | list[str], column: str, *, scale: float = 1) -> dict[Any, MeanSD]:
    """Return mean and deviation of `scale` times `column` for every group of rows, in their order."""
    return {key: MeanSD.of(scale * group) for key, group in rows.groupby(by, sort=False)[column]}
