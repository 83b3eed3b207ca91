"""The theory study's tables, from results whose means and deviations are computed by hand."""

import csv
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from entrec.errors import UserError
from entrec.report.layout import Layout
from entrec.report.spread import Spread
from entrec.report.theory_needs import THEORY_FIGURES, THEORY_TABLES, theory_needed
from entrec.report.theory_tables import read_theory_table, write_theory_table
from entrec.theory.registry import BOUNDS
from entrec.theory.study import TheoryStudy

Results = Callable[..., Path]


def written(study: TheoryStudy, name: str, folder: Path, output: Path) -> Layout:
    write_theory_table(study, "quick", name, results=folder, output=output)
    return read_theory_table(study, "quick", name, output)


def cells(layout: Layout, row: str) -> list[str]:
    return [column.cells[row] for column in layout.columns]


def test_bounds_stand_in_the_registrys_order_under_the_true_values(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    layout = written(theory, "table_estimators_gaussian", results(theory), tmp_path)
    assert layout.rows == [(name, bound.title) for name, bound in BOUNDS.items()]
    assert layout.head == "Bound"
    assert [column.label for column in layout.columns] == ["2", "6", "capped by"]
    assert layout.columns[-1].cells["info_nce"] == BOUNDS["info_nce"].capped_by


def test_the_deviation_is_that_of_all_batches_of_all_seeds(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    # two seeds of 50 batches with sd 0.5, half a nat below and above the truth: within 98 x 0.25, between 100 x 0.25
    deviation = math.sqrt((98 * 0.25 + 100 * 0.25) / 99)
    layout = written(theory, "table_estimators_gaussian", results(theory), tmp_path)
    assert cells(layout, "nwj")[:2] == [f"2.00 ± {deviation:.2f}", f"6.00 ± {deviation:.2f}"]
    assert cells(layout, "info_nce")[1] == f"{math.log(64):.2f} ± {deviation:.2f}"
    assert "over all those batches of 2 seeds" in layout.caption


def test_a_wild_estimate_is_written_without_decimals(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    folder = results(theory)
    for seed in (0, 1):
        path = folder / "gaussian" / f"js-s{seed}.json"
        record = json.loads(path.read_text())
        record["levels"][1] |= {"mean": -99.01, "sd": 1289.6}
        path.write_text(json.dumps(record))
    layout = written(theory, "table_estimators_gaussian", folder, tmp_path)
    assert cells(layout, "js")[1] == f"−99 ± {1289.6 * math.sqrt(98 / 99):.0f}"


def test_a_union_has_the_mean_and_the_deviation_of_the_values_thrown_together() -> None:
    parts = [[1.0, 4.0, 5.0], [2.0, 2.5], [-3.0]]
    union = Spread.union([Spread.of(part) for part in parts])
    whole = Spread.of(value for part in parts for value in part)
    assert union.n == whole.n
    assert union.mean == pytest.approx(whole.mean)
    assert union.sd == pytest.approx(whole.sd)
    assert Spread.union([]).text() == "–"


def test_the_sphere_shows_three_sample_sizes_and_the_csv_all(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    layout = written(theory, "table_estimators_sphere", results(theory), tmp_path)
    assert [title for _, title in layout.rows][:3] == ["10, 1, 64", "10, 1, 1024", "10, 1, 4096"]
    assert len(layout.rows) == 3 * 3
    assert [column.label for column in layout.columns][:2] == ["truth", "log k"]
    key = layout.rows[0][0]
    truth = math.log(2) * 4
    assert cells(layout, key)[:2] == [f"{truth:.2f}", f"{math.log(64):.2f}"]
    assert cells(layout, key)[3] == f"{truth + 20 / 64:.2f} ± 0.12"  # leave-one-out, above the truth
    rows = list(csv.DictReader((tmp_path / "table_estimators_sphere.csv").read_text().splitlines()))
    assert len(rows) == 3 * 4 * 4
    assert rows[0]["file"] == "sphere/d10.json"


def test_an_estimate_that_was_not_measured_is_a_dash(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    folder = results(theory)
    path = folder / "sphere" / "d128.json"
    record = json.loads(path.read_text())
    record["rows"] = [row for row in record["rows"] if (row["estimator"], row["samples"]) != ("info_nce", 64)]
    path.write_text(json.dumps(record))
    layout = written(theory, "table_estimators_sphere", folder, tmp_path)
    key = next(key for key, title in layout.rows if title == "128, 50, 64")
    assert cells(layout, key)[4] == "–"
    assert cells(layout, key)[3] != "–"


def test_rates_stand_beside_the_stated_exponents(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    layout = written(theory, "table_estimators_rates", results(theory), tmp_path)
    assert layout.rows[0][1].startswith("Gaussian d = 2, h = ")
    assert cells(layout, "0") == ["self term kept", "squared bias", "256", "−1.99 [−2.04, −1.94]", "−2", "yes"]
    last = cells(layout, layout.rows[-1][0])
    assert last == ["plug-in", "root mean square error", "256", "−0.50 [−0.55, −0.45]", "−0.5", "yes"]


@pytest.mark.parametrize("name", THEORY_TABLES)
def test_a_table_needs_nothing_but_what_is_listed(
    name: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    listed = {folder / path for path in theory_needed(theory, "quick", name)}
    others = {path for path in folder.rglob("*.json") if path not in listed}
    assert all(path.is_file() for path in listed)
    assert others
    for path in others:
        path.unlink()
    write_theory_table(theory, "quick", name, results=folder, output=tmp_path)


@pytest.mark.parametrize("name", THEORY_TABLES)
def test_every_form_of_a_table_is_written(name: str, theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    layout = written(theory, name, results(theory), tmp_path)
    tex = (tmp_path / f"{name}.tex").read_text()
    assert tex.isascii()
    assert tex.count("\\\\\n") == 2 + len(layout.rows)
    assert (tmp_path / f"{name}.html").read_text().count("<tr>") == 1 + len(layout.rows)


def test_tables_and_figures_of_one_part_need_the_same_files(theory: TheoryStudy) -> None:
    for table, figure in zip(THEORY_TABLES, THEORY_FIGURES, strict=True):
        assert theory_needed(theory, "quick", table) == theory_needed(theory, "quick", figure)
    with pytest.raises(UserError, match="table_1: no such table or figure; allowed: table_estimators_gaussian"):
        theory_needed(theory, "quick", "table_1")


def test_listing_what_theory_needs_imports_neither_pandas_nor_torch() -> None:
    code = "import sys, entrec.report.theory_needs; print({'pandas', 'torch', 'altair'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_result_is_named_with_the_command_that_makes_it(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    (folder / "gaussian" / "nwj-s1.json").unlink()
    with pytest.raises(UserError, match=r"missing; make it: snakemake results/theory/quick/gaussian/nwj-s1\.json"):
        write_theory_table(theory, "quick", "table_estimators_gaussian", results=folder, output=tmp_path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"setting": "full"}, "is about 'full', expected 'quick'"),
        ({"bound": "tuba"}, "is about 'tuba', expected 'nwj'"),
        ({"seed": 7}, "is about 7, expected 0"),
        ({"levels": {}}, "levels is no list of rows"),
        ({"levels": []}, "levels is no list of rows"),
        ({"levels": [{"truth": 2.0}]}, r"levels\.0 has no mean"),
        ({"levels": [{"truth": 2.0, "mean": "high", "sd": 1, "batches": 5}]}, r"levels\.0\.mean is 'high'"),
        ({"levels": [{"truth": 2.0, "mean": math.nan, "sd": 1, "batches": 5}]}, r"levels\.0\.mean is nan"),
    ],
)
def test_a_damaged_result_is_named_with_what_is_wrong(
    damage: dict[str, object], reason: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    path = folder / "gaussian" / "nwj-s0.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    with pytest.raises(UserError, match=reason) as caught:
        write_theory_table(theory, "quick", "table_estimators_gaussian", results=folder, output=tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "file"), [("sphere", "sphere/d10.json"), ("rates", "rates/plug_in.json")])
def test_an_estimator_that_is_none_is_named(
    name: str, file: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    text = (folder / file).read_text()
    (folder / file).write_text(re.sub('"estimator": "[a-z_]+"', '"estimator": "guess"', text, count=1))
    with pytest.raises(UserError, match="has an estimator 'guess', expected one of"):
        write_theory_table(theory, "quick", f"table_estimators_{name}", results=folder, output=tmp_path)


def test_a_table_that_is_no_table_is_named(theory: TheoryStudy, tmp_path: Path) -> None:
    (tmp_path / "table_estimators_sphere.csv").write_text("dimension\n10\n")
    with pytest.raises(UserError, match=r"table_estimators_sphere\.csv: damaged"):
        read_theory_table(theory, "quick", "table_estimators_sphere", tmp_path)
    with pytest.raises(UserError, match="table_9: no such table; allowed: table_estimators_gaussian"):
        write_theory_table(theory, "quick", "table_9", results=tmp_path, output=tmp_path)


def test_one_sample_size_is_shown_once(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    own = theory.quick.estimators
    single = replace(own, sphere=replace(own.sphere, samples=(64,), repeats=(9,)))
    study = replace(theory, quick=replace(theory.quick, estimators=single))
    assert len(written(study, "table_estimators_sphere", results(study), tmp_path).rows) == 3
