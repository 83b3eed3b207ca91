"""How the figures of the estimator study are drawn: small multiples, two panels wide."""

import math
from functools import partial
from typing import Any

import altair as alt
import pandas as pd

from entrec.report.palette import ERROR_COLOURS, ERROR_SHAPES, ESTIMATOR_COLOURS, ESTIMATOR_SHAPES
from entrec.report.theme import INK
from entrec.report.theory.names import ENTROPIES, ESTIMATORS, case_title, estimator_name, number
from entrec.report.theory.panels import PANEL, dotted_rule, multiples, nats_axis, rule_name, samples_axis
from entrec.theory.registry import BOUNDS
from entrec.theory.study import Setting


def draw_gaussian(setting: Setting, data: pd.DataFrame) -> Any:
    """One panel per bound: blocks of training steps, the truth as stairs, log k where it caps."""
    settings = setting.estimators.gaussian
    top = 1.3 * max(settings.information)
    domain = [-0.1 * top, top]
    stairs = pd.DataFrame(
        [
            {"step": (level + end) * settings.steps, "truth": truth}
            for level, truth in enumerate(settings.information)
            for end in (0, 1)
        ]
    )
    cap = pd.DataFrame([{"step": 0, "cap": math.log(settings.batch_size), "text": f"log {settings.batch_size}"}])

    total = settings.steps * len(settings.information)

    def panel(bound: str, labelled: bool) -> Any:
        rows = data[data["bound"] == bound]
        rows = rows.assign(low=rows["mean"] - rows["sd"], high=rows["mean"] + rows["sd"])
        steps = alt.Axis(values=[0, total / 2, total], grid=False, labels=labelled, format="d")
        x = alt.X("step:Q", title="step" if labelled else None, axis=steps)
        y = alt.Y("mean:Q", title=None, scale=alt.Scale(domain=domain, nice=False), axis=nats_axis())
        colour = ESTIMATOR_COLOURS.get(bound, ESTIMATOR_COLOURS["info_nce"])
        lines = alt.Chart(rows)
        layers = [
            lines.mark_area(clip=True, color=colour, opacity=0.25).encode(
                x, alt.Y("low:Q"), alt.Y2("high:Q"), detail="seed:N"
            ),
            alt.Chart(stairs).mark_line(color=INK, strokeWidth=1, opacity=0.8).encode(x, alt.Y("truth:Q")),
            lines.mark_line(clip=True, color=colour, strokeWidth=1.25).encode(x, y, detail="seed:N"),
        ]
        if "log k" in BOUNDS[bound].capped_by:
            layers += [dotted_rule(cap, "cap"), rule_name(cap, "step", "cap")]
        return alt.layer(*layers).properties(width=PANEL, height=92, title=BOUNDS[bound].title)

    return multiples([partial(panel, bound) for bound in BOUNDS])


def draw_sphere(setting: Setting, data: pd.DataFrame) -> Any:
    """One panel per dimension and concentration: estimates against the number of pairs."""
    titles = {name: estimator_name(name) for name in ESTIMATORS}
    data = data.assign(
        title=data["estimator"].map(titles), low=data["mean"] - data["sd"], high=data["mean"] + data["sd"]
    )
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolSize=60, labelLimit=0, columnPadding=28)
    names = list(titles.values())
    colours, shapes = (
        alt.Scale(domain=names, range=[of[name] for name in titles]) for of in (ESTIMATOR_COLOURS, ESTIMATOR_SHAPES)
    )
    colour, shape = (
        alt.Color("title:N", scale=colours, legend=legend),
        alt.Shape("title:N", scale=shapes, legend=legend),
    )

    def panel(rows: pd.DataFrame, labelled: bool) -> Any:
        x = samples_axis(rows["samples"], labelled)
        scale = alt.Scale(domain=_around_truth(rows), nice=False)
        y = alt.Y("mean:Q", title=None, scale=scale, axis=nats_axis())
        caps = pd.DataFrame({"samples": sorted(set(rows["samples"]))}).assign(cap=lambda f: f["samples"].map(math.log))
        title = f"d = {rows['dimension'].iloc[0]}, κ = {number(rows['kappa'].iloc[0])}"
        layers = [
            alt.Chart(rows.head(1)).mark_rule(color=INK, opacity=0.8).encode(alt.Y("truth:Q")),
            alt.Chart(caps).mark_line(clip=True, strokeDash=[1, 3], color=INK, opacity=0.8).encode(x, alt.Y("cap:Q")),
            alt.Chart(rows).mark_rule(clip=True).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), color=colour),
            alt.Chart(rows).mark_line(clip=True, strokeWidth=1.5).encode(x, y, color=colour),
            alt.Chart(rows)
            .mark_point(clip=True, filled=True, size=28, opacity=1)
            .encode(x, y, color=colour, shape=shape),
        ]
        return alt.layer(*layers).properties(width=PANEL, height=110, title=title)

    groups = data.groupby(["dimension", "kappa"])
    return multiples([partial(panel, rows) for _, rows in groups])


