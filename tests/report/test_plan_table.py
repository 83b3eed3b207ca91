"""The report's plan beside what it took."""

import pytest

from entrec.plan.assumptions import device_of
from entrec.plan.costs import plan_of
from entrec.report.vision.plan_table import plan_table
from entrec.report.vision.provenance import find_provenance


def rows(table):
    """Return the texts of every row by its title."""
    return {title: [column.cells[key] for column in table.columns] for key, title in table.rows}


def test_a_row_says_jobs_planned_and_actual_hours_and_speeds(demo, results, tmp_path):
    folder = results(demo)
    table = rows(plan_table(demo, find_provenance(demo, folder, fingerprint=""), tmp_path))
    runs = sum(run.method == "simclr" for run in demo.runs)
    threads = demo.asked("pretrain").threads
    plan = plan_of(demo, device=device_of(demo, None), data=tmp_path, results=None)
    costs = [c for c in plan.costs if c.job.rule == "pretrain" and c.job.run.method == "simclr"]
    planned = sum(c.device_hours for c in costs)
    actual = runs * 9.5 * threads / 3600  # 9.5 s each, see conftest.py
    jobs, hours, took, ratio, _, speed = table["SimCLR"]
    assert int(jobs) == runs
    assert float(hours) == pytest.approx(planned, rel=5e-3)
    assert float(took) == pytest.approx(actual, rel=5e-3)
    assert float(ratio.replace(",", "")) == pytest.approx(actual / planned, rel=1e-2)
    assert float(speed.replace(",", "")) == pytest.approx(2310.5 / threads, rel=1e-3)
    tests = len(demo.headline_runs) * len(demo.evaluation.transfer.datasets)
    assert int(table["Fine-tuning"][0]) == tests


def test_the_plan_in_the_report_is_the_one_of_before_the_runs(demo, results, tmp_path):
    folder = results(demo)
    found = find_provenance(demo, folder, fingerprint="")
    data = tmp_path / "results"  # where a plan that looks for measured speeds would meet these
    with_results = rows(plan_table(demo, found, data))
    without = rows(plan_table(demo, found.iloc[:0], data))
    assert [row[1] for row in with_results.values()] == [row[1] for row in without.values()]
    assert {row[2] for row in without.values()} == {"–"}
