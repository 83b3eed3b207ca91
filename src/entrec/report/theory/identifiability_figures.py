"""How the figures of recovered latents and of isolated content are drawn."""

import math
from functools import partial
from typing import Any

import altair as alt
import pandas as pd

from entrec.report.palette import (
    LATENT_COLOURS,
    LATENT_SHAPES,
    RECOVERY_COLOURS,
    RECOVERY_SHAPES,
)
from entrec.report.theme import INK, WIDTH, styled
from entrec.report.theory.names import (
    CONTENT_ISOLATION_REPRESENTATIONS,
    content_isolation_title,
    latent_recovery_detail,
    latent_recovery_title,
    representation_name,
)
from entrec.report.theory.panels import PANEL, multiples, nats_axis, samples_axis
from entrec.theory.settings.identifiability import LatentRecoveryRow, Space
from entrec.theory.study import Setting

NAMES = 148  # of representations, left of a panel
REACHES: dict[Space, tuple[float, float]] = {"sphere": (-1, 1), "box": (0, 1), "unbounded": (-3, 3)}


def draw_scatter(setting: Setting, data: pd.DataFrame) -> Any:
    """One panel per row: recovered against true latents, and where they would be equal."""
    own = setting.latent_recovery

    def panel(row: str, labelled: bool) -> Any:
        points = data[data["row"] == row]
        reach = REACHES[own.rows[row].space]
        scale = alt.Scale(domain=reach, nice=False)
        axis = alt.Axis(values=[reach[0], sum(reach) / 2, reach[1]], minExtent=26)
        x = alt.X("true:Q", title="true" if labelled else None, scale=scale, axis=axis)
        y = alt.Y("recovered:Q", title=None, scale=scale, axis=axis)
        colour = RECOVERY_COLOURS[points["method"].iloc[0]]
        equal = alt.Chart(pd.DataFrame({"true": reach, "recovered": reach}))
        layers = [
            alt.Chart(points).mark_circle(clip=True, color=colour, size=7, opacity=0.6).encode(x, y),
            equal.mark_line(color=INK, strokeWidth=1, opacity=0.8).encode(x, y),
        ]
        return alt.layer(*layers).properties(width=PANEL, height=PANEL, title=_title(own.rows[row]))

    return multiples([partial(panel, row) for row in dict.fromkeys(data["row"])])


def draw_training(setting: Setting, data: pd.DataFrame) -> Any:
    """One panel per row: held-out R2 while encoders train, a line per method and seed."""
    own = setting.latent_recovery
    data = data.assign(title=data["method"].map(representation_name), percent=100 * data["r2"])
    colour, _ = _methods(list(dict.fromkeys(data["method"])))
    ends = [0, max(own.training_of(row).steps for row in own.rows)]
    reach = alt.Scale(domain=ends, nice=False)
    low = max(0.0, float(data["percent"].min()) - 2)

    def panel(row: str, labelled: bool) -> Any:
        axis = alt.Axis(values=ends, grid=False, labels=labelled, format="d")
        x = alt.X("step:Q", title="step" if labelled else None, scale=reach, axis=axis)
        y = alt.Y("percent:Q", title=None, scale=alt.Scale(domain=[low, 100], nice=False), axis=nats_axis())
        lines = alt.Chart(data[data["row"] == row]).mark_line(clip=True, strokeWidth=1.25, opacity=0.9)
        chart = lines.encode(x, y, colour, detail="seed:N")
        return chart.properties(width=PANEL, height=92, title=_title(own.rows[row]))

    return multiples([partial(panel, row) for row in dict.fromkeys(data["row"])])


