"""What DVC's own commands show: which results of a study are metrics, and which plots are drawn of them.

DVC reads the lists `metrics` and `plots` of a `dvc.yaml` in `dvc metrics`, `dvc plots` and `dvc exp show`. Both name
outputs of its stages, so that they change neither a stage nor `dvc.lock`.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from entrec.methods.registry import METHODS, Trained
from entrec.pipeline.jobs import Jobs
from entrec.pipeline.theory_jobs import THEORY_FIGURES, TheoryJobs
from entrec.runs import Run

ACCURACY_TABLES = {  # each has one row for each run
    "table_1": "Linear accuracy on the test split in %, at every batch size",
    "table_2": "Linear accuracy on the test split in %, at every number of epochs",
}
IMAGES = ("information_over_training", "geometry_over_training")  # figures of the page, of methods that are measured
MEASURED_BY_SCORES = ("theory_latent_recovery", "theory_content_isolation")  # other results of the theory are lists

Views = dict[str, list[Any]]


def study_views(jobs: Jobs, *, folder: Path) -> Views:
    """Return the metrics and the plots of a study, as they stand in the `dvc.yaml` of `folder`.

    Metrics are the accuracies of every run. Plots are the loss of every method that is trained, the accuracies of two
    tables and two figures of the page.
    """
    study, paths = jobs.study, jobs.paths
    transfer = study.evaluation.transfer.datasets
    metrics = [jobs.evaluate(run).outputs[0] for run in study.runs]
    metrics += [jobs.transfer(run, name).outputs[0] for run in study.headline_runs for name in transfer]
    trained = [name for name in study.methods if issubclass(METHODS[name].settings, Trained)]
    measured = any(not METHODS[name].baseline for name in study.methods)
    plots: list[Any] = [_loss(jobs, name, [r for r in study.runs if r.method == name], folder) for name in trained]
    plots += [
        _plot(_from(folder, paths.report.table(name)[0]), title, x="value", y="run", template="bar_horizontal")
        for name, title in ACCURACY_TABLES.items()
    ]
    plots += [_from(folder, paths.report.figure(name)[0]) for name in IMAGES if measured]
    return {"metrics": [_from(folder, path) for path in metrics], "plots": plots}


def theory_views(jobs: TheoryJobs, *, folder: Path) -> Views:
    """Return the metrics and the plots of a setting of the theory, as they stand in the `dvc.yaml` of `folder`.

    Metrics are the scores of every run that trains an encoder, and plots are the figures of the page.
    """
    metrics = [job.outputs[0] for job in jobs.results if job.rule in MEASURED_BY_SCORES]
    figures = [jobs.figure(name).outputs[0] for name in THEORY_FIGURES]
    return {name: [_from(folder, path) for path in paths] for name, paths in (("metrics", metrics), ("plots", figures))}


def _loss(jobs: Jobs, method: str, runs: Iterable[Run], folder: Path) -> Mapping[str, Any]:
    """Return the plot of the training loss of one method: losses of different methods cannot be compared."""
    losses = {_from(folder, jobs.paths.run(run).history): "loss" for run in runs}
    return _plot(f"loss_{method}", f"Training loss of {method}", x="step", y=losses)


def _plot(name: str, title: str, **axes: Any) -> Mapping[str, Any]:
    return {name: {**axes, "title": title}}


def _from(folder: Path, path: Path) -> str:
    """Return `path` relative to `folder`, as DVC reads the lists."""
    return Path(os.path.relpath(path, folder)).as_posix()
