"""The results of a study as tidy frames: one row per run and value; accuracies in percent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from entrec.methods.registry import METHODS
from entrec.report.records import Record, present, read_record, remedy
from entrec.runs import Run
from entrec.study import Study

FACTS = ["method", "title", "batch_size", "epochs", "seed"]
SCORE_COLUMNS = [*FACTS, "dataset", "metric", "value", "run"]
HISTORY = ["step", "epoch", "loss"]
DIAGNOSTICS = ["entropy", "reconstruction", "bound"]
GEOMETRY = ["effective_rank", "uniformity", "alignment"]  # of the same projections; no units
DISCRETE = ["discrete_entropy", "discrete_reconstruction"]  # of methods with a discrete surrogate
DECIMALS = 4  # of percent: fewer than any test set resolves, and what the CSV says is what the page says
ACCURACIES = {"linear_top1": "linear.test", "knn_top1": "knn.test"}


@dataclass(frozen=True)
class Frames:
    """All that claims and figures look at; `histories` are of the main column.

    `scores` and `transfers` have SCORE_COLUMNS; `histories` has FACTS, run, progress (0 to 1) and the
    columns of `history.csv` that all methods share (diagnostics in nats, empty between measurements).
    """

    scores: pd.DataFrame
    transfers: pd.DataFrame
    histories: pd.DataFrame


def collect(study: Study, results: Path) -> Frames:
    """Read all of `results`, the folder `results/<study>`; raises `UserError` naming what is missing or damaged."""
    return Frames(
        scores(study, results, study.runs), transfers(study, results), histories(study, results, study.headline_runs)
    )


def scores(study: Study, results: Path, runs: list[Run]) -> pd.DataFrame:
    """Test accuracies of frozen features, linear and nearest neighbours; SCORE_COLUMNS."""
    rows = []
    for run in runs:
        record = read_record(study, results, run, "evaluation.json")
        rows += [_score(run, study.dataset, metric, record.percent(key)) for metric, key in ACCURACIES.items()]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def transfers(study: Study, results: Path) -> pd.DataFrame:
    """Fine-tuned test accuracy of each main run on each transfer set, in the set's own metric, and their average."""
    names = study.evaluation.transfer.datasets
    rows = []
    for run in study.headline_runs:
        own = []
        for name in names:
            metric = study.datasets[name].metric
            record = read_record(study, results, run, f"transfer/{name}.json")
            own.append(_score(run, name, f"finetuned_{metric}", record.percent(f"test.{metric}")))
        if own:
            average = sum(row["value"] for row in own) / len(own)
            rows += [*own, _score(run, "average", "finetuned_average", average)]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def histories(study: Study, results: Path, runs: list[Run]) -> pd.DataFrame:
    """Training histories of `runs`, one under the other; methods that never train have no rows."""
    frames = [_history(study, results, run) for run in runs]
    filled = [frame for frame in frames if len(frame)]
    columns = [*FACTS, "run", "progress", *HISTORY, *DIAGNOSTICS, *GEOMETRY, *DISCRETE]
    return pd.concat(filled, ignore_index=True)[columns] if filled else pd.DataFrame(columns=columns)


def with_delta(scores: pd.DataFrame, main: tuple[int, int]) -> pd.DataFrame:
    """`scores` with `delta`: points above the same method and seed in the column `main` (batch size, epochs).

    Empty in the main column itself and where the main column has no run of that seed.
    """
    is_main = (scores["batch_size"] == main[0]) & (scores["epochs"] == main[1])
    keys = ["method", "seed", "dataset", "metric"]
    reference = scores[is_main].set_index(keys)["value"].rename("reference")
    joined = scores.join(reference, on=keys)
    delta = (joined["value"] - joined["reference"]).round(DECIMALS).mask(is_main)
    return joined.assign(delta=delta).drop(columns="reference")


def facts(run: Run) -> dict[str, Any]:
    """What a run's name says, beside the method's title."""
    return {
        "method": run.method,
        "title": METHODS[run.method].title,
        "batch_size": run.batch_size,
        "epochs": run.epochs,
        "seed": run.seed,
    }


def _score(run: Run, dataset: str, metric: str, value: float) -> dict[str, Any]:
    return {**facts(run), "dataset": dataset, "metric": metric, "value": round(value, DECIMALS), "run": str(run)}


def _history(study: Study, results: Path, run: Run) -> pd.DataFrame:
    target = f"results/{study.name}/{run}/history.csv"
    path = present(study, results / str(run) / "history.csv", target)
    record = Record(path, remedy(study, target), {})
    try:
        frame = pd.read_csv(path)
    except (ValueError, pd.errors.ParserError) as error:  # empty files and bad encodings are ValueErrors
        raise record.damaged(str(error).splitlines()[0]) from error
    missing = [column for column in HISTORY if column not in frame]
    if missing and len(frame):
        raise record.damaged(f"has no column {missing[0]}")
    frame = frame.reindex(columns=[*HISTORY, *DIAGNOSTICS, *GEOMETRY, *DISCRETE])
    try:
        frame = frame.astype(float)
    except ValueError as error:
        raise record.damaged(str(error)) from error
    return frame.assign(**facts(run), run=str(run), progress=frame["epoch"] / run.epochs)