def draw_batch(setting: Setting, data: pd.DataFrame) -> Any:
    """R2 and bound against the batch size; beside the bound the truth, and log k, that caps some bounds."""
    data = data.assign(title=data["method"].map(representation_name))
    colour, shape = _methods(list(dict.fromkeys(data["method"])))

    def panel(quantity: str, title: str, scale: float, labelled: bool) -> Any:
        rows = data[data["quantity"] == quantity]
        rows = rows.assign(**{name: scale * rows[name] for name in ("mean", "low", "high")})
        x = samples_axis(rows["batch_size"], labelled)
        y = alt.Y("mean:Q", title=None, scale=alt.Scale(zero=False, padding=6), axis=nats_axis())
        layers = [
            alt.Chart(rows).mark_rule().encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), color=colour),
            alt.Chart(rows).mark_line(strokeWidth=1.5).encode(x, y, color=colour),
            alt.Chart(rows).mark_point(filled=True, size=34, opacity=1).encode(x, y, color=colour, shape=shape),
        ]
        return alt.layer(*(levels(rows, x) if quantity == "bound" else []), *layers).properties(
            width=PANEL, height=130, title=title
        )

    def levels(rows: pd.DataFrame, x: alt.X) -> list[Any]:
        sizes = sorted(set(rows["batch_size"]))
        caps = pd.DataFrame({"batch_size": sizes, "cap": [math.log(k) for k in sizes]})
        dotted = alt.Chart(caps).mark_line(strokeDash=[1, 3], color=INK, opacity=0.8)
        known = rows.dropna(subset=["information"]).head(1)
        truth = alt.Chart(known).mark_rule(color=INK, opacity=0.8).encode(alt.Y("information:Q"))
        return [truth, dotted.encode(x, alt.Y("cap:Q"))]

    return multiples([partial(panel, "r2", "R², %", 100), partial(panel, "bound", "bound, nats", 1)])


def draw_content_style(setting: Setting, data: pd.DataFrame) -> Any:
    """One panel per row: what each representation tells of content and of style."""
    own = setting.content_isolation
    names = [representation_name(name) for name in CONTENT_ISOLATION_REPRESENTATIONS]
    data = data.assign(title=data["representation"].map(representation_name))
    legend = alt.Legend(title=None, orient="bottom", symbolSize=60)
    colours, shapes = (alt.Scale(domain=list(of), range=list(of.values())) for of in (LATENT_COLOURS, LATENT_SHAPES))
    colour = alt.Color("latents:N", scale=colours, legend=legend)
    shape = alt.Shape("latents:N", scale=shapes, legend=legend)
    low = min(0.0, float(data["low"].min()))

    def panel(row: str, labelled: bool) -> Any:
        rows = data[data["row"] == row]
        scale = alt.Scale(domain=[low, 1], nice=False, padding=4)
        x = alt.X("mean:Q", title="R²" if labelled else None, scale=scale, axis=alt.Axis(tickCount=5, labels=labelled))
        y = alt.Y("title:N", title=None, sort=names, axis=alt.Axis(minExtent=NAMES, labelLimit=0, grid=True))
        layers = [
            alt.Chart(rows).mark_rule(clip=True).encode(alt.X("low:Q"), alt.X2("high:Q"), y, color=colour),
            alt.Chart(rows).mark_point(clip=True, filled=True, size=44, opacity=1).encode(x, y, colour, shape),
        ]
        height = {"step": 16}
        return alt.layer(*layers).properties(
            width=WIDTH - NAMES - 20, height=height, title=content_isolation_title(own.rows[row])
        )

    rows = list(dict.fromkeys(data["row"]))
    return styled(alt.vconcat(*(panel(row, row == rows[-1]) for row in rows), spacing=12))


def _methods(methods: list[str]) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of methods by the column `title`, with one legend under the chart."""
    titles = [representation_name(method) for method in methods]
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolSize=60, labelLimit=0, columnPadding=28)
    colours, shapes = (
        alt.Scale(domain=titles, range=[of[method] for method in methods]) for of in (RECOVERY_COLOURS, RECOVERY_SHAPES)
    )
    return alt.Color("title:N", scale=colours, legend=legend), alt.Shape("title:N", scale=shapes, legend=legend)


def _title(row: LatentRecoveryRow) -> alt.Title:
    return alt.Title(latent_recovery_title(row), subtitle=latent_recovery_detail(row), subtitleColor=INK)
