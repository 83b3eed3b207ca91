"""What happens while the methods train: their losses, and the two terms of the bound."""

from typing import Any

import altair as alt
import pandas as pd

from entrec.methods.registry import METHODS
from entrec.report.theme import WIDTH, multiples, styled
from entrec.report.vision.frames import FACTS, Frames
from entrec.report.vision.isolines import Frame, isolines
from entrec.report.vision.palette import marks_of, method_scales
from entrec.study import Study

PLANE_WIDTH, PLANE_HEIGHT = WIDTH - 56, 300
POINTS = 150  # of a line in a small panel, which has no more pixels


def losses(study: Study, frames: Frames) -> pd.DataFrame:
    """Return the loss by epoch of every run of the headline setting, with at most `POINTS` rows per run."""
    logged = frames.histories.dropna(subset=["loss"])[[*FACTS, "run", "step", "epoch", "loss"]]
    place = logged.groupby("run").cumcount()
    every = logged.groupby("run")["step"].transform("size").floordiv(POINTS) + 1
    return logged[place % every == 0]


def means(quantities: tuple[str, ...], study: Study, frames: Frames) -> pd.DataFrame:
    """Return quantities by method and step, in the mean over the seeds of the headline setting."""
    measured = frames.histories.dropna(subset=list(quantities))
    groups = measured.groupby(["method", "title", "step"], sort=False)
    return groups.agg(
        epoch=("epoch", "mean"),
        **{name: (name, "mean") for name in quantities},
        n=(quantities[0], "count"),
    ).reset_index()


def draw_losses(study: Study, data: pd.DataFrame) -> Any:
    """Draw one panel per method, each with its own scale."""
    marks = marks_of(study.methods)

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        method = rows["method"].iloc[0]
        x_axis = alt.Axis(tickCount=4, grid=False, labels=labelled)
        x = alt.X("epoch:Q", title="epoch" if labelled else None, axis=x_axis)
        y_axis = alt.Axis(tickCount=3, minExtent=26)
        y = alt.Y("loss:Q", title=None, scale=alt.Scale(zero=False), axis=y_axis)
        lines = alt.Chart(rows).mark_line(strokeWidth=1.5, opacity=0.85, color=marks[method][0])
        drawn = lines.encode(x, y, alt.Detail("seed:N"))
        return drawn.properties(width=WIDTH / 2 - 46, height=84, title=METHODS[method].title)

    return multiples(data, "method", panel)


def draw_over_training(names: tuple[str, ...], unit: str | None, study: Study, data: pd.DataFrame) -> Any:
    """Draw one panel per quantity over epochs, one above the other, all with the axis title `unit`."""
    colour, _ = method_scales(study, data)
    quantities = [name.replace("_", " ") for name in names]
    renamed = data.rename(columns=dict(zip(names, quantities, strict=True)))
    long = renamed.melt(id_vars=["title", "epoch"], value_vars=quantities, var_name="quantity", value_name="value")
    panel = (
        alt.Chart(long)
        .mark_line(strokeWidth=1.75)
        .encode(
            alt.X("epoch:Q", title="epoch", axis=alt.Axis(grid=False, tickCount=5)),
            alt.Y("value:Q", title=unit, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
            colour,
        )
        .properties(width=WIDTH - 56, height=110)
    )
    facet = alt.Facet("quantity:N", title=None, sort=quantities)
    return styled(panel.facet(facet, columns=1, spacing=10).resolve_scale(y="independent"))


def draw_plane(study: Study, data: pd.DataFrame) -> Any:
    """Draw the methods' paths from the first to the last measurement, over lines of constant bound."""
    colour, shape = method_scales(study, data)
    frame = Frame(_padded(data["reconstruction"]), _padded(data["entropy"]), PLANE_WIDTH, PLANE_HEIGHT)
    x, y = _nats_axis(alt.X, "reconstruction", frame.reconstruction), _nats_axis(alt.Y, "entropy", frame.entropy)
    ends = data.sort_values("step").groupby("method", sort=False)
    layers = [
        *isolines(frame, [path.sort_values("step") for _, path in data.groupby("method")], x, y),
        alt.Chart(data).mark_line(strokeWidth=1.75).encode(x, y, colour, order="step:Q"),
        alt.Chart(ends.head(1)).mark_point(size=45, filled=False, opacity=1).encode(x, y, colour, shape),
        alt.Chart(ends.tail(1)).mark_point(size=80, filled=True, opacity=1).encode(x, y, colour, shape),
    ]
    return styled(alt.layer(*layers).properties(width=PLANE_WIDTH, height=PLANE_HEIGHT))


def _nats_axis(channel: Any, quantity: str, domain: tuple[float, float]) -> Any:
    return channel(
        f"{quantity}:Q",
        title=f"{quantity}, nats",
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(grid=False, tickCount=5),
    )


def _padded(values: pd.Series) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin
