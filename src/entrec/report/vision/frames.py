"""The results of a study as tidy frames: one row per run and value, with accuracies in percent.

The rules that make the tables read them from the result files; claims and figures read them back from the tables'
CSVs, so that the page shows, draws and judges the same numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from entrec.methods.registry import METHODS
from entrec.paths import StudyPaths, table_files
from entrec.pipeline.recording import command, require_recorded
from entrec.report.vision.published import published_rows
from entrec.report.vision.reading import SHOWN, evaluation_of, history_of, transfer_of
from entrec.results import INFORMATION, MEASURED, damaged
from entrec.runs import Run
from entrec.study import Study

FACTS = ["method", "title", "batch_size", "epochs", "seed"]
SCORES = [*FACTS, "dataset", "metric", "value", "run"]
TIDY = [*FACTS, "dataset", "metric", "value", "delta", "run", "source"]  # the columns of a table's CSV
NUMBERS = {"batch_size": int, "epochs": int, "seed": int, "value": float, "delta": float}
DECIMALS = 4  # of percent: fewer than any test set resolves, and the CSV says what the page says


@dataclass(frozen=True)
class Frames:
    """All that claims and figures look at.

    `tables` are our own rows of each table's CSV, with the columns TIDY. `histories` are those of the headline setting:
    FACTS, run, SHOWN and MEASURED; the measured columns are empty between measurements.
    """

    tables: Mapping[str, pd.DataFrame]
    histories: pd.DataFrame


def read_frames(study: Study, *, tables: Path, results: Path) -> Frames:
    """Return the frames of a study whose tables were written to `tables` and whose results are in `results`."""
    names = ("table_1", "table_2", "table_transfer")
    rows = {name: read_rows(study, name, tables) for name in names}
    return Frames(rows, histories(study, results, study.headline_runs))


def read_rows(study: Study, table: str, folder: Path) -> pd.DataFrame:
    """Return our own rows of a table's CSV in `folder`; raises `UserError` if it is missing or not as recorded."""
    remedy = command(study, StudyPaths(study.name).report.table(table)[0])
    path = require_recorded(table_files(folder, table)[0], remedy)
    try:
        rows = pd.read_csv(path)[TIDY]
        return rows[rows["source"] == "ours"].astype(NUMBERS)
    except (ValueError, KeyError) as error:
        raise damaged(path, str(error).strip("'\"").splitlines()[0], remedy) from error


def tidy(study: Study, table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table's CSV: ours from `frame`, with their difference to the headline setting; then others'.

    `frame` has the columns SCORES. A published value has no run.
    """
    ours = with_delta(frame, study.headline).assign(source="ours")
    others = pd.DataFrame(published_rows(study, table), columns=TIDY)
    return pd.concat([ours, others], ignore_index=True)[TIDY] if len(others) else ours[TIDY]


def scores(study: Study, results: Path, runs: Iterable[Run]) -> pd.DataFrame:
    """Return test accuracies of frozen features, linear and of nearest neighbours, with the columns SCORES."""
    rows = []
    for run in runs:
        found = evaluation_of(study, results, run)
        rows.append(_score(run, study.dataset, "linear_top1", 100 * found.linear.test))
        rows.append(_score(run, study.dataset, "knn_top1", 100 * found.knn.test))
    return pd.DataFrame(rows, columns=SCORES)


def transfers(study: Study, results: Path) -> pd.DataFrame:
    """Return fine-tuned test accuracies, with the columns SCORES, in each transfer set's own metric and on average."""
    rows = []
    for run in study.headline_runs:
        of_run = []
        for name in study.evaluation.transfer.datasets:
            found = transfer_of(study, results, run, name)
            fraction = getattr(found.test, found.metric)
            of_run.append(_score(run, name, f"finetuned_{found.metric}", 100 * fraction))
        if of_run:
            average = sum(row["value"] for row in of_run) / len(of_run)
            rows += [*of_run, _score(run, "average", "finetuned_average", average)]
    return pd.DataFrame(rows, columns=SCORES)


def histories(study: Study, results: Path, runs: Iterable[Run]) -> pd.DataFrame:
    """Return the histories of `runs`, one under the other; methods that are never trained have no rows."""
    frames = [history_of(study, results, run).assign(**facts_of(run), run=str(run)) for run in runs]
    filled, columns = [frame for frame in frames if len(frame)], [*FACTS, "run", *SHOWN, *MEASURED]
    return pd.concat(filled, ignore_index=True)[columns] if filled else pd.DataFrame(columns=columns)


def last_measured(study: Study, histories: pd.DataFrame) -> pd.DataFrame:
    """Return the last measurement of every run: one row per run and quantity, with the columns SCORES.

    What a run did not measure has no row.
    """
    rows = []
    for _, measured in histories.dropna(subset=list(INFORMATION)).groupby("run", sort=False):
        last = measured.sort_values("step").iloc[-1].to_dict()
        facts = {key: last[key] for key in [*FACTS, "run"]} | {"dataset": study.dataset}
        found = {metric: last[metric] for metric in MEASURED if not pd.isna(last[metric])}
        rows += [facts | {"metric": metric, "value": round(float(value), DECIMALS)} for metric, value in found.items()]
    return pd.DataFrame(rows, columns=SCORES)


def with_delta(scores: pd.DataFrame, headline: tuple[int, int]) -> pd.DataFrame:
    """Return `scores` with `delta`: points above the same method and seed in the `headline` (batch size, epochs).

    It is empty in the headline setting itself and where that has no run of the same seed.
    """
    is_headline = (scores["batch_size"] == headline[0]) & (scores["epochs"] == headline[1])
    keys = ["method", "seed", "dataset", "metric"]
    reference = scores[is_headline].set_index(keys)["value"].rename("reference")
    joined = scores.join(reference, on=keys)
    delta = (joined["value"] - joined["reference"]).round(DECIMALS).mask(is_headline)
    return joined.assign(delta=delta).drop(columns="reference")


def facts_of(run: Run) -> dict[str, Any]:
    """Return what a run's name says, beside the method's title."""
    return asdict(run) | {"title": METHODS[run.method].title}


def _score(run: Run, dataset: str, metric: str, percent: float) -> dict[str, Any]:
    value = round(percent, DECIMALS)
    return {**facts_of(run), "dataset": dataset, "metric": metric, "value": value, "run": str(run)}
