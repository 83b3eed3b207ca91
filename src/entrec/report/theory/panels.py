"""The shared parts of the theory page's figures: colours, and the axes and layers of a panel."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from entrec.report.theme import GREY, INK, WIDTH, scales

PANEL = WIDTH / 2 - 42  # the width of a panel
# the colour and the shape of bounds, estimators and objectives
MARKS = {
    "entrec_resubstitution": ("#d55e00", "diamond"),
    "entrec_leave_one_out": ("#e69f00", "triangle-up"),
    "entrec_discrete": ("#009e73", "cross"),
    "info_nce": ("#0072b2", "circle"),
    "nearest_neighbours": ("#8c6bb1", "square"),
    "supervised": (GREY, "square"),
}


def titled(data: pd.DataFrame, column: str, entries: Mapping[str, Any]) -> tuple[pd.DataFrame, alt.Color, alt.Shape]:
    """Return `data` with the titles of the registry's `entries` that `column` names, and their colours and shapes."""
    titles = {name: str(entries[name].title) for name in data[column].unique()}
    marks = {title: MARKS[name] for name, title in titles.items()}
    return data.assign(title=data[column].map(titles)), *scales("title", marks, columns=2, gap=28)


def shared_x(column: str, title: str, labelled: bool, *, values: Sequence[float], scale: Any = alt.Undefined) -> Any:
    """Return the horizontal axis that the panels of a column share, with ticks at `values`."""
    axis = alt.Axis(values=values, format="d", grid=False, labels=labelled)
    return alt.X(f"{column}:Q", title=title if labelled else None, scale=scale, axis=axis)


def samples_x(samples: pd.Series, labelled: bool) -> Any:
    """Return a logarithmic axis of numbers of samples, of which at most four are written."""
    values = sorted(set(samples))
    scale = alt.Scale(type="log", base=2, nice=False, padding=6)
    return shared_x(str(samples.name), "k", labelled, values=values[:: max(1, math.ceil(len(values) / 4))], scale=scale)


def nats_axis() -> Any:
    """Return an axis of few ticks with room for numbers of any length."""
    return alt.Axis(tickCount=4, minExtent=26)


def means(rows: pd.DataFrame, x: Any, y: Any, colour: Any, shape: Any, *, size: int) -> list[Any]:
    """Return layers of lines and points of the means, with bars from `low` to `high`."""
    chart = alt.Chart(rows)
    return [
        chart.mark_rule(clip=True).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), color=colour),
        chart.mark_line(clip=True, strokeWidth=1.5).encode(x, y, color=colour),
        chart.mark_point(clip=True, filled=True, size=size, opacity=1).encode(x, y, color=colour, shape=shape),
    ]


def level(rows: pd.DataFrame, column: str) -> Any:
    """Return a solid line across the panel at the first value of `column`."""
    return alt.Chart(rows.head(1)).mark_rule(color=INK, opacity=0.8).encode(alt.Y(f"{column}:Q"))


def log_of(samples: pd.Series, x: Any) -> Any:
    """Return a dotted line at log k for the numbers of samples k."""
    caps = pd.DataFrame({samples.name: sorted(set(samples))}).assign(cap=lambda f: f[samples.name].map(math.log))
    return alt.Chart(caps).mark_line(clip=True, strokeDash=[1, 3], color=INK, opacity=0.8).encode(x, alt.Y("cap:Q"))
