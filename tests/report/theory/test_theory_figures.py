"""The figures of the theory page: what they draw, from results that are computed by hand."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrec.errors import UserError
from entrec.report.theory.figures import FIGURES, write_theory_figure
from entrec.theory.study import Setting

Results = Callable[..., Path]
Drawn = Callable[..., tuple[str, list[dict[str, str]]]]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_narrow_and_takes_its_ink_from_the_page(
    name: str, quick: Setting, results: Results, drawn: Drawn
) -> None:
    svg, rows = drawn(quick, name, results(quick))
    assert svg.startswith("<svg ")
    assert "currentColor" in svg
    assert set(re.findall(r' id="(\D*)', svg)) <= {f"{name}-clip"}  # the pictures of one page must not share names
    assert set(re.findall(r"url\(#(\D*)", svg)) <= {f"{name}-clip"}
    assert float(re.findall(r'width="(\d+)"', svg)[0]) < 460
    assert len(rows) > 5


def test_log_k_is_drawn_where_it_caps_a_bound_and_nowhere_else(quick: Setting, results: Results, drawn: Drawn) -> None:
    svg, rows = drawn(quick, "estimators_gaussian", results(quick))
    assert svg.count(">log 64</text>") == 3  # InfoNCE, EntRec with resubstitution, EntRec discrete
    assert {row["bound"] for row in rows} >= {"nwj", "smile"}


def test_guides_fall_at_the_stated_exponents_where_slopes_were_fitted(
    quick: Setting, results: Results, drawn: Drawn
) -> None:
    _, rows = drawn(quick, "estimators_rates", results(quick))
    guides = {(r["case"], r["quantity"], int(r["samples"])): float(r["guide"] or "nan") for r in rows}
    case = "gaussian_d2_resubstitution"
    assert guides[case, "variance", 256] == pytest.approx(1 / 256, rel=1e-5)
    assert guides[case, "variance", 4096] == pytest.approx(1 / 4096, rel=1e-5)
    assert guides[case, "squared bias", 256] / guides[case, "squared bias", 1024] == pytest.approx(16, rel=1e-5)
    assert math.isnan(guides[case, "variance", 64])  # the fit begins at 256
    assert math.isnan(guides[case, "mean squared error", 256])  # nothing is stated of it in this case
    plug_in = [guides["plug_in", "mean squared error", k] for k in (256, 1024)]
    assert plug_in[0] / plug_in[1] == pytest.approx(4, rel=1e-4)  # its root falls by 2


def test_a_bias_that_is_noise_is_not_drawn(quick: Setting, results: Results, drawn: Drawn) -> None:
    # leave-one-out: the bias 3 / k is above twice its error 1 / sqrt(400 k) up to k = 900
    _, rows = drawn(quick, "estimators_rates", results(quick))
    own = [r for r in rows if r["case"] == "gaussian_d2_leave_one_out" and r["quantity"] == "squared bias"]
    assert [int(r["samples"]) for r in own] == [64, 256]


def test_the_scatter_is_of_the_first_seed_three_coordinates_and_sixty_points(
    quick: Setting, results: Results, drawn: Drawn, edited: Callable[[Path], Any]
) -> None:
    folder = results(quick)
    with edited(folder / "latent_recovery" / "box-entrec_leave_one_out-b512-s0" / "run.json") as record:
        record["scatter"] = {key: 10 * points for key, points in record["scatter"].items()}
    _, rows = drawn(quick, "latent_recovery", folder)
    assert len([row for row in rows if row["row"] == "narrow"]) == 8 * 3  # as many as there are
    assert len([row for row in rows if row["row"] == "box"]) == 60 * 3
    assert {row["seed"] for row in rows} == {"0"}
    assert {row["method"] for row in rows} == {"entrec_leave_one_out"}


def test_bars_are_one_deviation_to_either_side(quick: Setting, results: Results, drawn: Drawn) -> None:
    _, rows = drawn(quick, "content_style", results(quick))
    (own,) = (r for r in rows if (r["row"], r["representation"], r["latents"]) == ("apart", "info_nce", "style"))
    assert float(own["mean"]) == pytest.approx(0.32)
    assert float(own["high"]) - float(own["low"]) == pytest.approx(2 * 0.02 / math.sqrt(2), rel=1e-5)
    assert not [r for r in rows if (r["representation"], r["latents"]) == ("oracle", "content")]


def test_batches_are_drawn_from_the_sweep(quick: Setting, results: Results, drawn: Drawn) -> None:
    _, rows = drawn(quick, "latent_recovery_batch", results(quick))
    own = [row for row in rows if (row["method"], row["quantity"]) == ("info_nce", "bound")]
    bounds = {int(row["batch_size"]): float(row["mean"]) for row in own}
    assert bounds == pytest.approx({64: math.log(64) - 2, 512: 2.4, 2048: 2.4}, rel=1e-5)


def test_an_unknown_figure_is_refused(quick: Setting, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="figure_9: no such figure; allowed: latent_recovery,"):
        write_theory_figure(quick, "figure_9", results=tmp_path, output=tmp_path)
