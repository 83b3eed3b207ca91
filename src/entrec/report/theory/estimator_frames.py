"""The results of the estimator study as tidy frames, one row per value; nats throughout.

A file that is not what the study asks for raises `UserError` with its path and the command that makes it.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from entrec.pipeline.theory_jobs import ResultJob, TheoryJobs
from entrec.report.records import Record, open_record
from entrec.report.theory.estimator_checks import (
    check_case,
    check_errors,
    check_fits,
    check_levels,
    check_sphere,
    check_trace,
)
from entrec.theory.registry import BOUNDS
from entrec.theory.settings.estimators import RateCase
from entrec.theory.study import Setting

TRACE = ["bound", "title", "seed", "step", "truth", "mean", "sd"]
LEVELS = ["bound", "title", "capped_by", "seed", "truth", "mean", "sd", "batches", "file"]
SPHERE = ["dimension", "kappa", "samples", "estimator", "truth", "mean", "sd", "repeats", "file"]
CASE = ["case", "estimator", "dimension", "width"]
ERRORS = [*CASE, "samples", "bias", "bias_error", "variance", "mse", "repeats", "file"]
POINTS = [*CASE, "samples", "quantity", "value", "guide"]
FITS = [*CASE, "quantity", "fit_from", "slope", "low", "high", "stated", "reading", "file"]


def theory_remedy(setting: Setting, file: str) -> str:
    """The command that makes a file of `results/theory/<setting>`."""
    return f"snakemake results/theory/{setting}/{file}"


def theory_records(results: Path, setting: Setting, jobs: Iterable[ResultJob]) -> list[tuple[str, Record]]:
    """Return (path in `results`, its record) of the result of every job; each must be of that setting."""
    found = []
    for job in jobs:
        file, about = str(job.result), {"setting": setting.name, **job.about}
        found.append((file, open_record(results / file, theory_remedy(setting, file), about)))
    return found


def trace(setting: Setting, results: Path) -> pd.DataFrame:
    """Estimates while the critics train, by blocks of steps: TRACE."""
    rows = []
    settings = setting.estimators.gaussian
    for _, record in theory_records(results, setting, TheoryJobs(setting).by_part["estimators.gaussian"]):
        found = record.rows("trace", ["step", "truth", "mean", "sd"])
        check_trace(record, found, settings)
        rows += [{**_bound(record), **row} for row in found]
    return pd.DataFrame(rows)[TRACE].astype({"step": int})


def levels(setting: Setting, results: Path) -> pd.DataFrame:
    """Estimates of trained critics on fresh batches: LEVELS."""
    rows = []
    settings = setting.estimators.gaussian
    for file, record in theory_records(results, setting, TheoryJobs(setting).by_part["estimators.gaussian"]):
        about = {**_bound(record), "capped_by": BOUNDS[record.get("bound")].capped_by, "file": file}
        found = record.rows("levels", ["truth", "mean", "sd", "batches"])
        check_levels(record, found, settings)
        rows += [{**about, **row} for row in found]
    return pd.DataFrame(rows)[LEVELS].astype({"batches": int})


def sphere(setting: Setting, results: Path) -> pd.DataFrame:
    """Estimates at the true latents of von Mises-Fisher pairs: SPHERE."""
    rows = []
    settings = setting.estimators.sphere
    numbers = ["kappa", "samples", "truth", "mean", "sd", "repeats"]
    for file, record in theory_records(results, setting, TheoryJobs(setting).by_part["estimators.sphere"]):
        dimension = int(record.number("dimension"))
        found = record.rows("rows", numbers, ["estimator"])
        check_sphere(record, found, settings, dimension)
        rows += [{"dimension": dimension, "file": file, **row} for row in found]
    return pd.DataFrame(rows)[SPHERE].astype({"samples": int, "repeats": int})


def errors(setting: Setting, results: Path) -> pd.DataFrame:
    """Bias, variance and mean squared error of every case and sample size: ERRORS."""
    rows = []
    settings = setting.estimators.rates
    numbers = ["samples", "bias", "bias_error", "variance", "mse", "repeats"]
    for file, record in theory_records(results, setting, TheoryJobs(setting).by_part["estimators.rates"]):
        about = {**_case(record, settings.cases), "file": file}
        found = record.rows("rows", numbers)
        check_errors(record, found, settings)
        rows += [{**about, **row} for row in found]
    return pd.DataFrame(rows)[ERRORS].astype({"samples": int, "repeats": int})


def fits(setting: Setting, results: Path) -> pd.DataFrame:
    """Fitted exponents beside the stated ones: FITS; `low` to `high` is the 95 % interval."""
    rows = []
    cases = setting.estimators.rates.cases
    for file, record in theory_records(results, setting, TheoryJobs(setting).by_part["estimators.rates"]):
        about = {**_case(record, cases), "fit_from": int(record.number("fit_from")), "file": file}
        found = record.rows("fits", ["slope", "low", "high", "stated"], ["quantity", "reading"])
        check_fits(record, found, cases[about["case"]])
        rows += [{**about, **row} for row in found]
    return pd.DataFrame(rows)[FITS]


def error_points(setting: Setting, results: Path) -> pd.DataFrame:
    """What the figure draws of `errors`: POINTS; `guide` falls as stated through the middle of the fitted points.

    A squared bias within twice the bias's own error is noise and has no row.
    """
    rows = []
    for row in errors(setting, results).to_dict("records"):
        clear = abs(row["bias"]) > 2 * row["bias_error"]
        parts = {"squared bias": row["bias"] ** 2 if clear else None, "variance": row["variance"]}
        for part, value in {**parts, "mean squared error": row["mse"]}.items():
            rows.append({key: row[key] for key in [*CASE, "samples"]} | {"quantity": part, "value": value})
    points = pd.DataFrame(rows).dropna(subset=["value"]).assign(guide=math.nan)
    cases = setting.estimators.rates.cases
    for (name, quantity), stated in _stated(fits(setting, results)).items():
        fitted = (points["case"] == name) & (points["quantity"] == quantity)
        fitted &= points["samples"] >= cases[name].fit_from
        k, value = (points.loc[fitted, column].map(math.log) for column in ("samples", "value"))
        points.loc[fitted, "guide"] = (stated * (k - k.mean()) + value.mean()).map(math.exp)
    return points[POINTS]


def _stated(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Stated exponents by case and squared quantity: a root of the mean square falls half as fast as the square."""
    stated = {(row["case"], row["quantity"]): row["stated"] for row in rows.to_dict("records")}
    roots = {(c, "mean squared error"): 2 * s for (c, q), s in stated.items() if q == "root mean square error"}
    return stated | roots


def _bound(record: Record) -> dict[str, Any]:
    name = record.get("bound")
    return {"bound": name, "title": BOUNDS[name].title, "seed": record.get("seed")}


def _case(record: Record, cases: Mapping[str, RateCase]) -> dict[str, Any]:
    name = record.get("case")
    check_case(record, cases[name])
    return {"case": name, **{key: getattr(cases[name], key) for key in ("estimator", "dimension", "width")}}
