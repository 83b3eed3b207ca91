"""The results of latent recovery and content isolation as tidy frames; R2 as fractions, information in nats."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.mean_sd import MeanSD
from entrec.report.theory.reading import Found, R, read
from entrec.results import ContentIsolationResult, LatentRecoveryResult
from entrec.theory.registry import REFERENCE
from entrec.theory.settings.identifiability import Training
from entrec.theory.study import Setting

# the columns of the frames
LATENT_RECOVERY = ["row", "representation", "seed", "r2", "correlation", "rank_correlation", "file"]
BATCHES = ["row", "method", "batch_size", "seed", "r2", "bound", "information", "file"]
CURVES = ["row", "method", "seed", "step", "objective", "r2"]
SCATTER = ["row", "method", "seed", "coordinate", "true", "recovered"]
BATCH_POINTS = ["method", "quantity", "batch_size", "mean", "low", "high", "information"]
CONTENT_ISOLATION = ["row", "representation", "latents", "seed", "kernel_ridge", "linear", "file"]
CONTENT_ISOLATION_POINTS = ["row", "representation", "latents", "mean", "low", "high", "seeds"]
LATENTS = ("content", "style")
COORDINATES, POINTS = 3, 60  # of a panel of the scatter: more would not be seen
SAME = 1e-3  # of R2: rounding on another processor changes less, other points or another mixing change more


def latent_recovery_scores(setting: Setting, results: Path) -> pd.DataFrame:
    """Return how well each representation of each row gives the true latents: LATENT_RECOVERY."""
    rows = []
    for found in _latent_recovery(setting, "table_latent_recovery", results):
        run = found.result
        for key in _scored(run.method, "observations", "untrained"):
            about = {"row": run.row, "representation": run.method if key == "trained" else key, "seed": run.seed}
            rows.append(about | getattr(run.scores, key).model_dump() | {"file": found.file})
    return pd.DataFrame(rows)[LATENT_RECOVERY]


def batches(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the end of training in each batch size of the sweep: BATCHES; `bound` is the mean of the last steps."""
    rows = []
    for found in _latent_recovery(setting, "table_latent_recovery_batch", results):
        run = found.result
        ends = {"r2": run.scores.trained.r2, "bound": run.trace[-1].objective, "information": run.information}
        rows.append(run.model_dump(include={"row", "method", "batch_size", "seed"}) | ends | {"file": found.file})
    return pd.DataFrame(rows)[BATCHES]


def curves(setting: Setting, results: Path) -> pd.DataFrame:
    """Return objective and held-out R2 during the training for latent recovery: CURVES."""
    rows = []
    for found in _latent_recovery(setting, "latent_recovery_training", results):
        about = found.result.model_dump(include={"row", "method", "seed"})
        rows += [about | row.model_dump(include={"step", "objective", "r2"}) for row in found.result.trace]
    return pd.DataFrame(rows)[CURVES]


def scatter(setting: Setting, results: Path) -> pd.DataFrame:
    """Return true latents and their recovery by EntRec (leave-one-out), for the first seed: SCATTER."""
    seed, rows = setting.latent_recovery.seeds[0], []
    for found in _latent_recovery(setting, "latent_recovery", results):
        run = found.result
        if (run.method, run.seed) == ("entrec_leave_one_out", seed):
            for true, recovered in zip(run.scatter.true[:POINTS], run.scatter.recovered[:POINTS], strict=True):
                for i, (t, r) in enumerate(zip(true[:COORDINATES], recovered[:COORDINATES], strict=True)):
                    about = {"row": run.row, "method": run.method, "seed": run.seed}
                    rows.append(about | {"coordinate": i, "true": t, "recovered": r})
    return pd.DataFrame(rows)[SCATTER]


def batch_points(setting: Setting, results: Path) -> pd.DataFrame:
    """Return mean over seeds, and one deviation to either side, of the values of `batches`: BATCH_POINTS."""
    rows = []
    for (method, size), group in batches(setting, results).groupby(["method", "batch_size"], sort=False):
        about = {"method": method, "batch_size": size, "information": group["information"].iloc[0]}
        rows += [{**about, "quantity": quantity, **_band(group[quantity])} for quantity in ("r2", "bound")]
    return pd.DataFrame(rows)[BATCH_POINTS]


