"""Tables 1 and 2 of the paper, and the tables of transfer, nearest neighbours, information and methods."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from entrec.methods.registry import METHODS
from entrec.paths import StudyPaths, table_files
from entrec.pipeline.jobs import Jobs, runs_of
from entrec.pipeline.recording import command, write_record
from entrec.report.mean_sd import mean_sds, points
from entrec.report.table import Column, Layout, Recipe, Table, mean_sd_column, read_table_html, seeds, write_table_files
from entrec.report.vision.frames import histories, last_measured, scores, tidy, transfers
from entrec.report.vision.information_tables import information_table, methods_table
from entrec.runs import Run
from entrec.study import Study

SCORE_LABELS = {"linear_top1": "linear", "knn_top1": "kNN"}
METRICS = {"top1": "top-1", "mean_per_class": "mean per class"}
DEVIATIONS = "Mean ± standard deviation over n seeds; no deviation is given for a single seed."
OTHERS = "The values of other libraries are single runs with their own optimisers, heads and batch sizes."


def write_table(study: Study, table: str, *, results: Path, output: Path) -> None:
    """Write `table` to the folder `output` as .csv, .tex and .html, and its record as .json.

    `results` is `results/<study>`. The CSV has one row per run and value: accuracies in percent, differences in
    points, information in nats; published values are rows of another source, without a run. Raises `UserError` for
    an unknown table and for a result that is missing or damaged.
    """
    rows = table_rows(study, table, results)
    write_table_files(lay_out(study, table, rows), rows, output)
    jobs = Jobs(study)
    job, files = jobs.table(table), table_files(output, table)
    write_record(job, study, files, places={jobs.paths.results: results})


def read_table(study: Study, table: str, folder: Path) -> Markup:
    """Return the HTML that `write_table` left in `folder`; raises `UserError` if it is missing."""
    *_, target = StudyPaths(study.name).report.table(table)
    return read_table_html(folder, table, remedy=command(study, target))


def table_rows(study: Study, table: str, results: Path) -> pd.DataFrame:
    """Return the rows of the CSV of `table`."""
    runs = runs_of(study, table)
    return tidy(study, table, RECIPES[table].read(study, results, runs))


def lay_out(study: Study, table: str, rows: pd.DataFrame) -> Table:
    """Return `table` with its caption, headings and texts from the rows of its CSV."""
    return RECIPES[table].table(table, study, rows)


def _linear(study: Study, results: Path, runs: list[Run]) -> pd.DataFrame:
    found = scores(study, results, runs)
    return found[found["metric"] == "linear_top1"]


def _information(study: Study, results: Path, runs: list[Run]) -> pd.DataFrame:
    return last_measured(study, histories(study, results, runs))


def _information_and_accuracy(study: Study, results: Path, runs: list[Run]) -> pd.DataFrame:
    return pd.concat([_information(study, results, runs), scores(study, results, runs)])


def _table_1(study: Study, rows: pd.DataFrame) -> Layout:
    batch_size, epochs = study.headline
    shown = f"at batch size {batch_size} after {epochs} epochs, and its change in points at the other batch sizes"
    columns = _sweep(rows, "batch_size", study.batch_sizes, label=f"batch {batch_size}")
    return _accuracy_caption(study, shown), _titles(study), columns


def _table_2(study: Study, rows: pd.DataFrame) -> Layout:
    batch_size, epochs = study.headline
    shown = f"after {epochs} epochs at batch size {batch_size}, and its change in points after other numbers of epochs"
    columns = _sweep(rows, "epochs", study.epochs, label=f"epochs {epochs}")
    return _accuracy_caption(study, shown), _titles(study), columns


def _accuracy_caption(study: Study, shown: str) -> str:
    accuracy = f"Linear top-1 accuracy on the test split of {study.dataset}, in %, {shown}"
    return f"{accuracy} (Δ, same seeds on both sides). {DEVIATIONS}"


def _sweep(rows: pd.DataFrame, swept: str, values: tuple[int, ...], *, label: str) -> list[Column]:
    """Return a column of accuracies in the headline setting and one of differences for every other value of `swept`.

    The paper's own columns stand beside ours where the rows have them.
    """
    ours, paper = rows[rows["source"] == "ours"], rows[rows["source"] == "paper"]
    columns = [mean_sd_column(label, mean_sds(ours[ours[swept] == values[0]], "method", "value"))]
    headline = paper.dropna(subset="value")
    for (batch_size, epochs), group in headline.groupby(["batch_size", "epochs"]):
        columns.append(Column(f"paper {batch_size:.0f} / {epochs:.0f}", "ImageNet", _one_decimal(group)))
    for value in values[1:]:
        deltas = mean_sds(ours[ours[swept] == value], "method", "delta")
        columns.append(mean_sd_column(f"Δ {value}", deltas, signed=True))
        theirs = paper[paper[swept] == value].dropna(subset="delta")
        if len(theirs):
            cells = dict(zip(theirs["method"], map(points, theirs["delta"]), strict=True))
            columns.append(Column(f"paper Δ {value}", "n = 1", cells))
    return columns


def _transfer(study: Study, rows: pd.DataFrame) -> Layout:
    sets = study.evaluation.transfer.datasets
    if not sets:
        return "This study fine-tunes on no other dataset.", [], []
    batch_size, epochs = study.headline
    columns = []
    for name in [*sets, "average"] if len(rows) else []:
        metric = METRICS[study.datasets[name].metric] if name in sets else "all sets"
        found = mean_sds(rows[rows["dataset"] == name], "method", "value")
        columns.append(mean_sd_column(name, found, detail=f"{metric}, {seeds(found.values())}"))
    caption = (
        "Accuracy on the test split, in %, after fine-tuning all weights of encoders that were pretrained on "
        f"{study.dataset}, with batch size {batch_size} for {epochs} epochs. The average over the sets is "
        f"taken for each seed. {DEVIATIONS}"
    )
    return caption, _titles(study), columns


def _knn(study: Study, rows: pd.DataFrame) -> Layout:
    batch_size, epochs = study.headline
    ours, others = rows[rows["source"] == "ours"], rows[rows["source"] != "ours"]
    columns = [
        mean_sd_column(label, mean_sds(ours[ours["metric"] == metric], "method", "value"))
        for metric, label in SCORE_LABELS.items()
    ]
    for (source, metric, after), group in others.groupby(["source", "metric", "epochs"], sort=False):
        columns.append(Column(f"{source}, {SCORE_LABELS[str(metric)]}", f"{after:.0f} epochs", _one_decimal(group)))
    caption = (
        f"Top-1 accuracy of frozen features on the test split of {study.dataset}, in %, by a linear classifier and "
        f"by {study.evaluation.knn.neighbours} nearest neighbours; batch size {batch_size}, {epochs} epochs. "
        f"{DEVIATIONS}{' ' + OTHERS if len(others) else ''}"
    )
    return caption, _titles(study), columns


def _one_decimal(rows: pd.DataFrame) -> dict[str, str]:
    return {method: f"{value:.1f}" for method, value in zip(rows["method"], rows["value"], strict=True)}


def _titles(study: Study) -> list[tuple[str, str]]:
    return [(method, METHODS[method].title) for method in study.methods]


RECIPES = {
    "table_1": Recipe("Table 1", _linear, _table_1),
    "table_2": Recipe("Table 2", _linear, _table_2),
    "table_transfer": Recipe("Transfer", lambda study, results, runs: transfers(study, results), _transfer),
    "table_knn": Recipe("Nearest neighbours", scores, _knn),
    "table_information": Recipe("Entropy and reconstruction", _information, information_table),
    "table_methods": Recipe("Methods", _information_and_accuracy, methods_table),
}
