"""Lines of constant bound under the information plane."""

import altair as alt
import pandas as pd
import pytest

from entrec.report.vision.isolines import Frame, isolines

FRAME = Frame(reconstruction=(0.0, 10.0), entropy=(-10.0, 0.0), width=300, height=300)
X, Y = alt.X("reconstruction:Q"), alt.Y("entropy:Q")


def path(reconstruction: list[float], entropy: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"reconstruction": reconstruction, "entropy": entropy})


def test_along_a_line_the_bound_is_the_one_it_is_named_by() -> None:
    lines, names = (layer.data for layer in isolines(FRAME, [path([5.0, 5.0], [-5.0, -4.0])], X, Y))
    assert (lines["reconstruction"] + lines["entropy"]).tolist() == pytest.approx(lines["bound"].tolist())
    written = names["text"].str.removeprefix("bound ").str.replace("−", "-").astype(float)
    assert (names["reconstruction"] + names["entropy"]).tolist() == pytest.approx(written.tolist())
    assert set(written) == set(lines["bound"])


@pytest.mark.parametrize("taken", [-1.0, -5.0, -9.0])
def test_names_stand_away_from_the_paths(taken: float) -> None:
    _, names = (layer.data for layer in isolines(FRAME, [path([0.0, 10.0], [taken, taken])], X, Y))
    across = names[(names["reconstruction"] + names["entropy"]).abs() < 1]["entropy"].iloc[0]
    assert abs(across - taken) * 30 > 50  # points on the page


def test_a_plane_too_small_for_names_has_no_lines() -> None:
    small = Frame(reconstruction=(0.0, 1.0), entropy=(0.0, 1.0), width=20, height=20)
    assert isolines(small, [path([0.0, 1.0], [0.0, 1.0])], X, Y) == []
