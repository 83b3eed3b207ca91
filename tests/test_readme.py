"""The README's numbers are those of the published tables."""

import re
import statistics
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from entrec.report.theory_verdicts import theory_verdicts

PUBLISHED = Path("reports/published/demo")
THEORY = Path("reports/published/theory/quick")
CELLS = re.compile(r"^\| (\w+) \| ([\d.]+) ± ([\d.]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def number(cell):
    cell = cell.strip().replace("−", "-")
    return float(cell) if cell else None


@pytest.fixture(scope="module")
def values():
    """Method to (accuracies of the main column, Δ at batch 128, at batch 64, after 10 epochs)."""
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


def test_the_zoos_range_is_that_of_the_published_table():
    text = Path("README.md").read_text(encoding="utf-8")
    low, high = map(float, re.search(r"thirteen methods of the zoo score ([\d.]+) to ([\d.]+) %", text).groups())
    means = pd.read_csv("reports/published/zoo/table_1.csv").groupby("title")["value"].mean()
    methods = means.drop(["Untrained", "Supervised"])
    assert len(methods) == 13
    assert (low, high) == (round(methods.min(), 1), round(methods.max(), 1))
    assert f"network has {means['Untrained']:.1f} %" in text


def test_the_verdict_on_the_rates_is_that_of_the_published_fits():
    (verdict,) = (
        v for v in theory_verdicts(pd.read_csv(THEORY / "table_estimators_rates.csv")) if v.claim.name == "C8"
    )
    (row,) = (line for line in Path("README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| C8 "))
    assert f"| {verdict.status}: {verdict.sentence.split('. ')[0]}" in row


@pytest.mark.parametrize("path", sorted(Path("reports/published").rglob("provenance.csv")), ids=str)
def test_published_results_were_made_from_a_clean_commit_by_one_code(path):
    provenance = pd.read_csv(path)
    assert not provenance["dirty"].any()
    assert len(set(provenance["code"])) == 1
    assert len(set(provenance["commit"])) == 1
