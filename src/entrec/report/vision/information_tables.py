"""Entropy and reconstruction at the end of training, which are the evidence for C1, and the methods by family."""

from collections.abc import Mapping
from typing import get_args

import pandas as pd

from entrec.methods.registry import METHODS, Family
from entrec.report.mean_sd import MeanSD, mean_sds
from entrec.report.table import Column, Layout, mean_sd_column, seeds
from entrec.report.vision.protocol import estimator
from entrec.results import MEASURED
from entrec.study import Study

HEADS = {  # label, unit and decimals of each quantity
    "entropy": ("entropy", "nats", 2),
    "reconstruction": ("reconstruction", "nats", 2),
    "bound": ("bound", "nats", 2),
    "effective_rank": ("rank", "effective", 1),
    "uniformity": ("uniformity", "", 2),
    "alignment": ("alignment", "", 2),
    "discrete_entropy": ("entropy", "discrete, nats", 2),
    "discrete_reconstruction": ("reconstruction", "discrete, nats", 2),
    "linear_top1": ("linear", "top-1, %", 1),
}
COLLAPSED = 2.0  # effective rank; projections on one line have 1


def information_table(study: Study, rows: pd.DataFrame) -> Layout:
    """Return a row per self-supervised method and a column per quantity, with a dash where a method has none."""
    batch_size, epochs = study.headline
    titles = {name: METHODS[name].title for name in study.methods if not METHODS[name].baseline}
    found = {metric: dict.fromkeys(titles, MeanSD.of([])) | _by_method(rows, metric) for metric in MEASURED}
    caption = (
        f"Entropy and reconstruction of each method's projections at the last measurement; {study.dataset}, batch "
        f"size {batch_size}, {epochs} epochs. {estimator(study)} The bound is entropy plus reconstruction. Uniformity "
        "is the log mean of exp(−2 × squared distance) over pairs of images (at most 0, lower is more even), "
        "alignment the mean squared distance of two views of an image (0 to 4). Discrete quantities belong to methods "
        "with a discrete surrogate. Baselines have no pairs and no row. Mean ± standard deviation over seeds, "
        f"{_seeds(found)}."
    )
    return caption, list(titles.items()), _columns(found)


def methods_table(study: Study, rows: pd.DataFrame) -> Layout:
    """Return a row per self-supervised method, by family; a collapsed method has a remark beside its title."""
    batch_size, epochs = study.headline
    traits = {name: traits for name in study.methods if (traits := METHODS[name].traits)}
    order = sorted(traits, key=lambda name: get_args(Family).index(traits[name].family))
    found = {m: _by_method(rows, m) for m in ("entropy", "reconstruction", "effective_rank", "linear_top1")}
    words = [
        Column("family", "", {name: traits[name].family for name in order}, words=True),
        Column("reconstruction", "density", {name: traits[name].reconstruction for name in order}, words=True),
        Column("entropy", "kept up by", {name: traits[name].entropy for name in order}, words=True),
        Column("bound", "maximised?", {name: traits[name].maximises for name in order}, words=True),
    ]
    caption = (
        f"What each method does with the two terms of the bound, by family, and its results on {study.dataset}; "
        f"batch size {batch_size}, {epochs} epochs. {estimator(study)} A method whose projections end with an "
        f"effective rank below {COLLAPSED:g} in some run is marked as collapsed. Mean ± standard deviation over seeds, "
        f"{_seeds(found)}."
    )
    fallen = collapsed(rows)
    titles = [(name, METHODS[name].title + (" (collapsed)" if name in fallen else "")) for name in order]
    return caption, titles, words + _columns(found)


def collapsed(rows: pd.DataFrame) -> set[str]:
    """Return the methods with a run whose last effective rank is below `COLLAPSED`."""
    ranks = rows[rows["metric"] == "effective_rank"]
    return set(ranks["method"][ranks["value"] < COLLAPSED])


def _by_method(rows: pd.DataFrame, metric: str) -> dict[str, MeanSD]:
    return mean_sds(rows[rows["metric"] == metric], "method", "value")


def _columns(found: Mapping[str, dict[str, MeanSD]]) -> list[Column]:
    return [
        mean_sd_column(label, found[metric], detail=unit, decimals=decimals)
        for metric, (label, unit, decimals) in HEADS.items()
        if metric in found
    ]


def _seeds(found: Mapping[str, dict[str, MeanSD]]) -> str:
    return seeds(mean_sd for by_method in found.values() for mean_sd in by_method.values())
