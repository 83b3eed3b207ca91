"""What the small multiples of the theory page share: two columns of panels, their axes and rules."""

import math
from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from entrec.report.theme import INK, WIDTH, styled

PANEL = WIDTH / 2 - 42
Panel = Callable[[bool], Any]  # labelled with the axis that its column shares, or not


def multiples(panels: list[Panel]) -> Any:
    """Two columns; only the lowest panel of each names what its column shares."""
    drawn = [panel(i >= len(panels) - 2) for i, panel in enumerate(panels)]
    return styled(alt.concat(*drawn, columns=2, spacing={"row": 12, "column": 20}))


def nats_axis() -> alt.Axis:
    """A few ticks, and room for numbers of any length."""
    return alt.Axis(tickCount=4, minExtent=26)


def samples_axis(samples: pd.Series, labelled: bool) -> alt.X:
    """The numbers of samples in a column of that name, on a logarithmic axis, every other one written."""
    values = sorted(set(samples))
    step = max(1, math.ceil(len(values) / 4))
    axis = alt.Axis(values=values[::step], format="d", grid=False, labels=labelled)
    return alt.X(
        f"{samples.name}:Q",
        title="k" if labelled else None,
        scale=alt.Scale(type="log", base=2, nice=False, padding=6),
        axis=axis,
    )


def dotted_rule(data: pd.DataFrame, y: str) -> Any:
    """A level at the column `y`."""
    return (
        alt.Chart(data).mark_rule(strokeDash=[1, 3], strokeWidth=1.25, color=INK, opacity=0.8).encode(alt.Y(f"{y}:Q"))
    )


def rule_name(data: pd.DataFrame, x: str, y: str) -> Any:
    """The column `text`, written on a level."""
    marks = alt.Chart(data).mark_text(align="left", dx=3, dy=-7, fontSize=11, color=INK, opacity=0.9)
    return marks.encode(alt.X(f"{x}:Q"), alt.Y(f"{y}:Q"), text="text:N")
