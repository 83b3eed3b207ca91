"""The tables of latent recovery (claim C2) and of content isolation (claim C3)."""

import math
from typing import Literal

import pandas as pd

from entrec.report.mean_sd import NOTHING, decimal, mean_sds
from entrec.report.table import Column, Layout
from entrec.report.theory.names import (
    LATENTS,
    content_isolation_title,
    full_title,
    hidden_of,
    quantity,
    steps_of,
)
from entrec.report.theory.published import COLUMNS, published_content, published_latents
from entrec.theory.registry import (
    CONTENT_ISOLATION,
    ISOLATION_REPRESENTATIONS,
    LATENT_RECOVERY,
    RECOVERY_REPRESENTATIONS,
)
from entrec.theory.settings.identifiability import LatentRecovery
from entrec.theory.study import Setting

AS_REPORTED = "Published values are copied as reported, for networks and runs of the original’s size"


def latent_recovery(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Lay out one row per set-up: how much of the true latents each representation explains."""
    own = setting.latent_recovery
    r2 = mean_sds(rows, ["representation", "row"], "r2", scale=100)
    columns = [
        Column(title.title, title.detail, {row: r2[name, row].text() for row in own.rows})
        for name, title in RECOVERY_REPRESENTATIONS.items()
    ]
    caption = (
        f"Coefficient of determination (R²), in percent, of a linear map from representations to the {own.dimension} "
        "true latents, on points that the map was not fitted to. Each row names the space of the latents and the "
        "density of the pairs; the objectives assume the same density unless the row says otherwise. Encoders have "
        f"hidden layers of {hidden_of(own)} units and are trained for {steps_of(own)} steps in batches of "
        f"{own.training.batch_size} pairs. Mean ± standard deviation over {_seeds(rows)}. {AS_REPORTED} (Zimmermann et "
        "al. 2021, arXiv:2102.08850), and are scored on the points that the map was fitted to; there, unsupervised "
        "means InfoNCE."
    )
    columns += _published("r2", own)
    return caption, _titles(own), columns


def latent_recovery_mcc(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Lay out one row per set-up: how each true coordinate correlates with the one that it is matched with."""
    own = setting.latent_recovery
    pearson, ranks = (
        mean_sds(rows, ["representation", "row"], kind, scale=100) for kind in ("correlation", "rank_correlation")
    )
    columns = []
    for name, title in RECOVERY_REPRESENTATIONS.items():
        cells = {row: f"{pearson[name, row].text()} ({decimal(ranks[name, row].mean, 1)})" for row in own.rows}
        columns.append(Column(title.title, title.detail, cells))
    caption = (
        "Mean absolute correlation, in percent, between each true latent and the coordinate of the representation that "
        "it is matched with: Pearson correlation, with rank correlation in brackets. A rotation of the latents lowers "
        "it, so it can reach 100 only where the theory recovers the coordinates themselves: in the box, with Laplace "
        "or cubic densities. The runs are those of the previous table; mean ± standard deviation over "
        f"{_seeds(rows)}. {AS_REPORTED} (Zimmermann et al. 2021, arXiv:2102.08850)."
    )
    columns += _published("mcc", own)
    return caption, _titles(own), columns


def latent_recovery_batch(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Lay out one row per batch size: R2 and bound at the end of training, beside the truth where it is known."""
    own = setting.latent_recovery
    sizes = {str(k): k for k in sorted(set(rows["batch_size"]))}
    known = rows["information"].dropna()
    truth = decimal(known.iloc[0], 2) if len(known) else NOTHING
    columns = [
        Column("log k", "nats", {key: decimal(math.log(k), 2) for key, k in sizes.items()}),
        Column("truth", "nats", dict.fromkeys(sizes, truth)),
    ]
    r2 = mean_sds(rows, ["method", "batch_size"], "r2", scale=100)
    bound = mean_sds(rows, ["method", "batch_size"], "bound")
    for name in rows["method"].unique():
        title = str(LATENT_RECOVERY[name].title)
        columns.append(Column(title, "R², %", {key: r2[name, k].text() for key, k in sizes.items()}))
        bounds = {key: bound[name, k].text(decimals=2) for key, k in sizes.items()}
        columns.append(Column("its bound", "nats", bounds))
    row = own.sweep.row
    caption = (
        f"Held-out R², measured as above, in the row {full_title(own.rows[row])}, and the mean of the bound over the "
        f"last steps of training, in nats. Batches have k pairs, and each run has {own.training_of(row).steps} steps, "
        "so smaller batches see fewer pairs in total. The truth is the information that the two views share. Mean ± "
        f"standard deviation over {_seeds(rows)}."
    )
    keys = [(key, key) for key in sizes]
    return caption, keys, columns


def content_style(setting: Setting, rows: pd.DataFrame) -> Layout:
    """Lay out two rows per dependence: how much of content, and of style, each representation explains."""
    own = setting.content_isolation
    pairs = {f"{row},{latents}": (row, latents) for row in own.rows for latents in LATENTS}
    keys = [(key, f"{content_isolation_title(own.rows[row])}: {latents}") for key, (row, latents) in pairs.items()]
    by = ["representation", "row", "latents"]
    ridge, linear = mean_sds(rows, by, "kernel_ridge"), mean_sds(rows, by, "linear")
    columns = []
    for name, title in ISOLATION_REPRESENTATIONS.items():
        cells = {
            key: f"{ridge[name, *pair].text(decimals=2)} ({decimal(linear[name, *pair].mean, 2)})"
            for key, pair in pairs.items()
            if (name, pair[1]) != ("oracle", "content")  # content explains all of itself
        }
        columns.append(Column(title.title, title.detail, dict.fromkeys(pairs, NOTHING) | cells))
    published = {f"{name},{latents}": text for (name, latents), text in published_content(own.rows).items()}
    columns.append(Column("published", "InfoNCE", dict.fromkeys(pairs, NOTHING) | published))
    methods = ", ".join(str(one.title) for one in CONTENT_ISOLATION.values())
    caption = (
        f"Coefficient of determination (R²) of {quantity(own.content, 'content coordinate')} and of "
        f"{quantity(own.style, 'style coordinate')}, predicted from representations by kernel ridge (in brackets: by a "
        f"linear map) on points that nothing was fitted to. {methods} are trained for {own.training.steps} steps in "
        f"batches of {own.training.batch_size} pairs. Content itself explains the part of style that depends on it, "
        "and isolated content explains no more. The untrained encoder is that of InfoNCE. Each coordinate of style "
        f"changes with probability p. Mean ± standard deviation over {_seeds(rows)}. {AS_REPORTED} (von Kuegelgen et "
        "al. 2021, arXiv:2106.04619)."
    )
    return caption, keys, columns


def _published(score: Literal["r2", "mcc"], own: LatentRecovery) -> list[Column]:
    found = published_latents(score, own.rows)
    cells = {name: {row: found.get(row, {}).get(name, NOTHING) for row in own.rows} for name in COLUMNS}
    return [Column("published", name, cells[name]) for name in COLUMNS] if found else []


def _titles(own: LatentRecovery) -> list[tuple[str, str]]:
    return [(name, full_title(row)) for name, row in own.rows.items()]


def _seeds(rows: pd.DataFrame) -> str:
    return quantity(rows["seed"].nunique(), "seed")
