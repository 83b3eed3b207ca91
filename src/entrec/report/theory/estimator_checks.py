"""Whether results of the estimator study, and tables of the theory page, are the study's; a fault is one line."""

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from entrec.report.records import Record
from entrec.report.theory.names import ENTROPIES, ESTIMATORS
from entrec.report.theory.verdicts import IN_WIDTH
from entrec.theory.settings.estimators import Gaussian, RateCase, Rates, Sphere

Rows = list[dict[str, Any]]
OF_KERNELS = ["squared bias", "variance"]
OF_PLUG_IN = ["root mean square error"]
WORDS = {"title", "capped_by", "reading", "file"}  # columns of free text
UNKNOWN = {"width", "information"}  # columns with gaps: the plug-in has no width, some pairs no closed form


def check_trace(record: Record, rows: Rows, settings: Gaussian) -> None:
    """One row per block of steps, at the truth of its level; raises `UserError` otherwise, as all of these do."""
    steps = range(settings.trace_block, len(settings.information) * settings.steps + 1, settings.trace_block)
    expected = [(step, settings.information[(step - 1) // settings.steps]) for step in steps]
    _same(record, "trace", ["step", "truth"], rows, expected)


def check_levels(record: Record, rows: Rows, settings: Gaussian) -> None:
    """One row per level of information, of as many batches as the caption says."""
    expected = [(truth, settings.evaluation_batches) for truth in settings.information]
    _same(record, "levels", ["truth", "batches"], rows, expected)


def check_sphere(record: Record, rows: Rows, settings: Sphere, dimension: int) -> None:
    """One row per kappa, sample size and estimator; the slow check only where the study has it."""
    for row in rows:
        _known(record, "estimator", row["estimator"], ESTIMATORS)
    expected = [
        (kappa, k, name)
        for kappa, k, name in itertools.product(settings.kappa[dimension], settings.samples, ESTIMATORS)
        if name != "nearest_neighbours" or k <= settings.neighbours_up_to
    ]
    _same(record, "rows", ["kappa", "samples", "estimator"], rows, expected)


def check_case(record: Record, case: RateCase) -> None:
    """The file is of the case's estimator, data, dimension, width and first fitted sample."""
    _known(record, "estimator", record.get("estimator"), ENTROPIES)
    for key in ("estimator", "data", "dimension", "width", "fit_from"):
        found, expected = record.get(key), getattr(case, key)
        if isinstance(found, bool) or found != expected:
            raise record.damaged(f"{key} is {found!r}, expected {expected!r}")


def check_errors(record: Record, rows: Rows, settings: Rates) -> None:
    """One row per sample size, whose errors have logarithms."""
    _same(record, "rows", ["samples"], rows, [(k,) for k in settings.samples])
    for i, row in enumerate(rows):
        for key in ("variance", "mse"):
            if row[key] <= 0:
                raise record.damaged(f"rows.{i}.{key} is {row[key]!r}, expected a positive number")


def check_fits(record: Record, rows: Rows, case: RateCase) -> None:
    """The slopes that the case has, each within its interval."""
    quantities = OF_PLUG_IN if case.data == "dirichlet" else OF_KERNELS + [IN_WIDTH] * bool(case.widths)
    _same(record, "fits", ["quantity"], rows, [(quantity,) for quantity in quantities])
    for i, row in enumerate(rows):
        if not row["low"] <= row["slope"] <= row["high"]:
            raise record.damaged(f"fits.{i}.slope is {row['slope']!r}, expected one within its interval")


def check_table(record: Record, rows: pd.DataFrame, known: Mapping[str, Collection[str]]) -> None:
    """The columns of a table's CSV hold numbers, or where `known` has the column one of its names."""
    if not len(rows):
        raise record.damaged("has no rows")
    for column in rows:
        if column in known:
            for value in rows[column].unique():
                _known(record, str(column), value, known[str(column)])
        elif column not in WORDS:
            values = rows[column].dropna() if column in UNKNOWN else rows[column]
            _numbers(record, str(column), values)


def _numbers(record: Record, column: str, values: Iterable[Any]) -> None:
    for value in values:
        try:
            finite = math.isfinite(float(value))
        except ValueError:
            finite = False
        if not finite:
            raise record.damaged(f"{column} is {value!r}, expected a number")


def _same(
    record: Record, key: str, fields: Sequence[str], rows: Rows, expected: Sequence[tuple[float | str, ...]]
) -> None:
    """Refuse `rows` whose `fields` are not `expected`, in that order."""
    found = [tuple(row[field] for field in fields) for row in rows]
    for i, (given, wanted) in enumerate(itertools.zip_longest(found, expected)):
        if given != wanted:
            raise record.damaged(f"{key}.{i} is of {_written(fields, given)}, expected {_written(fields, wanted)}")


def _written(fields: Sequence[str], values: tuple[float | str, ...] | None) -> str:
    """`kappa 5, samples 64, estimator 'info_nce'`; `nothing` where a list has ended."""
    if values is None:
        return "nothing"
    parts = (repr(value) if isinstance(value, str) else f"{value:g}" for value in values)
    return ", ".join(f"{field} {part}" for field, part in zip(fields, parts, strict=True))


def _known(record: Record, key: str, value: object, names: Collection[str]) -> None:
    if value not in names:
        article = "an" if key[0] in "aeiou" else "a"
        raise record.damaged(f"has {article} {key} {value!r}, expected one of {', '.join(names)}")
