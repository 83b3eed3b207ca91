"""How the tables of recovered latents and of isolated content are laid out."""

import math
from collections.abc import Collection, Mapping
from typing import Literal

import pandas as pd

from entrec.report.layout import Column, Layout
from entrec.report.mean_sd import NOTHING, MeanSD, decimal
from entrec.report.theory.identifiability_frames import LATENTS
from entrec.report.theory.names import (
    CONTENT_ISOLATION_REPRESENTATIONS,
    LATENT_RECOVERY_REPRESENTATIONS,
    REPRESENTATIONS,
    content_isolation_title,
    full_title,
    quantity,
    representation_name,
    steps_of,
)
from entrec.report.theory.published import COLUMNS, published_content, published_latents
from entrec.theory.settings.identifiability import CONTENT_ISOLATION_METHODS, LATENT_RECOVERY_METHODS, LatentRecovery
from entrec.theory.study import Setting

AS_REPORTED = "Published values are as reported, not derived anew, and of the original’s size"


def latent_recovery_names(setting: Setting) -> Mapping[str, Collection[str]]:
    """The names that tables of recovered latents may hold."""
    rows = setting.latent_recovery.rows
    return {"row": rows, "representation": LATENT_RECOVERY_REPRESENTATIONS, "method": LATENT_RECOVERY_METHODS}


def content_isolation_names(setting: Setting) -> Mapping[str, Collection[str]]:
    """The names that the table of isolated content may hold."""
    rows = setting.content_isolation.rows
    return {"row": rows, "representation": CONTENT_ISOLATION_REPRESENTATIONS, "latents": LATENTS}


def latent_recovery(setting: Setting, rows: pd.DataFrame) -> Layout:
    """One row per set-up: how much of the true latents each representation explains."""
    own = setting.latent_recovery
    columns = [
        Column(*REPRESENTATIONS[name], {row: MeanSD.of(100 * group["r2"]).text() for row, group in groups})
        for name, groups in _by_row(rows)
    ]
    caption = (
        f"Coefficient of determination, in percent, of a linear map from representations to the {own.dimension} true "
        "latents, on points that it was not fitted to. Rows name latents and density of the pairs; objectives have the "
        f"same density unless said otherwise. {_size(own)} Mean ± standard deviation over {_seeds(rows)}. "
        f"{AS_REPORTED} (Zimmermann et al. 2021, arXiv:2102.08850), and of points that the map was fitted to; "
        "unsupervised is InfoNCE."
    )
    published = _published("r2", own)
    return Layout(
        "table_latent_recovery", "Recovered latents", caption, _titles(own), columns + published, head="Latents"
    )


def latent_recovery_mcc(setting: Setting, rows: pd.DataFrame) -> Layout:
    """One row per set-up: how each true coordinate correlates with the one that it is matched with."""
    own = setting.latent_recovery
    columns = []
    for name, groups in _by_row(rows):
        cells = {}
        for row, group in groups:
            ranks = MeanSD.of(100 * group["rank_correlation"]).mean
            cells[row] = f"{MeanSD.of(100 * group['correlation']).text()} ({decimal(ranks, 1)})"
        columns.append(Column(*REPRESENTATIONS[name], cells))
    caption = (
        "Mean absolute correlation, in percent, of each true latent with the coordinate of the representation that it "
        "is matched with: Pearson, with rank correlation in brackets. A rotation of the latents lowers it, so it can "
        "be 100 only where theory recovers the coordinates themselves: in the box, by Laplace or cubic densities. Of "
        "the runs of the table before; mean ± standard deviation over "
        f"{_seeds(rows)}. {AS_REPORTED} (Zimmermann et al. 2021, arXiv:2102.08850)."
    )
    columns += _published("mcc", own)
    return Layout("table_latent_recovery_mcc", "Recovered coordinates", caption, _titles(own), columns, head="Latents")


