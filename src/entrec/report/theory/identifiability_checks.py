"""Whether runs of the studies of latents and of content are those that the study asks for; a fault is one line."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from entrec.report.records import Record
from entrec.theory.settings.identifiability import Training

SAME = 1e-3  # of R2: what another processor's rounding stays below, and other points or another mixing do not


def check_training(record: Record, rows: list[dict[str, Any]], settings: Training) -> None:
    """One row per look at the run, up to its last step; raises `UserError` otherwise, as all of these do."""
    looks = range(settings.trace_every, settings.steps + 1, settings.trace_every)
    expected = [*looks, *([settings.steps] if settings.steps % settings.trace_every else [])]
    found = [row["step"] for row in rows]
    if found != expected:
        raise record.damaged(f"trace is of {len(found)} looks up to step {found[-1]:g}, expected {len(expected)} up to"
                             f" step {expected[-1]}")  # fmt: skip


def explained(record: Record, key: str) -> float:
    """An R2 under `key`: at most 1, and below 0 where the mean predicts better."""
    value = record.number(key)
    if value > 1:
        raise record.damaged(f"{key} is {value}, expected a number up to 1")
    return value


def correlation(record: Record, key: str) -> float:
    """An absolute correlation under `key`: 0 to 1, or what rounding adds."""
    value = record.number(key)
    if not 0 <= value <= 1 + 1e-9:
        raise record.damaged(f"{key} is {value}, expected a number from 0 to 1")
    return min(value, 1.0)


def positive_or_unknown(record: Record, key: str) -> float:
    """A positive number under `key`, or NaN where the file has null."""
    if record.get(key) is None:
        return math.nan
    value = record.number(key)
    if value <= 0:
        raise record.damaged(f"{key} is {value}, expected a positive number or null")
    return value


def check_points(record: Record, key: str, *, dimension: int) -> list[list[float]]:
    """A list of points of so many finite coordinates."""
    points = record.get(key)
    if not isinstance(points, list) or not points:
        raise record.damaged(f"{key} is no list of points")
    for i, point in enumerate(points):
        if not isinstance(point, list) or len(point) != dimension or not all(map(_finite, point)):
            raise record.damaged(f"{key}.{i} is no point of {dimension} numbers")
    return points


def check_shared(records: Iterable[tuple[object, Record]], keys: Sequence[str]) -> None:
    """The records of one (label, record) that have the same label say the same under `keys`.

    What is scored before any training depends on row and seed alone: a run that says otherwise saw other data.
    """
    first: dict[tuple[object, str], tuple[float, Record]] = {}
    for label, record in records:
        for key in keys:
            value = record.number(key)
            known, of = first.setdefault((label, key), (value, record))
            if abs(value - known) > SAME:
                raise record.damaged(f"{key} is {value:.4f}, and {known:.4f} in {of.path.parent.name}")


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
