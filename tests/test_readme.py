"""The README's numbers are those of the published tables."""

import re
import runpy
import statistics
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from entrec.pipeline.jobs import Jobs
from entrec.plan.assumptions import device_of
from entrec.plan.costs import plan_of
from entrec.report.theory.verdicts import judge, rates_verdict
from entrec.study import load_study
from entrec.theory.study import load_theory

PUBLISHED = Path("reports/published/demo")
THEORY = Path("reports/published/theory/quick")
CELLS = re.compile(r"^\| (\w+) \| ([\d.]+) ± ([\d.]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def number(cell):
    cell = cell.strip().replace("−", "-")
    return float(cell) if cell else None


@pytest.fixture(scope="module")
def values():
    """Method to (accuracies of the headline setting, Δ at batch 128, at batch 64, after 10 epochs)."""
    rows = defaultdict(lambda: [[], None, None, None])
    for name, columns in (("table_1", {128: 1, 64: 2}), ("table_2", {10: 3})):
        table = pd.read_csv(PUBLISHED / f"{name}.csv")
        for row in table.itertuples():
            place = columns.get(row.batch_size if name == "table_1" else row.epochs)
            if place:
                rows[row.title][place] = row.delta
            elif name == "table_1":
                rows[row.title][0].append(row.value)
    return rows


def test_the_demo_table_is_the_published_one(values):
    shown = CELLS.findall(Path("README.md").read_text(encoding="utf-8"))
    assert [row[0] for row in shown] == list(values)
    for title, mean, deviation, *deltas in shown:
        accuracies, *expected = values[title]
        assert float(mean) == pytest.approx(statistics.mean(accuracies), abs=0.051)
        assert float(deviation) == pytest.approx(statistics.stdev(accuracies), abs=0.051)
        for cell, value in zip(deltas, expected, strict=True):
            assert number(cell) == (None if value is None else pytest.approx(value, abs=0.051))


def test_the_first_screen_expects_what_was_published(values):
    text = Path("README.md").read_text(encoding="utf-8")
    expected = re.search(
        r"EntRecCont at about ([\d.]+) % and SimCLR at about ([\d.]+) % .*?untrained network has ([\d.]+) %",
        text,
        re.DOTALL,
    )
    for title, shown in zip(("EntRecCont", "SimCLR", "Untrained"), expected.groups(), strict=True):
        assert float(shown) == pytest.approx(statistics.mean(values[title][0]), abs=0.051)


def test_the_number_of_jobs_is_that_of_the_demo(demo):
    text = Path("README.md").read_text(encoding="utf-8")
    assert f"runs {len(list(Jobs(demo)))} jobs" in text


def test_the_bound_rose_for_as_many_methods_as_the_page_says():
    text = Path("README.md").read_text(encoding="utf-8")
    history = pd.read_csv(PUBLISHED / "information_over_training.csv")
    assert "the bound was measured for 6 methods and rose for 6 of them" in text
    ends = history.sort_values("step").groupby("method")["bound"].agg(["first", "last"])
    assert len(ends) == 6
    assert (ends["last"] > ends["first"]).all()


def test_the_zoos_steps_are_those_of_its_settings(digits):
    zoo = load_study(Path("params/zoo.yaml"))
    steps = zoo.epochs[0] * (len(digits.indices("train")) // zoo.batch_sizes[0])
    assert f"With {steps:,} steps in batches of {zoo.batch_sizes[0]}" in Path("README.md").read_text(encoding="utf-8")


def test_raw_pixels_score_what_is_said_of_them(demo, digits):
    score = runpy.run_path("benchmarks/raw_pixels.py")["score"]
    found = 100 * score(demo, digits).test
    assert f"protocol scores {found:.1f} % on the 64 raw pixels" in Path("README.md").read_text(encoding="utf-8")


def test_the_zoos_range_is_that_of_the_published_table():
    text = Path("README.md").read_text(encoding="utf-8")
    low, high = map(float, re.search(r"nineteen methods of the zoo score ([\d.]+) to ([\d.]+) %", text).groups())
    means = pd.read_csv("reports/published/zoo/table_1.csv").groupby("title")["value"].mean()
    methods = means.drop(["Untrained", "Supervised"])
    assert len(methods) == 19
    assert (low, high) == (round(methods.min(), 1), round(methods.max(), 1))
    assert f"network has {means['Untrained']:.1f} %" in text


@pytest.mark.parametrize("claim", ["C2", "C3", "C8"])
def test_the_verdicts_of_the_theory_are_those_of_the_published_tables(claim):
    setting = load_theory(Path("params/theory.yaml")).setting("quick")
    found = judge(setting, lambda name: pd.read_csv(THEORY / f"{name}.csv"))
    verdict = {verdict.name: verdict for verdict in found}[claim]
    lines = Path("README.md").read_text(encoding="utf-8").splitlines()
    (row,) = (line for line in lines if line.startswith(f"| {claim} "))
    said = re.split(r"[.](?: |$)| [(]", verdict.sentence)[0]
    assert f"| {verdict.status}: {said[0].lower()}{said[1:]}" in row
    assert row.count("|") == 5


@pytest.mark.parametrize("path", sorted(Path("reports/published").rglob("provenance.csv")), ids=str)
def test_published_results_were_made_from_a_clean_commit_by_one_code(path):
    provenance = pd.read_csv(path)
    assert not provenance["dirty"].any()
    assert len(set(provenance["code"])) == 1
    assert len(set(provenance["commit"])) == 1


def test_what_is_said_of_one_row_of_latents_is_its_mean():
    scores = pd.read_csv(THEORY / "table_latent_recovery.csv")
    own = scores[scores["row"] == "sphere_vmf10"].groupby("representation")["r2"].mean()
    text = Path("README.md").read_text(encoding="utf-8")
    left_out, own_kernel = (f"{100 * own[name]:.1f}" for name in ("entrec_leave_one_out", "entrec_resubstitution"))
    assert f"for vMF pairs of κ = 10 R² is {left_out} % leave-one-out and {own_kernel} % by resubstitution" in text


def test_the_papers_gpu_hours_are_those_of_its_plan():
    study = load_study(Path("params/paper.yaml"))
    plan = plan_of(study, device=device_of(study, None), data=Path("nowhere"), results=None)
    (said,) = re.findall(r"some ([\d,]+) GPU-hours on (\w+)s:", Path("README.md").read_text())
    assert said == (f"{round(sum(cost.device_hours for cost in plan.costs), -2):,.0f}", plan.device.title)


def test_the_rates_of_the_full_setting_are_counted_by_its_verdict():
    sentence = rates_verdict(pd.read_csv("reports/published/theory/full/table_estimators_rates.csv")).sentence
    counted = [int(number) for number in re.findall(r"\d+", sentence)[:4]]
    text = " ".join(Path("README.md").read_text(encoding="utf-8").split())
    said = re.search(
        r"(\d+) exponents were fitted in (\d+) cases, of which (\d+) agree with the stated exponent, (\d+) are", text
    )
    assert [int(number) for number in said.groups()] == counted


def test_every_test_on_a_gpu_passed():
    tests = pd.read_csv("reports/published/gpu/tests.csv")
    assert set(tests["outcome"]) == {"passed"}
