"""What happens while the methods train: losses, and the two terms of the bound."""

import math
from typing import Any

import altair as alt
import pandas as pd

from entrec.methods.registry import METHODS
from entrec.params import Study
from entrec.report.collect import DIAGNOSTICS, DISCRETE, FACTS, Frames
from entrec.report.palette import colour as colour_of
from entrec.report.theme import INK, WIDTH, method_scales, styled


def losses(study: Study, frames: Frames) -> pd.DataFrame:
    """Loss by epoch of every run of the main column."""
    return frames.histories.dropna(subset=["loss"])[[*FACTS, "run", "step", "epoch", "loss"]]


def information(study: Study, frames: Frames) -> pd.DataFrame:
    """Entropy, reconstruction and bound in nats by method and step, means over the seeds of the main column."""
    return _means(frames, DIAGNOSTICS)


def discrete_information(study: Study, frames: Frames) -> pd.DataFrame:
    """The same of the discrete quantities, for the methods that have them."""
    return _means(frames, DISCRETE)


def _means(frames: Frames, quantities: list[str]) -> pd.DataFrame:
    measured = frames.histories.dropna(subset=quantities)
    groups = measured.groupby(["method", "title", "step"], sort=False)
    return groups.agg(
        epoch=("epoch", "mean"),
        **{name: (name, "mean") for name in quantities},
        n=(quantities[0], "count"),
    ).reset_index()


def draw_losses(study: Study, data: pd.DataFrame) -> Any:
    """Small multiples: one panel per method, each with its own scale."""
    methods = _present(study, data)
    panels = [
        _loss_panel(data[data["method"] == method], method, labelled=i >= len(methods) - 2)
        for i, method in enumerate(methods)
    ]
    return styled(alt.concat(*panels, columns=2, spacing={"row": 12, "column": 20}))


def _loss_panel(data: pd.DataFrame, method: str, *, labelled: bool) -> Any:
    """Only the lowest panel of a column is `labelled` with epochs, which all panels share."""
    x_axis = alt.Axis(tickCount=4, grid=False, labels=labelled)
    y_axis = alt.Axis(tickCount=3, minExtent=26)
    return (
        alt.Chart(data)
        .mark_line(strokeWidth=1.5, opacity=0.85, color=colour_of(method))
        .encode(
            alt.X("epoch:Q", title="epoch" if labelled else None, axis=x_axis),
            alt.Y("loss:Q", title=None, scale=alt.Scale(zero=False), axis=y_axis),
            alt.Detail("seed:N"),
        )
        .properties(width=WIDTH / 2 - 46, height=84, title=METHODS[method].title)
    )


def draw_over_training(study: Study, data: pd.DataFrame) -> Any:
    """Three panels, one above the other, over epochs."""
    return _panels(study, data, DIAGNOSTICS)


def draw_discrete(study: Study, data: pd.DataFrame) -> Any:
    """Two panels, one above the other, over epochs."""
    words = {name: name.replace("_", " ") for name in DISCRETE}
    return _panels(study, data.rename(columns=words), list(words.values()))


def _panels(study: Study, data: pd.DataFrame, quantities: list[str]) -> Any:
    colour, _ = method_scales(_present(study, data))
    long = data.melt(id_vars=["title", "epoch"], value_vars=quantities, var_name="quantity", value_name="nats")
    panel = (
        alt.Chart(long)
        .mark_line(strokeWidth=1.75)
        .encode(
            alt.X("epoch:Q", title="epoch", axis=alt.Axis(grid=False, tickCount=5)),
            alt.Y("nats:Q", title="nats", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
            colour,
        )
        .properties(width=WIDTH - 56, height=110)
    )
    facet = alt.Facet("quantity:N", title=None, sort=quantities)
    return styled(panel.facet(facet, columns=1, spacing=10).resolve_scale(y="independent"))


def draw_plane(study: Study, data: pd.DataFrame) -> Any:
    """Paths of the methods from their first to their last measurement, over lines of constant bound."""
    colour, shape = method_scales(_present(study, data))
    domains = {name: _padded(data[name]) for name in ("reconstruction", "entropy")}
    x = alt.X(
        "reconstruction:Q",
        title="reconstruction, nats",
        scale=alt.Scale(domain=domains["reconstruction"], nice=False),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    y = alt.Y(
        "entropy:Q",
        title="entropy, nats",
        scale=alt.Scale(domain=domains["entropy"], nice=False),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    ends = data.sort_values("step").groupby("method", sort=False)
    layers = [
        *_isolines(domains["reconstruction"], domains["entropy"], x, y),
        alt.Chart(data).mark_line(strokeWidth=1.75).encode(x, y, colour, order="step:Q"),
        alt.Chart(ends.head(1)).mark_point(size=45, filled=False, opacity=1).encode(x, y, colour, shape),
        alt.Chart(ends.tail(1)).mark_point(size=80, filled=True, opacity=1).encode(x, y, colour, shape),
    ]
    return styled(alt.layer(*layers).properties(width=WIDTH - 56, height=300))


def _isolines(across: list[float], up: list[float], x: alt.X, y: alt.Y) -> list[Any]:
    """Lines entropy + reconstruction = constant, cut at the frame; each is named at its upper end."""
    low, high = across[0] + up[0], across[1] + up[1]
    step = _round_step((high - low) / 6)
    rows = []
    for k in range(math.ceil(low / step), math.floor(high / step) + 1):
        bound = k * step
        left, right = max(across[0], bound - up[1]), min(across[1], bound - up[0])
        if right - left > (across[1] - across[0]) / 8:  # the corners' stubs would only clutter
            label = f"bound {bound:.3g}".replace("-", "−")
            rows += [
                {"reconstruction": r, "entropy": bound - r, "bound": bound, "label": label, "first": r == left}
                for r in (left, right)
            ]
    if not rows:
        return []
    data = pd.DataFrame(rows)
    lines = alt.Chart(data).mark_line(strokeDash=[1, 4], strokeWidth=1.25, color=INK, opacity=0.55)
    names = alt.Chart(data[data["first"]]).mark_text(align="left", dx=5, dy=9, color=INK, opacity=0.7)
    return [lines.encode(x, y, detail="bound:N"), names.encode(x, y, text="label:N")]


def _padded(values: pd.Series) -> list[float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.06 * (high - low) or 0.5
    return [low - margin, high + margin]


def _round_step(width: float) -> float:
    """The next of 1, 2, 5 times a power of ten above `width`."""
    power = float(10 ** math.floor(math.log10(width)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width)


def _present(study: Study, data: pd.DataFrame) -> list[str]:
    return [method for method in study.methods if method in set(data["method"])]