def draw_rates(setting: Setting, data: pd.DataFrame) -> Any:
    """One panel per case on logarithmic axes: parts of the error, and guides at the stated exponents."""
    parts = [part for part in ERROR_COLOURS if part in set(data["quantity"])]
    legend = alt.Legend(title=None, orient="bottom", columns=3, symbolSize=60, labelLimit=0)
    colours, shapes = (
        alt.Scale(domain=parts, range=[of[part] for part in parts]) for of in (ERROR_COLOURS, ERROR_SHAPES)
    )
    colour, shape = (
        alt.Color("quantity:N", scale=colours, legend=legend),
        alt.Shape("quantity:N", scale=shapes, legend=legend),
    )

    def panel(case: str, labelled: bool) -> Any:
        rows = data[data["case"] == case]
        sums = rows["quantity"] == "mean squared error"
        x = samples_axis(rows["samples"], labelled)
        scale = alt.Scale(type="log", domain=_decades(rows["value"]), nice=False)
        y = alt.Y("value:Q", title=None, scale=scale, axis=_decades_axis(rows["value"]))
        guides = alt.Chart(rows.dropna(subset=["guide"])).mark_line(clip=True, strokeDash=[4, 3], strokeWidth=1)
        layers = [
            guides.encode(x, alt.Y("guide:Q"), color=colour),
            # a sum is drawn hollow and large: where the variance is all of it, both stay to be seen
            alt.Chart(rows[sums]).mark_point(size=75, opacity=1, strokeWidth=1.25).encode(x, y, colour, shape),
            alt.Chart(rows[~sums]).mark_point(filled=True, size=26, opacity=1).encode(x, y, colour, shape),
        ]
        estimator = ENTROPIES[rows["estimator"].iloc[0]]
        title = alt.Title(case_title(setting, case), subtitle=estimator, subtitleColor=INK)
        return alt.layer(*layers).properties(width=PANEL, height=110, title=title)

    return multiples([partial(panel, case) for case in dict.fromkeys(data["case"])])


def _decades_axis(values: pd.Series) -> alt.Axis:
    """Powers of ten, every other one where they are many."""
    low, high = (
        round_(math.log10(limit)) for round_, limit in zip((math.ceil, math.floor), _decades(values), strict=True)
    )
    powers = range(low, high + 1, max(1, math.ceil((high - low + 1) / 4)))
    written = "replace(format(datum.value, '.0e'), '-', '−')"
    return alt.Axis(values=[10.0**power for power in powers], labelExpr=written, minExtent=26)


def _decades(values: pd.Series) -> list[float]:
    """Around all points, with room for their marks."""
    return [float(values.min()) / 2, float(values.max()) * 2]


def _around_truth(rows: pd.DataFrame) -> list[float]:
    """From a little below the lowest EntRec or InfoNCE estimate to a little above the highest and the truth."""
    bounds = rows[rows["estimator"] != "nearest_neighbours"]
    truth = float(rows["truth"].iloc[0])
    low, high = min(0.0, float(bounds["mean"].min())), max(truth, float(bounds["mean"].max()))
    high = min(high, 3 * truth)  # a leave-one-out estimate may lie far above
    return [low - 0.08 * (high - low), high + 0.15 * (high - low)]
