"""The results of the estimator study as tidy frames, one row per value, in nats."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.theory.names import IN_WIDTH, ROOT
from entrec.report.theory.reading import Found, read, tidy
from entrec.results import GaussianResult, RatesResult, SphereResult
from entrec.theory.registry import BOUNDS, SPHERE_ESTIMATORS
from entrec.theory.study import Setting

# the columns of the frames
TRACE = ["bound", "title", "seed", "step", "truth", "mean", "sd"]
LEVELS = ["bound", "title", "capped_by", "seed", "truth", "mean", "sd", "batches", "file"]
SPHERE = ["dimension", "kappa", "samples", "estimator", "truth", "mean", "sd", "repeats", "file"]
CASE = ["case", "estimator", "dimension", "width"]
POINTS = [*CASE, "samples", "quantity", "value", "guide"]
FITS = [*CASE, "quantity", "fit_from", "slope", "low", "high", "stated", "reading", "file"]


def trace(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the estimates during training, by blocks of steps: TRACE."""
    rows = tidy(_gaussian(setting, results), "trace", TRACE)
    return rows.assign(title=rows["bound"].map(lambda name: BOUNDS[name].title))


def levels(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the estimates of trained critics on fresh batches: LEVELS."""
    rows = tidy(_gaussian(setting, results), "levels", LEVELS)
    bounds = rows["bound"].map(BOUNDS)
    return rows.assign(title=bounds.map(lambda bound: bound.title), capped_by=bounds.map(lambda bound: bound.capped_by))


def sphere(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the estimates at the true latents of von Mises-Fisher pairs: SPHERE."""
    settings = setting.estimators.sphere
    files = read(SphereResult, setting, TheoryJobs(setting).by_part["estimators.sphere"], results)
    for found in files:
        expected: list[dict[str, float | str]] = [
            {"kappa": kappa, "samples": k, "estimator": name}
            for kappa in settings.kappa[found.result.dimension]
            for k in settings.samples
            for name, estimator in SPHERE_ESTIMATORS.items()
            if not estimator.slow or k <= settings.neighbours_up_to
        ]
        found.require_rows("rows", found.result.rows, expected)
    return tidy(files, "rows", SPHERE)


def fits(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the fitted exponents beside the stated ones: FITS; `low` to `high` is the 95 % interval."""
    return tidy(_rates(setting, results), "fits", FITS)


def error_points(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the errors of every case and sample size, in squared nats: POINTS.

    A squared bias within twice the bias's own error is noise and has no row. `guide` falls as stated, through the
    middle of the points that the exponent is fitted to.
    """
    cases = [found.result for found in _rates(setting, results)]
    rows = [row for result in cases for row in _errors(result)]
    points = pd.DataFrame(rows).dropna(subset=["value"]).assign(guide=math.nan)
    for result in cases:
        own = (points["case"] == result.case) & (points["samples"] >= result.fit_from)
        for quantity, exponent in _stated(result).items():
            fitted = own & (points["quantity"] == quantity)
            k, value = (np.log(points.loc[fitted, column]) for column in ("samples", "value"))
            points.loc[fitted, "guide"] = np.exp(exponent * (k - k.mean()) + value.mean())
    return points[POINTS]


def _errors(result: RatesResult) -> Iterator[dict[str, Any]]:
    about = result.model_dump(include=set(CASE))
    for row in result.rows:
        clear = abs(row.bias) > 2 * row.bias_error
        squares = {"squared bias": row.bias**2 if clear else None, "variance": row.variance}
        for quantity, value in {**squares, "mean squared error": row.mse}.items():
            yield about | {"samples": row.samples, "quantity": quantity, "value": value}


def _stated(result: RatesResult) -> dict[str, float]:
    """Return the stated exponents of the squared errors: the root of a mean square falls half as fast as the square."""
    stated = {fit.quantity: fit.stated for fit in result.fits}
    return stated | ({"mean squared error": 2 * stated[ROOT]} if ROOT in stated else {})


def _gaussian(setting: Setting, results: Path) -> list[Found[GaussianResult]]:
    settings = setting.estimators.gaussian
    last = len(settings.information) * settings.steps
    blocks = [
        {"step": step, "truth": settings.information[(step - 1) // settings.steps]}
        for step in range(settings.trace_block, last + 1, settings.trace_block)
    ]
    levels = [{"truth": truth, "batches": settings.evaluation_batches} for truth in settings.information]
    files = read(GaussianResult, setting, TheoryJobs(setting).by_part["estimators.gaussian"], results)
    for found in files:
        found.require_rows("trace", found.result.trace, blocks)
        found.require_rows("levels", found.result.levels, levels)
    return files


def _rates(setting: Setting, results: Path) -> list[Found[RatesResult]]:
    settings = setting.estimators.rates
    files = read(RatesResult, setting, TheoryJobs(setting).by_part["estimators.rates"], results)
    for found in files:
        case = settings.cases[found.result.case]
        for key in ("estimator", "data", "dimension", "width", "fit_from"):
            if (value := getattr(found.result, key)) != getattr(case, key):
                raise found.damaged(f"{key} is {value!r}, which should be {getattr(case, key)!r}")
        quantities = ["squared bias", "variance", *([IN_WIDTH] if case.widths else [])]
        if case.data == "dirichlet":
            quantities = [ROOT]
        found.require_rows("rows", found.result.rows, [{"samples": k} for k in settings.samples])
        found.require_rows("fits", found.result.fits, [{"quantity": quantity} for quantity in quantities])
        for i, fit in enumerate(found.result.fits):
            if not fit.low <= fit.slope <= fit.high:
                raise found.damaged(f"fits.{i}.slope is {fit.slope}, which should be within its interval")
    return files
