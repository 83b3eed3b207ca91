"""Accuracy against what the study sweeps, which is the batch size and the epochs."""

from typing import Any

import altair as alt
import pandas as pd

from entrec.methods.registry import METHODS
from entrec.report.theme import INK, WIDTH, styled
from entrec.report.vision.frames import Frames
from entrec.report.vision.palette import method_scales
from entrec.study import Study


def by_swept(table: str, swept: str, study: Study, frames: Frames) -> pd.DataFrame:
    """Return mean, deviation and count per method and value of `swept`, from the rows of `table`.

    There are no rows where the study sweeps nothing.
    """
    scores = frames.tables[table]
    if scores[swept].nunique() < 2:
        return scores.iloc[:0]
    # the headline setting too has only the sweep's seeds here: other seeds would contradict the table's Δ
    groups = scores[scores["seed"].isin(study.seeds.sweep)].groupby(["method", "title", swept], sort=False)["value"]
    summary = groups.agg(mean="mean", sd="std", n="count").reset_index()  # pandas' std divides by n - 1
    return summary.assign(low=summary["mean"] - summary["sd"], high=summary["mean"] + summary["sd"])


def draw_by_swept(swept: str, title: str, study: Study, data: pd.DataFrame) -> Any:
    """Draw the frame of `by_swept`; a line joins the points of a method, and `title` is that of the axis."""
    baseline = data["method"].map(lambda method: METHODS[method].baseline)
    colour, shape = method_scales(study, data[~baseline])
    values = sorted(int(value) for value in data[swept].unique())
    x = alt.X(
        f"{swept}:Q",
        title=title,
        scale=alt.Scale(type="log", base=2, nice=False, padding=18),
        axis=alt.Axis(values=values, format="d", grid=False),
    )
    y = alt.Y(
        "mean:Q", title="linear top-1, test, %", scale=alt.Scale(zero=False, padding=8), axis=alt.Axis(tickCount=6)
    )
    swept_lines = alt.Chart(data[~baseline])
    bars = swept_lines.transform_filter("isValid(datum.sd)").mark_rule(strokeWidth=1.5)
    points = swept_lines.mark_point(filled=True, size=60, opacity=1).encode(x, y, color=colour, shape=shape)
    layers = [
        *_baselines(data[baseline], y, swept, values),
        swept_lines.mark_line(strokeWidth=2).encode(x, y, color=colour),
        bars.encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), color=colour),
        points,
    ]
    return styled(alt.layer(*layers).properties(width=WIDTH - 50, height=250))


def _baselines(data: pd.DataFrame, y: alt.Y, swept: str, values: list[int]) -> list[Any]:
    """Return a dashed line across the chart for each baseline, named at its left end."""
    if not len(data):
        return []
    rules = alt.Chart(data).mark_rule(strokeDash=[4, 4], color=INK, opacity=0.6).encode(y)
    names = alt.Chart(data.assign(**{swept: values[0]})).mark_text(align="left", dx=-16, dy=-7, color=INK, opacity=0.8)
    return [rules, names.encode(alt.X(f"{swept}:Q"), y, text="title:N")]