def content_isolation_scores(setting: Setting, results: Path) -> pd.DataFrame:
    """Return how well each representation of each row explains content and style: CONTENT_ISOLATION."""
    all_found = read(ContentIsolationResult, setting, TheoryJobs(setting).by_part["content_isolation"], results)
    _require_shared(all_found, _isolation_before_training)
    rows = []
    for found in all_found:
        run = found.result
        found.require_rows("trace", run.trace, _steps(setting.content_isolation.training))
        for key in _scored(run.method, "observations", "untrained", "oracle"):
            for latents in LATENTS:
                name = run.method if key == "trained" else key
                about = {"row": run.row, "representation": name, "latents": latents, "seed": run.seed}
                scores = getattr(getattr(run.scores, key), latents)
                rows.append(about | scores.model_dump(include={"kernel_ridge", "linear"}) | {"file": found.file})
    return pd.DataFrame(rows)[CONTENT_ISOLATION]


def content_isolation_points(setting: Setting, results: Path) -> pd.DataFrame:
    """Return the means of kernel ridge over seeds, with one deviation to either side: CONTENT_ISOLATION_POINTS."""
    groups = content_isolation_scores(setting, results).groupby(["row", "representation", "latents"], sort=False)
    rows = [
        {"row": row, "representation": name, "latents": latents, "seeds": len(group), **_band(group["kernel_ridge"])}
        for (row, name, latents), group in groups
        if (name, latents) != ("oracle", "content")  # content explains all of itself
    ]
    return pd.DataFrame(rows)[CONTENT_ISOLATION_POINTS]


def _latent_recovery(setting: Setting, name: str, results: Path) -> list[Found[LatentRecoveryResult]]:
    """Return the runs that the table or figure `name` shows."""
    own = setting.latent_recovery
    all_found = read(LatentRecoveryResult, setting, TheoryJobs(setting).shown(name), results)
    for found in all_found:
        run = found.result
        found.require_rows("trace", run.trace, _steps(own.training_of(run.row)))
        if len(run.scatter.true) != len(run.scatter.recovered):
            raise found.damaged(
                f"scatter has {len(run.scatter.recovered)} recovered points for {len(run.scatter.true)} true ones"
            )
        for key, points in (("true", run.scatter.true), ("recovered", run.scatter.recovered)):
            for i, point in enumerate(points):
                if len(point) != own.dimension:
                    raise found.damaged(
                        f"scatter.{key}.{i} has {len(point)} coordinates, which should be {own.dimension}"
                    )
    _require_shared(all_found, _recovery_before_training)
    return all_found


def _steps(training: Training) -> list[dict[str, float | str]]:
    """Return the steps after which a run was scored: multiples of `trace_every`, and the last step."""
    return [
        {"step": step}
        for step in sorted({*range(training.trace_every, training.steps + 1, training.trace_every), training.steps})
    ]


def _scored(method: str, *untrained: str) -> list[str]:
    """Return the scores that a run contributes; those that need no training come from the runs of one method."""
    return [*untrained, "trained"] if method == REFERENCE else ["trained"]


def _recovery_before_training(run: LatentRecoveryResult) -> dict[str, float]:
    return {"observations.r2": run.scores.observations.r2, "untrained.r2": run.scores.untrained.r2}


def _isolation_before_training(run: ContentIsolationResult) -> dict[str, float]:
    observations, oracle = run.scores.observations, run.scores.oracle
    return {
        "observations.style.linear": observations.style.linear,
        "observations.content.linear": observations.content.linear,
        "oracle.style.linear": oracle.style.linear,
    }


def _require_shared(all_found: Sequence[Found[R]], scores: Callable[[R], Mapping[str, float]]) -> None:
    """Raise `UserError` unless the runs of a row and seed agree on the `scores` of what is not trained.

    These scores depend on row and seed only, so a run that has others saw other data.
    """
    first: dict[tuple[str, int], Found[R]] = {}
    for found in all_found:
        other = first.setdefault((found.job.about["row"], found.job.about["seed"]), found)
        expected = scores(other.result)
        for key, value in scores(found.result).items():
            if abs(value - expected[key]) > SAME:
                raise found.damaged(f"scores.{key} is {value:.4f}, and {expected[key]:.4f} in {other.path.parent.name}")


def _band(values: pd.Series) -> dict[str, float]:
    found = MeanSD.of(values)
    deviation = found.sd or 0.0
    return {"mean": found.mean, "low": found.mean - deviation, "high": found.mean + deviation}
