"""All methods by family, with what they do to the two terms of the bound and what was measured of them."""

from typing import get_args

import pandas as pd

from entrec.methods.registry import METHODS, Family
from entrec.report.layout import Column, Layout, mean_sd_column, seeds
from entrec.report.mean_sd import MeanSD, mean_sd_by_method
from entrec.report.vision.estimator import estimator
from entrec.study import Study

COLLAPSED = 2.0  # effective rank; projections on one line have 1
MEASURED = {"entropy": "nats", "reconstruction": "nats", "effective_rank": "effective", "linear_top1": "top-1, %"}
SHOWN = {"effective_rank": "rank", "linear_top1": "linear"}


def lay_out_methods(study: Study, rows: pd.DataFrame) -> Layout:
    """A row per self-supervised method, by family; a collapsed one says so beside its title."""
    traits = {name: t for name in study.methods if (t := METHODS[name].traits)}
    ordered = sorted(traits, key=lambda name: get_args(Family).index(traits[name].family))
    spreads = {metric: mean_sd_by_method(rows[rows["metric"] == metric], "value") for metric in MEASURED}
    columns = [
        _words("family", "", {name: traits[name].family for name in ordered}),
        _words("reconstruction", "density", {name: traits[name].reconstruction for name in ordered}),
        _words("entropy", "kept up by", {name: traits[name].entropy for name in ordered}),
        _words("bound", "maximised?", {name: traits[name].maximises for name in ordered}),
        *(_measured(metric, spreads[metric]) for metric in MEASURED),
    ]
    batch_size, epochs = study.headline
    caption = (
        f"What each method does with the two terms of the bound, by family, and what it ends with on {study.dataset}; "
        f"batch size {batch_size}, {epochs} epochs. {estimator(study)} A method whose projections end with an "
        f"effective rank below {COLLAPSED:g} in some run is marked as collapsed. Mean ± standard deviation over seeds, "
        f"{seeds(s for column in spreads.values() for s in column.values())}."
    )
    fallen = collapsed(rows)
    titles = [(name, METHODS[name].title + (" (collapsed)" if name in fallen else "")) for name in ordered]
    return Layout("table_methods", "Methods", caption, titles, columns)


def collapsed(rows: pd.DataFrame) -> set[str]:
    """Methods with a run whose last effective rank is below `COLLAPSED`."""
    ranks = rows[rows["metric"] == "effective_rank"]
    return set(ranks["method"][ranks["value"] < COLLAPSED])


def _words(label: str, detail: str, cells: dict[str, str]) -> Column:
    return Column(label, detail, cells, words=True)


def _measured(metric: str, spreads: dict[str, MeanSD]) -> Column:
    column = mean_sd_column(metric, spreads, decimals=2 if MEASURED[metric] == "nats" else 1)
    return Column(SHOWN.get(metric, metric), MEASURED[metric], column.cells)
