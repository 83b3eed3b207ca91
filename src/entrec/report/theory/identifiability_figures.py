"""The figures of latent recovery (claim C2) and of content isolation (claim C3)."""

from typing import Any

import altair as alt
import pandas as pd

from entrec.report.theme import INK, WIDTH, multiples, scales, styled
from entrec.report.theory.names import content_isolation_title, latent_recovery_detail, latent_recovery_title
from entrec.report.theory.panels import (
    MARKS,
    PANEL,
    level,
    log_of,
    means,
    nats_axis,
    samples_x,
    shared_x,
    titled,
)
from entrec.theory.registry import ISOLATION_REPRESENTATIONS, LATENT_RECOVERY
from entrec.theory.settings.identifiability import LatentRecoveryRow, Space
from entrec.theory.study import Setting

NAMES = 148  # the width of the representations' names, left of a panel
REACHES: dict[Space, tuple[float, float]] = {"sphere": (-1, 1), "box": (0, 1), "unbounded": (-3, 3)}
LATENT_MARKS = {"content": ("#0072b2", "circle"), "style": ("#d55e00", "diamond")}
BATCH_PANELS = {"r2": ("R², %", 100), "bound": ("bound, nats", 1)}  # title and scale by quantity


def draw_scatter(setting: Setting, data: pd.DataFrame) -> Any:
    """Draw one panel per row: recovered against true latents, and the line on which they are equal."""
    rows = setting.latent_recovery.rows

    def panel(points: pd.DataFrame, labelled: bool) -> Any:
        row, method = rows[points["row"].iloc[0]], points["method"].iloc[0]
        low, high = REACHES[row.space]
        scale = alt.Scale(domain=[low, high], nice=False)
        axis = alt.Axis(values=[low, (low + high) / 2, high], minExtent=26)
        x = alt.X("true:Q", title="true" if labelled else None, scale=scale, axis=axis)
        y = alt.Y("recovered:Q", title=None, scale=scale, axis=axis)
        equal = alt.Chart(pd.DataFrame({"true": [low, high], "recovered": [low, high]}))
        layers = [
            alt.Chart(points).mark_circle(clip=True, color=MARKS[method][0], size=7, opacity=0.6).encode(x, y),
            equal.mark_line(color=INK, strokeWidth=1, opacity=0.8).encode(x, y),
        ]
        return alt.layer(*layers).properties(width=PANEL, height=PANEL, title=_title(row))

    return multiples(data, "row", panel)


def draw_training(setting: Setting, data: pd.DataFrame) -> Any:
    """Draw one panel per row: held-out R2 during training, with one line per method and seed."""
    own = setting.latent_recovery
    data, colour, _ = titled(data, "method", LATENT_RECOVERY)
    ends = [0, max(own.training_of(row).steps for row in own.rows)]
    low = max(0.0, 100 * float(data["r2"].min()) - 2)
    y = alt.Y("percent:Q", title=None, scale=alt.Scale(domain=[low, 100], nice=False), axis=nats_axis())

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        x = shared_x("step", "step", labelled, values=ends, scale=alt.Scale(domain=ends, nice=False))
        lines = alt.Chart(rows).mark_line(clip=True, strokeWidth=1.25, opacity=0.9)
        title = _title(own.rows[rows["row"].iloc[0]])
        return lines.encode(x, y, colour, detail="seed:N").properties(width=PANEL, height=92, title=title)

    return multiples(data.assign(percent=100 * data["r2"]), "row", panel)


def draw_batch(setting: Setting, data: pd.DataFrame) -> Any:
    """Draw R2 and the bound against the batch size; beside the bound, the truth and log k, which caps some bounds."""
    data, colour, shape = titled(data, "method", LATENT_RECOVERY)

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        quantity = rows["quantity"].iloc[0]
        title, scale = BATCH_PANELS[quantity]
        rows = rows.assign(**{name: scale * rows[name] for name in ("mean", "low", "high")})
        x = samples_x(rows["batch_size"], labelled)
        y = alt.Y("mean:Q", title=None, scale=alt.Scale(zero=False, padding=6), axis=nats_axis())
        lines = [level(rows.dropna(subset=["information"]), "information"), log_of(rows["batch_size"], x)]
        layers = [*(lines if quantity == "bound" else []), *means(rows, x, y, colour, shape, size=34)]
        return alt.layer(*layers).properties(width=PANEL, height=130, title=title)

    return multiples(data, "quantity", panel)


def draw_content_style(setting: Setting, data: pd.DataFrame) -> Any:
    """Draw one panel per row: how much of content and of style each representation explains."""
    titles = {name: str(title) for name, title in ISOLATION_REPRESENTATIONS.items()}
    colour, shape = scales("latents", LATENT_MARKS)
    low = min(0.0, float(data["low"].min()))
    y = alt.Y(
        "title:N", title=None, sort=list(titles.values()), axis=alt.Axis(minExtent=NAMES, labelLimit=0, grid=True)
    )

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        scale = alt.Scale(domain=[low, 1], nice=False, padding=4)
        axis = alt.Axis(tickCount=5, labels=labelled)
        x = alt.X("mean:Q", title="R²" if labelled else None, scale=scale, axis=axis)
        layers = [
            alt.Chart(rows).mark_rule(clip=True).encode(alt.X("low:Q"), alt.X2("high:Q"), y, color=colour),
            alt.Chart(rows).mark_point(clip=True, filled=True, size=44, opacity=1).encode(x, y, colour, shape),
        ]
        title = content_isolation_title(setting.content_isolation.rows[rows["row"].iloc[0]])
        return alt.layer(*layers).properties(width=WIDTH - NAMES - 20, height={"step": 16}, title=title)

    groups = [rows for _, rows in data.assign(title=data["representation"].map(titles)).groupby("row", sort=False)]
    return styled(alt.vconcat(*(panel(rows, rows is groups[-1]) for rows in groups), spacing=12))


def _title(row: LatentRecoveryRow) -> Any:
    return alt.Title(latent_recovery_title(row), subtitle=latent_recovery_detail(row), subtitleColor=INK)