def latent_recovery_batch(setting: Setting, rows: pd.DataFrame) -> Layout:
    """One row per batch size: what training ends with, where the truth is known."""
    own = setting.latent_recovery
    sizes = sorted(set(rows["batch_size"]))
    known = rows["information"].dropna()
    truth = decimal(known.iloc[0], 2) if len(known) else NOTHING
    columns = [
        Column("log k", "nats", {str(k): decimal(math.log(k), 2) for k in sizes}),
        Column("truth", "nats", {str(k): truth for k in sizes}),
    ]
    for method in (name for name in LATENT_RECOVERY_METHODS if name in set(rows["method"])):
        groups = [(str(k), group) for k, group in rows[rows["method"] == method].groupby("batch_size")]
        title = representation_name(method)
        columns.append(Column(title, "R2, %", {k: MeanSD.of(100 * group["r2"]).text() for k, group in groups}))
        columns.append(
            Column("its bound", "nats", {k: MeanSD.of(group["bound"]).text(decimals=2) for k, group in groups})
        )
    steps = own.training_of(own.sweep.row).steps
    caption = (
        f"Of the row {full_title(own.rows[own.sweep.row])}: held-out R2 as above, and the mean of the bound over the "
        f"last steps of training, in nats, in batches of k pairs and {steps} steps each; a smaller batch sees fewer "
        "pairs. Truth is the information that the two views share. Mean ± standard deviation over "
        f"{_seeds(rows)}."
    )
    keys = [(str(k), str(k)) for k in sizes]
    return Layout("table_latent_recovery_batch", "Recovered latents by batch size", caption, keys, columns, head="k")


def content_style(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Two rows per setting of dependence: how much of content, and of style, each representation explains."""
    own = setting.content_isolation
    keys = [
        (f"{name},{latents}", f"{content_isolation_title(row)}: {latents}")
        for name, row in own.rows.items()
        for latents in LATENTS
    ]
    columns = []
    for name in CONTENT_ISOLATION_REPRESENTATIONS:
        cells = {}
        for (row, latents), group in rows[rows["representation"] == name].groupby(["row", "latents"]):
            linear = decimal(MeanSD.of(group["linear"]).mean, 2)
            cells[f"{row},{latents}"] = f"{MeanSD.of(group['kernel_ridge']).text(decimals=2)} ({linear})"
            if (name, latents) == ("oracle", "content"):
                cells[f"{row},{latents}"] = NOTHING  # content tells all of itself
        columns.append(Column(*REPRESENTATIONS[name], cells))
    published = {f"{name},{latents}": text for (name, latents), text in published_content(own.rows).items()}
    columns.append(Column("published", "InfoNCE", dict.fromkeys(dict(keys), NOTHING) | published))
    methods = ", ".join(representation_name(name) for name in CONTENT_ISOLATION_METHODS)
    caption = (
        f"Coefficient of determination of {quantity(own.content, 'content coordinate')} and of "
        f"{quantity(own.style, 'style coordinate')} from representations, on points that nothing was fitted to: kernel "
        f"ridge, with a linear map in brackets. Trained are {methods}, for {own.training.steps} steps in batches of "
        f"{own.training.batch_size} pairs. Content itself tells of style what depends on it: isolated content tells no "
        "more. The untrained encoder is InfoNCE's. Each coordinate of style changes with probability p. Mean ± "
        f"standard deviation over {_seeds(rows)}. {AS_REPORTED} (von Kuegelgen et al. 2021, arXiv:2106.04619)."
    )
    return Layout("table_content_style", "Isolated content", caption, keys, columns, head="Style: what is told")


def _by_row(rows: pd.DataFrame) -> list[tuple[str, list[tuple[str, pd.DataFrame]]]]:
    """(representation, its rows' groups by set-up), in the order of the columns."""
    return [
        (name, [(str(row), group) for row, group in rows[rows["representation"] == name].groupby("row", sort=False)])
        for name in LATENT_RECOVERY_REPRESENTATIONS
    ]


def _published(score: Literal["r2", "mcc"], own: LatentRecovery) -> list[Column]:
    found = published_latents(score, own.rows)
    cells = {name: {row: found.get(row, {}).get(name, NOTHING) for row in own.rows} for name in COLUMNS}
    return [Column("published", name, cells[name]) for name in COLUMNS] if found else []


def _titles(own: LatentRecovery) -> list[tuple[str, str]]:
    return [(name, full_title(row)) for name, row in own.rows.items()]


def _size(own: LatentRecovery) -> str:
    widths = ", ".join(map(str, own.network.hidden))
    return f"Hidden layers of {widths}; {steps_of(own)} steps in batches of {own.training.batch_size} pairs."


def _seeds(rows: pd.DataFrame) -> str:
    return quantity(rows["seed"].nunique(), "seed")
