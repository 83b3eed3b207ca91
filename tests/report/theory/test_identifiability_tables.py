"""The tables of latent recovery and of content isolation, from results whose means are computed by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from entrec.report.table import Table
from entrec.report.theory import published
from entrec.theory.settings.identifiability import Density
from entrec.theory.study import Setting, load_theory
from entrec.yaml_reader import read_yaml

Make = Callable[..., Table]
Results = Callable[..., Path]


def cells(table: Table, row: str) -> list[str]:
    return [column.cells[row] for column in table.columns]


def test_rows_are_called_by_their_settings(quick: Setting, table: Make) -> None:
    assert [title for _, title in table(quick, "table_latent_recovery").rows] == [
        "sphere, vMF κ = 1",
        "sphere, vMF κ = 10",
        "sphere, Laplace 0.05; modelled as vMF κ = 10",
        "box, normal 0.05; unbounded output",
        "box, Laplace 0.05",
    ]


def test_representations_stand_beside_each_other_with_mean_and_deviation(quick: Setting, table: Make) -> None:
    found = table(quick, "table_latent_recovery")
    # two seeds 0.4 points apart: a deviation of 0.4 / sqrt(2)
    ours = ["60.2 ± 0.3", "70.2 ± 0.3", "99.2 ± 0.3", "98.2 ± 0.3", "97.8 ± 0.3", "98.6 ± 0.3"]
    assert cells(found, "narrow")[:6] == ours
    assert [f"{column.label} {column.detail}".strip() for column in found.columns] == [
        "observations", "untrained", "supervised", "InfoNCE", "EntRec resubstitution", "EntRec leave-one-out",
        "published identity", "published supervised", "published unsupervised",
    ]  # fmt: skip
    assert "over 2 seeds" in found.caption
    assert "100 steps in batches of 512 pairs" in found.caption


def test_published_values_stand_beside_their_own_set_up_only(quick: Setting, table: Make) -> None:
    found = table(quick, "table_latent_recovery")
    assert cells(found, "wide")[6:] == ["66.98 ± 2.79", "99.71 ± 0.05", "99.42 ± 0.05"]
    assert cells(found, "narrow")[6:] == ["–", "–", "99.86 ± 0.01"]
    assert cells(found, "open")[6:] == ["67.93 ± 7.40", "99.78 ± 0.06", "99.60 ± 0.02"]
    assert cells(found, "foreign")[6:] == cells(found, "box")[6:] == ["–"] * 3
    assert "copied as reported" in found.caption


def test_a_set_up_that_no_paper_has_makes_no_column_of_dashes(
    quick: Setting, changed: Callable[..., Setting], table: Make
) -> None:
    own, other = quick.latent_recovery, Density(kind="vmf", width=7.0)
    rows = {"narrow": replace(own.rows["narrow"], conditional=other, model=other)}
    found = table(changed(latent_recovery=replace(own, rows=rows)), "table_latent_recovery")
    assert [column.label for column in found.columns][-1] == "EntRec"


def test_every_published_set_up_is_a_row_of_the_study_at_full_size() -> None:
    full = load_theory(Path(__file__).parents[3] / "params" / "theory.yaml").setting("full")
    entries = read_yaml(Path(published.__file__).with_suffix(".yaml"))
    for score, listed in entries["latent_recovery"].items():
        assert len(published.published_latents(score, full.latent_recovery.rows)) == len(listed)
    assert len(published.published_content(full.content_isolation.rows)) == 2 * len(entries["content_isolation"])


def test_correlations_are_written_with_those_of_ranks(quick: Setting, table: Make) -> None:
    found = table(quick, "table_latent_recovery_mcc")
    # leave-one-out: 0.992 and 0.994, ranks 0.01 below
    assert cells(found, "box")[5] == "99.3 ± 0.1 (98.3)"
    assert cells(found, "box")[6:] == ["46.55 ± 1.34", "99.93 ± 0.03", "98.62 ± 0.05"]
    assert cells(found, "narrow")[6:] == ["–"] * 3


def test_bounds_by_batch_size_stand_beside_the_truth_and_log_k(quick: Setting, table: Make) -> None:
    found = table(quick, "table_latent_recovery_batch")
    assert [title for _, title in found.rows] == ["64", "512", "2048"]
    # one seed; the objective ends at log k - 2, or at 2.4 where that is less
    assert cells(found, "64") == ["4.16", "2.48", "98.0", "2.16", "97.6", "2.16", "98.4", "2.16"]
    assert cells(found, "2048")[:4] == ["7.62", "2.48", "98.0", "2.40"]
    assert "in the row sphere, vMF κ = 10, and" in found.caption


def test_a_truth_that_has_no_closed_form_is_a_dash(
    quick: Setting, changed: Callable[..., Setting], table: Make
) -> None:
    own = quick.latent_recovery
    swept = changed(latent_recovery=replace(own, sweep=replace(own.sweep, row="box")))
    found = table(swept, "table_latent_recovery_batch")
    assert [cells(found, k)[1] for k in ("64", "512", "2048")] == ["–"] * 3


def test_runs_of_the_sweep_in_other_batches_are_in_no_other_table(
    quick: Setting, table: Make, results: Results, edited: Callable[[Path], Any]
) -> None:
    folder = results(quick)
    with edited(folder / "latent_recovery" / "narrow-info_nce-b64-s0" / "run.json") as record:
        record["scores"]["trained"]["r2"] = 0.5
    assert cells(table(quick, "table_latent_recovery", folder), "narrow")[3] == "98.2 ± 0.3"
    assert cells(table(quick, "table_latent_recovery_batch", folder), "64")[2] == "50.0"


def test_content_and_style_stand_beside_what_content_explains_of_style(quick: Setting, table: Make) -> None:
    found = table(quick, "table_content_style")
    assert [title for _, title in found.rows][1:3] == [
        "p = 1, no dependence: style",
        "p = 0.75, statistical and causal dependence: content",
    ]
    # two seeds 0.02 apart: kernel ridge 0.01 above seed 0's, a linear map 0.1 below; the untrained one is InfoNCE's
    assert cells(found, "causal,content") == [
        "0.71 ± 0.01 (0.60)", "0.76 ± 0.01 (0.65)", "–", "0.97 ± 0.01 (0.86)", "0.95 ± 0.01 (0.84)",
        "0.96 ± 0.01 (0.85)", "0.51 ± 0.01 (0.40)", "0.99 ± 0.01 (0.98)",
    ]  # fmt: skip
    assert cells(found, "causal,style")[2] == "0.31 ± 0.01 (0.20)"
    published_style = [cells(found, f"{row},style")[-1] for row in ("apart", "causal")]
    assert published_style == ["0.07 ± 0.00 (0.00)", "0.80 ± 0.08 (0.78)"]
