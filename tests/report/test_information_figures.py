"""The figures of what happens while the methods train."""

import altair as alt
import pandas as pd
from tests.report.conftest import frames_of, write_history

from entrec.report.theme import styled
from entrec.report.vision.information_figures import POINTS, losses


def test_long_histories_are_drawn_with_fewer_points_from_first_to_last_epoch(demo, results):
    folder = results(demo)
    for run in demo.headline_runs:
        history = pd.read_csv(folder / str(run) / "history.csv")
        if len(history):
            long = pd.concat([history.iloc[[0]]] * 2000, ignore_index=True)
            long["step"] = range(2000)
            long["epoch"] = long["step"] / 100
            write_history(folder / str(run), long.to_csv(index=False), steps=1999)
    drawn = losses(demo, frames_of(demo, folder))
    for _, line in drawn.groupby("run"):
        assert POINTS / 2 < len(line) <= POINTS
        assert line["epoch"].min() == 0
        assert line["epoch"].max() > 19.7


def test_a_picture_may_have_more_rows_than_altairs_limit():
    many = pd.DataFrame({"x": range(6000)})
    chart = styled(alt.Chart(many).mark_point().encode(alt.X("x:Q")))
    (rows,) = chart.to_dict()["datasets"].values()
    assert len(rows) == 6000
