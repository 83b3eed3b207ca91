"""The tables of the estimator study, from results whose means and deviations are computed by hand."""

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entrec.errors import UserError
from entrec.report.table import Table
from entrec.report.theory.tables import TABLES, write_theory_table
from entrec.theory.registry import BOUNDS
from entrec.theory.study import Setting

Make = Callable[..., Table]
Results = Callable[..., Path]


def cells(table: Table, row: str) -> list[str]:
    return [column.cells[row] for column in table.columns]


def test_bounds_stand_in_the_registrys_order_under_the_true_values(quick: Setting, table: Make) -> None:
    found = table(quick, "table_estimators_gaussian")
    assert found.rows == [(name, bound.title) for name, bound in BOUNDS.items()]
    assert found.head == "Bound"
    assert [column.label for column in found.columns] == ["2", "6", "capped by"]
    assert found.columns[-1].cells["info_nce"] == BOUNDS["info_nce"].capped_by


def test_the_deviation_is_that_of_all_batches_of_all_seeds(quick: Setting, table: Make) -> None:
    # two seeds of 50 batches with sd 0.5, half a nat below and above the truth: within 98 x 0.25, between 100 x 0.25
    deviation = math.sqrt((98 * 0.25 + 100 * 0.25) / 99)
    found = table(quick, "table_estimators_gaussian")
    assert cells(found, "nwj")[:2] == [f"2.00 ± {deviation:.2f}", f"6.00 ± {deviation:.2f}"]
    assert cells(found, "info_nce")[1] == f"{math.log(64):.2f} ± {deviation:.2f}"
    assert "over all these batches of 2 seeds" in found.caption


def test_a_wild_estimate_is_written_without_decimals(
    quick: Setting, table: Make, results: Results, edited: Callable[[Path], Any]
) -> None:
    folder = results(quick)
    for seed in (0, 1):
        with edited(folder / "gaussian" / f"js-s{seed}.json") as record:
            record["levels"][1] |= {"mean": -99.01, "sd": 1289.6}
    found = table(quick, "table_estimators_gaussian", folder)
    assert cells(found, "js")[1] == f"−99 ± {1289.6 * math.sqrt(98 / 99):.0f}"


def test_the_sphere_shows_three_sample_sizes_and_the_csv_all(quick: Setting, table: Make, tmp_path: Path) -> None:
    found = table(quick, "table_estimators_sphere")
    assert [title for _, title in found.rows][:3] == ["10, 1, 64", "10, 1, 1024", "10, 1, 4096"]
    assert len(found.rows) == 3 * 3
    assert [column.label for column in found.columns][:2] == ["truth", "log k"]
    key, truth = found.rows[0][0], math.log(2) * 4
    assert cells(found, key)[:2] == [f"{truth:.2f}", f"{math.log(64):.2f}"]
    assert cells(found, key)[3] == f"{truth + 20 / 64:.2f} ± 0.12"  # leave-one-out, above the truth
    rows = list(csv.DictReader((tmp_path / "table_estimators_sphere.csv").read_text().splitlines()))
    assert len(rows) == 3 * 4 * 4
    assert rows[0]["file"] == "sphere/d10.json"


def test_an_estimate_that_the_study_leaves_out_is_a_dash(
    quick: Setting, changed: Callable[..., Setting], table: Make
) -> None:
    sphere = replace(quick.estimators.sphere, neighbours_up_to=1024)
    found = table(changed(estimators=replace(quick.estimators, sphere=sphere)), "table_estimators_sphere")
    for k, measured in ((64, True), (1024, True), (4096, False)):
        key = next(key for key, title in found.rows if title == f"128, 50, {k}")
        assert (cells(found, key)[5] != "–") == measured
        assert "–" not in cells(found, key)[:5]


def test_one_sample_size_is_shown_once(quick: Setting, changed: Callable[..., Setting], table: Make) -> None:
    sphere = replace(quick.estimators.sphere, samples=(64,), repeats=(9,))
    found = table(changed(estimators=replace(quick.estimators, sphere=sphere)), "table_estimators_sphere")
    assert len(found.rows) == 3


def test_rates_stand_beside_the_stated_exponents(quick: Setting, table: Make) -> None:
    found = table(quick, "table_estimators_rates")
    assert found.rows[0][1].startswith("Gaussian d = 2, h = ")
    assert cells(found, "0") == ["resubstitution", "squared bias", "256", "−1.99 [−2.04, −1.94]", "−2", "yes"]
    last = cells(found, found.rows[-1][0])
    assert last == ["plug-in", "root mean square error", "256", "−0.50 [−0.55, −0.45]", "−0.5", "yes"]


@pytest.mark.parametrize("name", TABLES)
def test_every_form_of_a_table_is_written(name: str, quick: Setting, table: Make, tmp_path: Path) -> None:
    found = table(quick, name)
    tex = (tmp_path / f"{name}.tex").read_text()
    assert tex.isascii()
    assert tex.count("\\\\\n") == 2 + len(found.rows)
    assert (tmp_path / f"{name}.html").read_text().count("<tr>") == 1 + len(found.rows)


def test_an_unknown_table_is_refused(quick: Setting, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="table_9: no such table; allowed: table_latent_recovery,"):
        write_theory_table(quick, "table_9", results=tmp_path, output=tmp_path)
