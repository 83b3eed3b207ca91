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
from typing import Any

import pytest

from entrec.errors import UserError
from entrec.pipeline.theory_jobs import THEORY_FIGURES, THEORY_TABLES, TheoryJobs
from entrec.report.layout import Layout
from entrec.report.mean_sd import MeanSD
from entrec.report.theory.tables import write_theory_table
from entrec.theory.registry import BOUNDS
from entrec.theory.study import TheoryStudy

Results = Callable[..., Path]


def written(study: TheoryStudy, name: str, folder: Path, output: Path) -> Layout:
    return write_theory_table(study.setting("quick"), name, results=folder, output=output)


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
    assert "over all these batches of 2 seeds" in layout.caption


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
    union = MeanSD.union([MeanSD.of(part) for part in parts])
    whole = MeanSD.of(value for part in parts for value in part)
    assert union.n == whole.n
    assert union.mean == pytest.approx(whole.mean)
    assert union.sd == pytest.approx(whole.sd)
    assert MeanSD.union([]).text() == "–"


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


def test_an_estimate_that_the_study_leaves_out_is_a_dash(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    own = theory.quick.estimators
    cheaper = replace(own, sphere=replace(own.sphere, neighbours_up_to=1024))
    study = replace(theory, quick=replace(theory.quick, estimators=cheaper))
    layout = written(study, "table_estimators_sphere", results(study), tmp_path)
    for k, measured in ((64, True), (1024, True), (4096, False)):
        key = next(key for key, title in layout.rows if title == f"128, 50, {k}")
        assert (cells(layout, key)[5] != "–") == measured
        assert "–" not in cells(layout, key)[:5]


def test_rates_stand_beside_the_stated_exponents(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    layout = written(theory, "table_estimators_rates", results(theory), tmp_path)
    assert layout.rows[0][1].startswith("Gaussian d = 2, h = ")
    assert cells(layout, "0") == ["resubstitution", "squared bias", "256", "−1.99 [−2.04, −1.94]", "−2", "yes"]
    last = cells(layout, layout.rows[-1][0])
    assert last == ["plug-in", "root mean square error", "256", "−0.50 [−0.55, −0.45]", "−0.5", "yes"]


@pytest.mark.parametrize("name", THEORY_TABLES)
def test_a_table_needs_nothing_but_what_is_listed(
    name: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    listed = {folder / job.result for job in TheoryJobs(theory.setting("quick")).shown(name)}
    others = {path for path in folder.rglob("*.json") if path not in listed}
    assert all(path.is_file() for path in listed)
    assert others
    for path in others:
        path.unlink()
    write_theory_table(theory.setting("quick"), name, results=folder, output=tmp_path)


@pytest.mark.parametrize("name", THEORY_TABLES)
def test_every_form_of_a_table_is_written(name: str, theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    layout = written(theory, name, results(theory), tmp_path)
    tex = (tmp_path / f"{name}.tex").read_text()
    assert tex.isascii()
    assert tex.count("\\\\\n") == 2 + len(layout.rows)
    assert (tmp_path / f"{name}.html").read_text().count("<tr>") == 1 + len(layout.rows)


def test_tables_and_figures_of_one_part_need_the_same_files(theory: TheoryStudy) -> None:
    jobs = TheoryJobs(theory.setting("quick"))
    for table, figure in zip(THEORY_TABLES, THEORY_FIGURES, strict=True):
        assert jobs.table(table).inputs == jobs.figure(figure).inputs
    with pytest.raises(UserError, match="table_1: no such table or figure; allowed: table_latent_recovery,"):
        jobs.shown("table_1")


def test_listing_what_theory_needs_imports_neither_pandas_nor_torch() -> None:
    code = "import sys, entrec.pipeline.theory_jobs; print({'pandas', 'torch', 'altair'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_result_is_named_with_the_command_that_makes_it(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    (folder / "gaussian" / "nwj-s1.json").unlink()
    with pytest.raises(UserError, match=r"missing; make it: snakemake results/theory/quick/gaussian/nwj-s1\.json"):
        write_theory_table(theory.setting("quick"), "table_estimators_gaussian", results=folder, output=tmp_path)


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
        write_theory_table(theory.setting("quick"), "table_estimators_gaussian", results=folder, output=tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def edited(key: str, at: int, **values: object) -> Callable[[dict[str, Any]], None]:
    """Changes fields of one row."""
    return lambda record: record[key][at].update(values)


def dropped(key: str, at: int) -> Callable[[dict[str, Any]], None]:
    """Takes one row away."""
    return lambda record: record[key].pop(at)


NOT_OF_THE_STUDY: list[tuple[str, str, Callable[[dict[str, Any]], None], str]] = [
    ("gaussian", "gaussian/nwj-s1.json", edited("levels", 0, truth=3.0), r"levels\.0 is of truth 3, batches 50"),
    ("gaussian", "gaussian/nwj-s1.json", dropped("levels", 1), r"levels\.1 is of nothing, expected truth 6"),
    ("gaussian", "gaussian/nwj-s1.json", edited("levels", 0, batches=49), r"batches 49, expected truth 2, batches 50"),
    (
        "sphere",
        "sphere/d10.json",
        edited("rows", 0, kappa=2.0),
        r"kappa 2, .*, expected kappa 1, samples 64, estimator",
    ),
    ("sphere", "sphere/d10.json", edited("rows", 3, samples=65), r"rows\.3 is of kappa 1, samples 65"),
    ("sphere", "sphere/d10.json", edited("rows", 1, estimator="info_nce"), r"rows\.1 .* expected .*leave_one_out'"),
    ("sphere", "sphere/d10.json", dropped("rows", -1), r"rows\.31 is of nothing, expected kappa 10, samples 4096"),
    ("rates", "rates/plug_in.json", edited("fits", 0, quantity="variance"), r"fits\.0 is of quantity 'variance'"),
    ("rates", "rates/sphere_d3_resubstitution.json", dropped("fits", 2), r"expected quantity 'bias against h'"),
    ("rates", "rates/plug_in.json", edited("fits", 0, low=1.0), r"fits\.0\.slope is -0\.5, expected one within"),
    ("rates", "rates/plug_in.json", lambda r: r.update(dimension=3), r"dimension is 3, expected 16"),
    ("rates", "rates/plug_in.json", lambda r: r.update(width=1.0), r"width is 1\.0, expected None"),
    ("rates", "rates/gaussian_d2_resubstitution.json", lambda r: r.update(width="1"), r"width is '1', expected 1\.0"),
    (
        "rates",
        "rates/gaussian_d2_resubstitution.json",
        lambda r: r.update(fit_from=64),
        r"fit_from is 64, expected 256",
    ),
    ("rates", "rates/plug_in.json", lambda r: r.update(estimator="kernel_entropy"), r"expected 'plug_in_entropy'"),
]


@pytest.mark.parametrize(("name", "file", "damage", "reason"), NOT_OF_THE_STUDY)
def test_a_result_of_another_study_is_named_with_the_command_that_makes_it(
    name: str,
    file: str,
    damage: Callable[[dict[str, Any]], None],
    reason: str,
    theory: TheoryStudy,
    results: Results,
    tmp_path: Path,
) -> None:
    folder = results(theory)
    record = json.loads((folder / file).read_text())
    damage(record)
    (folder / file).write_text(json.dumps(record))
    with pytest.raises(UserError, match=reason) as caught:
        write_theory_table(theory.setting("quick"), f"table_estimators_{name}", results=folder, output=tmp_path)
    assert str(caught.value).startswith(f"{folder / file}: damaged (")
    assert str(caught.value).endswith(f"make it again: snakemake results/theory/quick/{file}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "file"), [("sphere", "sphere/d10.json"), ("rates", "rates/plug_in.json")])
def test_an_estimator_that_is_none_is_named(
    name: str, file: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    text = (folder / file).read_text()
    (folder / file).write_text(re.sub('"estimator": "[a-z_]+"', '"estimator": "guess"', text, count=1))
    with pytest.raises(UserError, match="has an estimator 'guess', expected one of"):
        write_theory_table(theory.setting("quick"), f"table_estimators_{name}", results=folder, output=tmp_path)


def test_a_table_that_is_no_table_is_named(theory: TheoryStudy, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="table_9: no such table; allowed: table_latent_recovery,"):
        write_theory_table(theory.setting("quick"), "table_9", results=tmp_path, output=tmp_path)


def test_one_sample_size_is_shown_once(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    own = theory.quick.estimators
    single = replace(own, sphere=replace(own.sphere, samples=(64,), repeats=(9,)))
    study = replace(theory, quick=replace(theory.quick, estimators=single))
    assert len(written(study, "table_estimators_sphere", results(study), tmp_path).rows) == 3
