"""The results of latent recovery and content isolation as tidy frames; R2 as fractions, information in nats."""

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd

from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.mean_sd import MeanSD
from entrec.report.theory.names import LATENTS
from entrec.report.theory.reading import Found, R, read, tidy
from entrec.results import ContentIsolationResult, LatentRecoveryResult
from entrec.theory.registry import REFERENCE
from entrec.theory.settings.identifiability import Training
from entrec.theory.study import Setting

# the columns of the frames
RECOVERY_SCORES = ["row", "representation", "seed", "r2", "correlation", "rank_correlation", "file"]
BATCHES = ["row", "method", "batch_size", "seed", "r2", "bound", "information", "file"]
CURVES = ["row", "method", "seed", "step", "objective", "r2"]
SCATTER = ["row", "method", "seed", "coordinate", "true", "recovered"]
BATCH_POINTS = ["method", "quantity", "batch_size", "mean", "low", "high", "information"]
ISOLATION_SCORES = ["row", "representation", "latents", "seed", "kernel_ridge", "linear", "file"]
ISOLATION_POINTS = ["row", "representation", "latents", "mean", "low", "high", "seeds"]
SHOWN_COORDINATES, SHOWN_POINTS = 3, 60  # of a panel of the scatter: more would not be seen
SAME = 1e-3  # of R2: rounding on another processor changes less, other points or another mixing change more


def latent_recovery_scores(setting: Setting, results: Path) -> pd.DataFrame:
    """Return how well each representation of each row gives the true latents: RECOVERY_SCORES."""
    rows = []
    for found in _latent_recovery(setting, "table_latent_recovery", results):
        run = found.result
        for name, scores in _scored(run, "observations", "untrained").items():
            about = {"row": run.row, "representation": name, "seed": run.seed, "file": found.file}
            rows.append(about | scores.model_dump())
    return pd.DataFrame(rows)[RECOVERY_SCORES]


