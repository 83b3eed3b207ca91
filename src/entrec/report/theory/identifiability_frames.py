"""The results of the studies of latents and of content as tidy frames; R2 as fractions, information in nats.

A file that is not what the study asks for raises `UserError` with its path and the command that makes it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd

from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.mean_sd import MeanSD
from entrec.report.records import Record
from entrec.report.theory.estimator_frames import theory_records
from entrec.report.theory.identifiability_checks import (
    check_points,
    check_shared,
    check_training,
    correlation,
    explained,
    positive_or_unknown,
)
from entrec.report.theory.names import REFERENCE
from entrec.theory.runs import ContentIsolationRun, LatentRecoveryRun, content_isolation_runs, sweep_runs
from entrec.theory.settings.identifiability import Training
from entrec.theory.study import Setting

Run = TypeVar("Run", LatentRecoveryRun, ContentIsolationRun)

LATENT_RECOVERY = ["row", "representation", "seed", "r2", "correlation", "rank_correlation", "file"]
BATCHES = ["row", "method", "batch_size", "seed", "r2", "bound", "information", "file"]
CURVES = ["row", "method", "seed", "step", "objective", "r2"]
SCATTER = ["row", "method", "seed", "coordinate", "true", "recovered"]
BATCH_POINTS = ["method", "quantity", "batch_size", "mean", "low", "high", "information"]
CONTENT_ISOLATION = ["row", "representation", "latents", "seed", "kernel_ridge", "linear", "file"]
CONTENT_ISOLATION_POINTS = ["row", "representation", "latents", "mean", "low", "high", "seeds"]
LATENTS = ("content", "style")
COORDINATES, POINTS = 3, 60  # of a panel of the scatter: what stays to be seen in it


def latent_recovery_scores(setting: Setting, results: Path) -> pd.DataFrame:
    """What every representation of every row says of the true latents: LATENT_RECOVERY."""
    found = _records(TheoryJobs(setting).row_runs, setting, results)
    _check_first(found, ["observations.r2", "untrained.r2"])
    rows = []
    for run, file, record in found:
        for key, name in _sources(run.method, {"observations": "identity", "untrained": "untrained"}).items():
            scores = {
                "r2": explained(record, f"scores.{key}.r2"),
                "correlation": correlation(record, f"scores.{key}.correlation"),
                "rank_correlation": correlation(record, f"scores.{key}.rank_correlation"),
            }
            rows.append({"row": run.row, "representation": name, "seed": run.seed, **scores, "file": file})
    return pd.DataFrame(rows)[LATENT_RECOVERY]


def batches(setting: Setting, results: Path) -> pd.DataFrame:
    """What training ended with in every batch size of the sweep: BATCHES; the bound is the mean of its last steps."""
    own = setting.latent_recovery
    found = _records(sweep_runs(setting.latent_recovery), setting, results)
    _check_first(found, ["observations.r2", "untrained.r2"])
    rows = []
    for run, file, record in found:
        ends = {
            "r2": explained(record, "scores.trained.r2"),
            "bound": _curve(record, own.training_of(run.row))[-1]["objective"],
            "information": positive_or_unknown(record, "information"),
        }
        about = {"row": run.row, "method": run.method, "batch_size": run.batch_size, "seed": run.seed}
        rows.append({**about, **ends, "file": file})
    return pd.DataFrame(rows)[BATCHES]


def curves(setting: Setting, results: Path) -> pd.DataFrame:
    """Objective and held-out R2 while encoders of recovered latents train: CURVES."""
    own = setting.latent_recovery
    rows = []
    for run, _, record in _records(TheoryJobs(setting).row_runs, setting, results):
        about = {"row": run.row, "method": run.method, "seed": run.seed}
        rows += [{**about, **look} for look in _curve(record, own.training_of(run.row))]
    return pd.DataFrame(rows)[CURVES].astype({"step": int})


def scatter(setting: Setting, results: Path) -> pd.DataFrame:
    """True latents and what EntRec, leave-one-out, gives back of them, for the first seed: SCATTER."""
    own = setting.latent_recovery
    runs = [
        run for run in TheoryJobs(setting).row_runs if run.method == "entrec_leave_one_out" and run.seed == own.seeds[0]
    ]
    rows = []
    for run, _, record in _records(runs, setting, results):
        true, given = (check_points(record, f"scatter.{key}", dimension=own.dimension) for key in ("true", "recovered"))
        if len(true) != len(given):
            raise record.damaged(f"scatter has {len(given)} recovered points for {len(true)} true ones")
        about = {"row": run.row, "method": run.method, "seed": run.seed}
        for of, to in zip(true[:POINTS], given[:POINTS], strict=True):
            pairs = list(zip(of, to, strict=True))[:COORDINATES]
            rows += [{**about, "coordinate": i, "true": t, "recovered": r} for i, (t, r) in enumerate(pairs)]
    return pd.DataFrame(rows)[SCATTER]


def batch_points(setting: Setting, results: Path) -> pd.DataFrame:
    """What the figure draws of `batches`: BATCH_POINTS; mean over seeds, and one deviation to either side."""
    rows = []
    for (method, size), group in batches(setting, results).groupby(["method", "batch_size"], sort=False):
        about = {"method": method, "batch_size": size, "information": group["information"].iloc[0]}
        for quantity in ("r2", "bound"):
            rows.append({**about, "quantity": quantity, **_band(group[quantity])})
    return pd.DataFrame(rows)[BATCH_POINTS]


def content_isolation_scores(setting: Setting, results: Path) -> pd.DataFrame:
    """What every representation of every row says of content and of style: CONTENT_ISOLATION."""
    found = _records(content_isolation_runs(setting.content_isolation), setting, results)
    _check_first(found, ["observations.style.linear", "observations.content.linear", "oracle.style.linear"])
    rows = []
    untrained = {"observations": "identity", "untrained": "untrained", "oracle": "oracle"}
    for run, file, record in found:
        for key, name in _sources(run.method, untrained).items():
            for latents in LATENTS:
                about = {"row": run.row, "representation": name, "latents": latents, "seed": run.seed}
                scores = {of: explained(record, f"scores.{key}.{latents}.{of}") for of in ("kernel_ridge", "linear")}
                rows.append({**about, **scores, "file": file})
    return pd.DataFrame(rows)[CONTENT_ISOLATION]


def content_isolation_points(setting: Setting, results: Path) -> pd.DataFrame:
    """What the figure draws of `content_isolation_scores`: CONTENT_ISOLATION_POINTS, of kernel ridge."""
    groups = content_isolation_scores(setting, results).groupby(["row", "representation", "latents"], sort=False)
    rows = [
        {"row": row, "representation": name, "latents": latents, "seeds": len(group), **_band(group["kernel_ridge"])}
        for (row, name, latents), group in groups
        if (name, latents) != ("oracle", "content")  # content tells all of itself
    ]
    return pd.DataFrame(rows)[CONTENT_ISOLATION_POINTS]


def _records(runs: Sequence[Run], setting: Setting, results: Path) -> list[tuple[Run, str, Record]]:
    jobs = TheoryJobs(setting)
    listed = [
        jobs.latent_recovery(run) if isinstance(run, LatentRecoveryRun) else jobs.content_isolation(run) for run in runs
    ]
    records = theory_records(results, setting, listed)
    return [(run, file, record) for run, (file, record) in zip(runs, records, strict=True)]


def _check_first(found: Sequence[tuple[Run, str, Record]], keys: Sequence[str]) -> None:
    labelled = [((run.row, run.seed), record) for run, _, record in found]
    check_shared(labelled, [f"scores.{key}" for key in keys])


def _sources(method: str, untrained: dict[str, str]) -> dict[str, str]:
    """Keys of a run's scores, and what the table calls them; what needs no training is told by one method's runs."""
    return (untrained if method == REFERENCE else {}) | {"trained": method}


def _curve(record: Record, settings: Training) -> list[dict[str, float]]:
    looks = record.rows("trace", ["step", "objective", "r2"])
    check_training(record, looks, settings)
    return looks


def _band(values: pd.Series) -> dict[str, float]:
    spread = MeanSD.of(values)
    deviation = spread.sd or 0.0
    return {"mean": spread.mean, "low": spread.mean - deviation, "high": spread.mean + deviation}
