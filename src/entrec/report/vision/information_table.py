"""Entropy and reconstruction of every method at the end of its training: the evidence for claim C1."""

from typing import Any

import pandas as pd

from entrec.methods.registry import METHODS
from entrec.report.layout import Column, Layout, mean_sd_column, seeds
from entrec.report.mean_sd import MeanSD
from entrec.report.vision.collect import DECIMALS, DIAGNOSTICS, DISCRETE, FACTS, GEOMETRY
from entrec.report.vision.estimator import estimator
from entrec.study import Study

LABELS = {
    "entropy": ("entropy", "nats"),
    "reconstruction": ("reconstruction", "nats"),
    "bound": ("bound", "nats"),
    "effective_rank": ("rank", "effective"),
    "uniformity": ("uniformity", ""),
    "alignment": ("alignment", ""),
    "discrete_entropy": ("entropy", "discrete, nats"),
    "discrete_reconstruction": ("reconstruction", "discrete, nats"),
}


def last_measured(study: Study, histories: pd.DataFrame) -> pd.DataFrame:
    """The last measurement of every run, one row per run and quantity: FACTS, dataset, metric, value, run.

    What a run did not measure has no row. Discrete quantities exist only for methods with a discrete surrogate.
    """
    rows: list[dict[str, Any]] = []
    for _, history in histories.groupby("run", sort=False):
        measured = history.dropna(subset=DIAGNOSTICS).sort_values("step")
        for last in measured.tail(1).to_dict("records"):
            facts = {key: last[key] for key in [*FACTS, "run"]}
            for metric in [*DIAGNOSTICS, *GEOMETRY, *DISCRETE]:
                if not pd.isna(last[metric]):
                    value = round(float(last[metric]), DECIMALS)
                    rows.append({**facts, "dataset": study.dataset, "metric": metric, "value": value})
    return pd.DataFrame(rows, columns=[*FACTS, "dataset", "metric", "value", "run"])


def lay_out_information(study: Study, rows: pd.DataFrame) -> Layout:
    """A row per self-supervised method, a column per quantity; a dash where a method has none."""
    batch_size, epochs = study.headline
    methods = [(m, METHODS[m].title) for m in study.methods if not METHODS[m].baseline]
    spreads = {metric: _spreads(rows[rows["metric"] == metric], [m for m, _ in methods]) for metric in LABELS}
    columns = [_column(metric, spreads[metric]) for metric in LABELS]
    caption = (
        f"What each method's projections hold at the last measurement; {study.dataset}, batch size {batch_size}, "
        f"{epochs} epochs. {estimator(study)} The bound is entropy plus reconstruction. Uniformity is the log mean of "
        "exp(−2 × squared distance) over pairs of images (at most 0, lower is more even), alignment the mean squared "
        "distance of two views of an image (0 to 4). Discrete quantities belong to methods with a discrete surrogate. "
        f"Baselines have no pairs and no row. Mean ± standard deviation over seeds, {_seeds(spreads)}."
    )
    return Layout("table_information", "Entropy and reconstruction", caption, methods, columns)


def _column(metric: str, spreads: dict[str, MeanSD]) -> Column:
    label, unit = LABELS[metric]
    column = mean_sd_column(label, spreads, decimals=1 if metric == "effective_rank" else 2)
    return Column(label, unit, column.cells)


def _spreads(rows: pd.DataFrame, methods: list[str]) -> dict[str, MeanSD]:
    return {method: MeanSD.of(rows["value"][rows["method"] == method]) for method in methods}


def _seeds(spreads: dict[str, dict[str, MeanSD]]) -> str:
    return seeds(spread for column in spreads.values() for spread in column.values())