def batches(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the end of training in each batch size of the sweep: BATCHES; `bound` is the mean of the last steps."""
    rows = []
    for found in _latent_recovery(setting, "table_latent_recovery_batch", results):
        run = found.result
        ends = {"r2": run.scores.trained.r2, "bound": run.trace[-1].objective, "information": run.information}
        rows.append({**found.job.about, **ends, "file": found.file})
    return pd.DataFrame(rows)[BATCHES]


def curves(setting: Setting, results: Path) -> pd.DataFrame:
    """Return objective and held-out R2 during the training for latent recovery: CURVES."""
    return tidy(_latent_recovery(setting, "latent_recovery_training", results), "trace", CURVES)


def scatter(setting: Setting, results: Path) -> pd.DataFrame:
    """Return true latents and their recovery by EntRec (leave-one-out), for the first seed: SCATTER."""
    seed, rows = setting.latent_recovery.seeds[0], []
    for found in _latent_recovery(setting, "latent_recovery", results):
        run = found.result
        if (run.method, run.seed) == ("entrec_leave_one_out", seed):
            for true, recovered in zip(
                run.scatter.true[:SHOWN_POINTS], run.scatter.recovered[:SHOWN_POINTS], strict=True
            ):
                pairs = list(zip(true, recovered, strict=True))[:SHOWN_COORDINATES]
                rows += [
                    {**found.job.about, "coordinate": i, "true": t, "recovered": r} for i, (t, r) in enumerate(pairs)
                ]
    return pd.DataFrame(rows)[SCATTER]


def batch_points(setting: Setting, results: Path) -> pd.DataFrame:
    """Return mean over seeds, and one deviation to either side, of the values of `batches`: BATCH_POINTS."""
    rows = []
    for (method, size), group in batches(setting, results).groupby(["method", "batch_size"], sort=False):
        about = {"method": method, "batch_size": size, "information": group["information"].iloc[0]}
        rows += [{**about, "quantity": quantity, **_band(group[quantity])} for quantity in ("r2", "bound")]
    return pd.DataFrame(rows)[BATCH_POINTS]


def content_isolation_scores(setting: Setting, results: Path) -> pd.DataFrame:
    """Return how well each representation of each row explains content and style: ISOLATION_SCORES."""
    files = read(ContentIsolationResult, setting, TheoryJobs(setting).by_part["content_isolation"], results)
    _require_shared(files, "observations.style.linear", "observations.content.linear", "oracle.style.linear")
    rows = []
    for found in files:
        run = found.result
        found.require_rows("trace", run.trace, _steps(setting.content_isolation.training))
        for name, scores in _scored(run, "observations", "untrained", "oracle").items():
            about = {"row": run.row, "representation": name, "seed": run.seed, "file": found.file}
            rows += [about | {"latents": latents} | getattr(scores, latents).model_dump() for latents in LATENTS]
    return pd.DataFrame(rows)[ISOLATION_SCORES]


def content_isolation_points(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the means of kernel ridge over seeds, with one deviation to either side: ISOLATION_POINTS."""
    groups = content_isolation_scores(setting, results).groupby(["row", "representation", "latents"], sort=False)
    rows = [
        {"row": row, "representation": name, "latents": latents, "seeds": len(group), **_band(group["kernel_ridge"])}
        for (row, name, latents), group in groups
        if (name, latents) != ("oracle", "content")  # content explains all of itself
    ]
    return pd.DataFrame(rows)[ISOLATION_POINTS]


def _latent_recovery(setting: Setting, name: str, results: Path) -> list[Found[LatentRecoveryResult]]:
    """Return the runs that the table or figure `name` shows."""
    own = setting.latent_recovery
    files = read(LatentRecoveryResult, setting, TheoryJobs(setting).shown(name), results)
    for found in files:
        run = found.result
        found.require_rows("trace", run.trace, _steps(own.training_of(run.row)))
        _require_scatter(found, own.dimension)
    _require_shared(files, "observations.r2", "untrained.r2")
    return files


def _steps(training: Training) -> list[dict[str, float | str]]:
    """Return the steps after which a run was scored: multiples of `trace_every`, and the last step."""
    steps = {*range(training.trace_every, training.steps + 1, training.trace_every), training.steps}
    return [{"step": step} for step in sorted(steps)]


def _require_scatter(found: Found[LatentRecoveryResult], dimension: int) -> None:
    """Raise `UserError` unless each true point has a recovered one, both with as many coordinates as latents."""
    true, recovered = found.result.scatter.true, found.result.scatter.recovered
    if len(true) != len(recovered):
        raise found.damaged(f"scatter has {len(recovered)} recovered points for {len(true)} true ones")
    for key, points in (("true", true), ("recovered", recovered)):
        for i, point in enumerate(points):
            if len(point) != dimension:
                raise found.damaged(f"scatter.{key}.{i} has {len(point)} coordinates, which should be {dimension}")


def _scored(run: LatentRecoveryResult | ContentIsolationResult, *untrained: str) -> dict[str, Any]:
    """Return the scores of a run by representation; what needs no training is taken from the runs of one method."""
    references = untrained if run.method == REFERENCE else ()
    return {name: getattr(run.scores, name) for name in references} | {run.method: run.scores.trained}


def _require_shared(files: Sequence[Found[R]], *scores: str) -> None:
    """Raise `UserError` unless the runs of a row and seed agree on some `scores` of what is not trained.

    These scores depend on row and seed only, so a run that has others saw other data.
    """
    first: dict[tuple[str, int], Found[R]] = {}
    for found in files:
        other = first.setdefault((found.job.about["row"], found.job.about["seed"]), found)
        for key in scores:
            value, expected = (attrgetter(f"scores.{key}")(one.result) for one in (found, other))
            if abs(value - expected) > SAME:
                raise found.damaged(f"scores.{key} is {value:.4f}, and {expected:.4f} in {other.path.parent.name}")


def _band(values: pd.Series) -> dict[str, float]:
    found = MeanSD.of(values)
    deviation = found.sd or 0.0
    return {"mean": found.mean, "low": found.mean - deviation, "high": found.mean + deviation}
