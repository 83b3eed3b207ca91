"""The result files of a study's runs, read and checked.

`results` is the folder of the runs, `results/<study>`. All functions raise `UserError` for a file that is missing,
damaged, made from other files than it should be, or with other settings than the study has now; it names the file and
the command that makes it.
"""

from pathlib import Path

import pandas as pd

from entrec.paths import DatasetFolder, StudyPaths, run_folder
from entrec.pipeline.recording import command
from entrec.results import (
    MEASURED,
    EvaluationResult,
    PretrainingResult,
    Result,
    RunResults,
    TransferResult,
    damaged,
    read_card,
)
from entrec.runs import Run
from entrec.study import Study, evaluate_keys, pretrain_keys, transfer_keys

SHOWN = ["step", "epoch", "loss"]  # what the page shows of a history beside its measurements


def pretraining_of(study: Study, results: Path, run: Run) -> PretrainingResult:
    """Return how a run was pretrained."""
    here = results_of(study, results, run)
    here.require_settings(here.folder.description, here.pretraining, study.slice(pretrain_keys(study, run.method)))
    return here.pretraining


def evaluation_of(study: Study, results: Path, run: Run) -> EvaluationResult:
    """Return the accuracies of a run's frozen features."""
    here = results_of(study, results, run)
    found = here.evaluation()
    here.require_settings(here.folder.evaluation, found, study.slice(evaluate_keys()))
    return found


def transfer_of(study: Study, results: Path, run: Run, dataset: str) -> TransferResult:
    """Return the accuracies of a run after fine-tuning on `dataset`."""
    here = results_of(study, results, run)
    found = here.transfer(dataset, study.datasets[dataset].metric)
    here.require_settings(here.folder.transfer(dataset), found, study.slice(transfer_keys(dataset)))
    return found


def history_of(study: Study, results: Path, run: Run) -> pd.DataFrame:
    """Return the history of a run, with the columns SHOWN and MEASURED; it has no rows if the run has no steps."""
    path = results_of(study, results, run).history()
    try:
        frame = pd.read_csv(path)
        missing = [column for column in SHOWN if column not in frame]
        if missing and len(frame):
            raise ValueError(f"has no column {missing[0]}")
        return frame.reindex(columns=[*SHOWN, *MEASURED]).astype(float)
    except ValueError as error:  # pandas' own errors, for instance of an empty file, are of this kind
        remedy = command(study, StudyPaths(study.name).run(run).history)
        raise damaged(path, str(error).splitlines()[0], remedy) from error


def results_of(study: Study, results: Path, run: Run) -> RunResults:
    """Return the results of a run."""
    return RunResults(study.name, str(run), run_folder(results, run))


def require_same_data(study: Study, results: Path, data: Path) -> None:
    """Raise `UserError` unless every result was made from the datasets in `data`, the folder `data/<study>`."""
    folders = {name: DatasetFolder(data / name) for name in study.datasets}
    digests = {name: read_card(folder).digest for name, folder in folders.items()}
    for run in study.runs:
        found = results_of(study, results, run)
        pretrained = pretraining_of(study, results, run)
        made: dict[Path, tuple[Result, str]] = {found.folder.description: (pretrained, study.dataset)}
        for name in study.evaluation.transfer.datasets if run in study.headline_runs else ():
            made[found.folder.transfer(name)] = transfer_of(study, results, run, name), name
        for path, (result, name) in made.items():
            found.require_data(path, result, folders[name].card, digests[name])
