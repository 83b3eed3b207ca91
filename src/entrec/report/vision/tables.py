"""Tables 1 and 2 of the paper, transfer, nearest neighbours, information and methods, as tidy CSV, LaTeX and HTML."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from entrec.artefacts import write_text
from entrec.methods.registry import METHODS
from entrec.pipeline.jobs import runs_of
from entrec.report.latex import latex_table
from entrec.report.layout import Column, Layout, mean_sd_column, seeds
from entrec.report.markup import table_fragment
from entrec.report.mean_sd import mean_sd_by_method, points
from entrec.report.records import Record, present, remedy
from entrec.report.vision.collect import histories, scores, transfers, with_delta
from entrec.report.vision.information_table import last_measured, lay_out_information
from entrec.report.vision.methods_table import lay_out_methods
from entrec.report.vision.published import Peer, Published, peers, published
from entrec.study import Study

TIDY = ["method", "title", "batch_size", "epochs", "seed", "dataset", "metric", "value", "delta", "run", "source"]
SCORES = {"linear": "linear_top1", "kNN": "knn_top1"}
METRICS = {"top1": "top-1", "mean_per_class": "mean per class"}


def write_table(study: Study, table: str, *, results: Path, output: Path) -> None:
    """Write `table` to the folder `output` as .csv, .tex and .html.

    `results` is `results/<study>`. The CSV has one row per run and value: accuracies in percent,
    differences in points, information in nats; published values are rows of another source, without a run.
    Raises `UserError` for an unknown table and for a result that is missing or damaged.
    """
    rows = tidy(study, table, results)
    layout = lay_out(study, table, rows)
    csv: str = rows.to_csv(index=False, lineterminator="\n")
    write_text(output / f"{table}.csv", csv)
    write_text(output / f"{table}.tex", latex_table(layout))
    write_text(output / f"{table}.html", table_fragment(layout))


def read_table(study: Study, table: str, folder: Path) -> Layout:
    """The table that `write_table` left in `folder`, from its CSV; raises `UserError` if that is missing or damaged."""
    target = f"reports/{study.name}/tables/{table}.csv"
    path = present(study, folder / f"{table}.csv", target)
    try:
        rows = pd.read_csv(path)[TIDY]
    except (ValueError, KeyError) as error:
        raise Record(path, remedy(study, target), {}).damaged(str(error).strip("'\"").splitlines()[0]) from error
    return lay_out(study, table, rows)


def tidy(study: Study, table: str, results: Path) -> pd.DataFrame:
    """The rows of `table`, with the columns TIDY."""
    runs = runs_of(study, table)
    if table == "table_transfer":
        frame = transfers(study, results)
    elif table == "table_information":
        frame = last_measured(study, histories(study, results, runs))
    elif table == "table_methods":
        frame = pd.concat([last_measured(study, histories(study, results, runs)), scores(study, results, runs)])
    elif table == "table_knn":
        frame = scores(study, results, runs)
    else:
        frame = scores(study, results, runs)
        frame = frame[frame["metric"] == "linear_top1"]
    frame = with_delta(frame, study.headline).assign(source="ours")
    theirs = _published_rows(study, table)
    return pd.concat([frame, theirs], ignore_index=True)[TIDY] if len(theirs) else frame[TIDY]


def lay_out(study: Study, table: str, rows: pd.DataFrame) -> Layout:
    """Captions, headings and texts of `table` from its tidy rows."""
    return _LAYOUTS[table](study, rows[rows["source"] == "ours"])


def _table_1(study: Study, rows: pd.DataFrame) -> Layout:
    _, epochs = study.headline
    caption = (
        f"Linear top-1 accuracy on the test part of {study.dataset}, in %, at batch size {study.batch_sizes[0]} after "
        f"{epochs} epochs, and its change in points at the other batch sizes (Δ, same seeds on both sides)."
    )
    return _sweep_layout(study, "table_1", "batch_size", "Table 1", caption, rows)


def _table_2(study: Study, rows: pd.DataFrame) -> Layout:
    batch_size, epochs = study.headline
    caption = (
        f"Linear top-1 accuracy on the test part of {study.dataset}, in %, after {epochs} epochs at batch size "
        f"{batch_size}, and its change in points after other numbers of epochs (Δ, same seeds on both sides)."
    )
    return _sweep_layout(study, "table_2", "epochs", "Table 2", caption, rows)


def _sweep_layout(study: Study, table: str, swept: str, title: str, caption: str, rows: pd.DataFrame) -> Layout:
    main, *others = study.batch_sizes if swept == "batch_size" else study.epochs
    unit = "batch" if swept == "batch_size" else "epochs"
    theirs = published(study, table)
    columns = [mean_sd_column(f"{unit} {main}", mean_sd_by_method(rows[rows[swept] == main], "value"))]
    columns += _published_main(theirs)
    for other in others:
        columns.append(
            mean_sd_column(f"Δ {other}", mean_sd_by_method(rows[rows[swept] == other], "delta"), signed=True)
        )
        if theirs and other in theirs.deltas:
            columns.append(_published_delta(theirs, other))
    return Layout(table, title, f"{caption} {_SPREAD_NOTE}", _titles(study), columns)


def _published_main(theirs: Published | None) -> list[Column]:
    if theirs is None:
        return []
    batch_size, epochs = theirs.main
    cells = {method: f"{value:.1f}" for method, value in theirs.accuracy.items()}
    return [Column(f"paper {batch_size} / {epochs}", "ImageNet", cells)]


def _published_delta(theirs: Published, column: int) -> Column:
    return Column(f"paper Δ {column}", "n = 1", {m: points(value) for m, value in theirs.deltas[column].items()})


def _transfer(study: Study, rows: pd.DataFrame) -> Layout:
    if not study.evaluation.transfer.datasets:
        return Layout("table_transfer", "Transfer", "This study fine-tunes on no other set.", [], [])
    batch_size, epochs = study.headline
    columns = []
    for name in [*study.evaluation.transfer.datasets, "average"] if len(rows) else []:
        metric = METRICS[study.datasets[name].metric] if name in study.datasets else "all sets"
        spreads = mean_sd_by_method(rows[rows["dataset"] == name], "value")
        column = mean_sd_column(name, spreads)
        columns.append(Column(name, f"{metric}, {seeds(spreads.values())}", column.cells))
    caption = (
        f"Accuracy on the test part, in %, after fine-tuning all weights; encoders of batch size {batch_size} after "
        f"{epochs} epochs on {study.dataset}. The average is over the sets, seed by seed. {_SPREAD_NOTE}"
    )
    return Layout("table_transfer", "Transfer", caption, _titles(study), columns)


def _knn(study: Study, rows: pd.DataFrame) -> Layout:
    batch_size, epochs = study.headline
    columns = [
        mean_sd_column(label, mean_sd_by_method(rows[rows["metric"] == metric], "value"))
        for label, metric in SCORES.items()
    ]
    columns += [_peer(peer) for peer in peers(study)]
    caption = (
        f"Top-1 accuracy of frozen features on the test part of {study.dataset}, in %, by a linear classifier and "
        f"by {study.evaluation.knn.neighbours} nearest neighbours; batch size {batch_size}, {epochs} epochs. "
        f"{_SPREAD_NOTE}{_PEERS_NOTE if peers(study) else ''}"
    )
    return Layout("table_knn", "Nearest neighbours", caption, _titles(study), columns)


def _peer(peer: Peer) -> Column:
    label = next(label for label, metric in SCORES.items() if metric == peer.metric)
    cells = {method: f"{value:.1f}" for method, value in peer.accuracy.items()}
    return Column(f"{peer.label}, {label}", f"{peer.epochs} epochs", cells)


_PEERS_NOTE = " Other libraries print one run each, with optimisers, heads and batch sizes of their own."
_SPREAD_NOTE = "Mean ± standard deviation over n seeds; one seed has no deviation."
_LAYOUTS: dict[str, Callable[[Study, pd.DataFrame], Layout]] = {
    "table_1": _table_1,
    "table_2": _table_2,
    "table_transfer": _transfer,
    "table_knn": _knn,
    "table_information": lay_out_information,
    "table_methods": lay_out_methods,
}


def _titles(study: Study) -> list[tuple[str, str]]:
    return [(method, METHODS[method].title) for method in study.methods]


def _published_rows(study: Study, table: str) -> pd.DataFrame:
    theirs = published(study, table)
    rows: list[dict[str, Any]] = []
    if theirs:
        batch_size, epochs = theirs.main
        rows += [_published_row(m, batch_size, epochs, {"value": v}) for m, v in theirs.accuracy.items()]
        for column, deltas in theirs.deltas.items():
            at = (column, epochs) if table == "table_1" else (batch_size, column)
            rows += [_published_row(m, *at, {"delta": v}) for m, v in deltas.items()]
    for peer in peers(study) if table == "table_knn" else ():
        names = {"dataset": peer.dataset, "metric": peer.metric, "epochs": peer.epochs, "source": peer.label}
        rows += [{"method": m, "title": METHODS[m].title, "value": v, **names} for m, v in peer.accuracy.items()]
    return pd.DataFrame(rows, columns=TIDY)


def _published_row(method: str, batch_size: int, epochs: int, value: dict[str, float]) -> dict[str, Any]:
    names = {"method": method, "title": METHODS[method].title, "dataset": "ImageNet", "metric": "linear_top1"}
    return {**names, "batch_size": batch_size, "epochs": epochs, **value, "source": "paper"}
