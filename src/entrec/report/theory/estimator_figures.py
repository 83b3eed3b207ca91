"""The figures of the estimator study (claim C8)."""

import math
from typing import Any

import altair as alt
import pandas as pd

from entrec.report.theme import INK, multiples, scales
from entrec.report.theory.names import case_title, number
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
from entrec.theory.registry import BOUNDS, ENTROPY_ESTIMATORS, SPHERE_ESTIMATORS
from entrec.theory.study import Setting

ERROR_MARKS = {
    "squared bias": ("#d55e00", "diamond"),
    "variance": ("#0072b2", "circle"),
    "mean squared error": ("#8c6bb1", "square"),
}


def draw_gaussian(setting: Setting, data: pd.DataFrame) -> Any:
    """Draw one panel per bound: blocks of training steps, the truth as stairs, and log k where it caps the bound."""
    settings = setting.estimators.gaussian
    top, total = 1.3 * max(settings.information), settings.steps * len(settings.information)
    y = alt.Y("mean:Q", title=None, scale=alt.Scale(domain=[-0.1 * top, top], nice=False), axis=nats_axis())
    ends = [(settings.steps * (i + end), truth) for i, truth in enumerate(settings.information) for end in (0, 1)]
    truths = alt.Chart(pd.DataFrame(ends, columns=["step", "truth"]))
    stairs = truths.mark_line(color=INK, strokeWidth=1, opacity=0.8).encode(alt.X("step:Q"), alt.Y("truth:Q"))

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        name = rows["bound"].iloc[0]
        colour = MARKS.get(name, MARKS["info_nce"])[0]
        lines = alt.Chart(rows.assign(low=rows["mean"] - rows["sd"], high=rows["mean"] + rows["sd"]))
        x = shared_x("step", "step", labelled, values=[0, total / 2, total])
        band = lines.mark_area(clip=True, color=colour, opacity=0.25)
        layers = [
            band.encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), detail="seed:N"),
            stairs,
            lines.mark_line(clip=True, color=colour, strokeWidth=1.25).encode(x, y, detail="seed:N"),
            *(_cap(settings.batch_size) if BOUNDS[name].capped_by_log_k else []),
        ]
        return alt.layer(*layers).properties(width=PANEL, height=92, title=BOUNDS[name].title)

    return multiples(data, "bound", panel)


def _cap(batch_size: int) -> list[Any]:
    """Return a dotted line at the log of the batch size, with its name."""
    cap = alt.Chart(pd.DataFrame([{"step": 0, "cap": math.log(batch_size), "text": f"log {batch_size}"}]))
    line = cap.mark_rule(strokeDash=[1, 3], strokeWidth=1.25, color=INK, opacity=0.8).encode(alt.Y("cap:Q"))
    name = cap.mark_text(align="left", dx=3, dy=-7, fontSize=11, color=INK, opacity=0.9)
    return [line, name.encode(alt.X("step:Q"), alt.Y("cap:Q"), text="text:N")]


def draw_sphere(setting: Setting, data: pd.DataFrame) -> Any:
    """Draw one panel per dimension and concentration: estimates against the number of pairs."""
    data, colour, shape = titled(data, "estimator", SPHERE_ESTIMATORS)
    data = data.assign(low=data["mean"] - data["sd"], high=data["mean"] + data["sd"])

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        x = samples_x(rows["samples"], labelled)
        y = alt.Y("mean:Q", title=None, scale=alt.Scale(domain=_around_truth(rows), nice=False), axis=nats_axis())
        layers = [level(rows, "truth"), log_of(rows["samples"], x), *means(rows, x, y, colour, shape, size=28)]
        title = f"d = {rows['dimension'].iloc[0]}, κ = {number(rows['kappa'].iloc[0])}"
        return alt.layer(*layers).properties(width=PANEL, height=110, title=title)

    return multiples(data, ["dimension", "kappa"], panel)


def draw_rates(setting: Setting, data: pd.DataFrame) -> Any:
    """Draw one panel per case on logarithmic axes: parts of the error, and lines at the stated exponents."""
    colour, shape = scales("quantity", ERROR_MARKS)

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        case = setting.estimators.rates.cases[rows["case"].iloc[0]]
        sums = rows["quantity"] == "mean squared error"
        x = samples_x(rows["samples"], labelled)
        low, high = rows["value"].min() / 2, rows["value"].max() * 2  # with room for the marks
        scale = alt.Scale(type="log", domain=[low, high], nice=False)
        y = alt.Y("value:Q", title=None, scale=scale, axis=_decades_axis(low, high))
        guides = alt.Chart(rows.dropna(subset=["guide"])).mark_line(clip=True, strokeDash=[4, 3], strokeWidth=1)
        layers = [
            guides.encode(x, alt.Y("guide:Q"), color=colour),
            # the sum is a large hollow mark: where the variance is nearly all of it, both stay visible
            alt.Chart(rows[sums]).mark_point(size=75, opacity=1, strokeWidth=1.25).encode(x, y, colour, shape),
            alt.Chart(rows[~sums]).mark_point(filled=True, size=26, opacity=1).encode(x, y, colour, shape),
        ]
        title = alt.Title(case_title(case), subtitle=ENTROPY_ESTIMATORS[case.estimator].title, subtitleColor=INK)
        return alt.layer(*layers).properties(width=PANEL, height=110, title=title)

    return multiples(data, "case", panel)


def _decades_axis(low: float, high: float) -> Any:
    """Return an axis with ticks at powers of ten, at most four of them."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    powers = range(first, last + 1, max(1, math.ceil((last - first + 1) / 4)))
    written = "replace(format(datum.value, '.0e'), '-', '−')"
    return alt.Axis(values=[10.0**power for power in powers], labelExpr=written, minExtent=26)


def _around_truth(rows: pd.DataFrame) -> list[float]:
    """Return a range from a little below the lowest bound to a little above the highest bound and the truth."""
    bounds = rows.loc[~rows["estimator"].map(lambda name: SPHERE_ESTIMATORS[name].slow), "mean"]
    truth = float(rows["truth"].iloc[0])
    low, high = min(0.0, float(bounds.min())), max(truth, float(bounds.max()))
    high = min(high, 3 * truth)  # a leave-one-out estimate may lie far above the truth
    return [low - 0.08 * (high - low), high + 0.15 * (high - low)]
