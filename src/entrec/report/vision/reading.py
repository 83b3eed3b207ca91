"""The result files of a study's runs, read and checked.

`results` is the folder of the runs, `results/<study>`. All functions raise `UserError` for a file that is missing or
damaged; it names the file and the command that makes it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from entrec.paths import RunFolder, StudyPaths, run_folder
from entrec.results import (
    MEASURED,
    EvaluationResult,
    PretrainingResult,
    Result,
    TransferResult,
    damaged,
    read_result,
    require_result,
)
from entrec.runs import Run
from entrec.study import Study

R = TypeVar("R", bound=Result)
SHOWN = ["step", "epoch", "loss"]  # what the page shows of a history beside its measurements


def pretraining_of(study: Study, results: Path, run: Run) -> PretrainingResult:
    """Return how a run was pretrained."""
    return _read(PretrainingResult, study, results, run, lambda folder: folder.description)


def evaluation_of(study: Study, results: Path, run: Run) -> EvaluationResult:
    """Return the accuracies of a run's frozen features."""
    return _read(EvaluationResult, study, results, run, lambda folder: folder.evaluation)


def transfer_of(study: Study, results: Path, run: Run, dataset: str) -> TransferResult:
    """Return the accuracies of a run after fine-tuning on `dataset`."""
    about = {"dataset": dataset, "metric": study.datasets[dataset].metric}
    return _read(TransferResult, study, results, run, lambda folder: folder.transfer(dataset), **about)


def history_of(study: Study, results: Path, run: Run) -> pd.DataFrame:
    """Return the history of a run, with the columns SHOWN and MEASURED; it has no rows if the run has no steps."""
    remedy = remedy_of(study, StudyPaths(study.name).run(run).history)
    path = require_result(run_folder(results, run).history, remedy)
    try:
        frame = pd.read_csv(path)
        missing = [column for column in SHOWN if column not in frame]
        if missing and len(frame):
            raise ValueError(f"has no column {missing[0]}")
        return frame.reindex(columns=[*SHOWN, *MEASURED]).astype(float)
    except ValueError as error:  # pandas' own errors, for instance of an empty file, are of this kind
        raise damaged(path, str(error).splitlines()[0], remedy) from error


def remedy_of(study: Study, target: Path) -> str:
    """Return the command that makes `target`."""
    return f"snakemake {target} --configfile params/{study.name}.yaml"


def _read(kind: type[R], study: Study, results: Path, run: Run, file: Callable[[RunFolder], Path], **about: str) -> R:
    target = file(StudyPaths(study.name).run(run))
    path = file(run_folder(results, run))
    return read_result(kind, path, remedy=remedy_of(study, target), about={"run": str(run), **about})
