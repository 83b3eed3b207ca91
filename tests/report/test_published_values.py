"""Other libraries' numbers stand beside the studies they may be compared with, and nowhere else."""

from pathlib import Path

import pandas as pd
from tests.report.conftest import write_results

from entrec.report.vision.published import published_rows
from entrec.report.vision.tables import lay_out, table_rows, write_table
from entrec.study import load_study


def test_the_table_of_neighbours_has_the_columns_of_other_libraries_and_its_csv_their_rows(tmp_path):
    cifar10 = load_study(Path("params/cifar10.yaml"))
    results = write_results(cifar10, tmp_path / "results")
    table = lay_out(cifar10, "table_knn", table_rows(cifar10, "table_knn", results))
    columns = {(column.label, column.detail): column.cells for column in table.columns}
    assert columns["solo-learn, linear", "1000 epochs"]["byol"] == "92.6"
    assert columns["lightly, kNN", "200 epochs"]["byol"] == "86.8"
    assert "entrec_cont" not in columns["lightly, kNN", "200 epochs"]
    write_table(cifar10, "table_knn", results=results, output=tmp_path)
    rows = pd.read_csv(tmp_path / "table_knn.csv")
    theirs = rows[rows["source"] != "ours"]
    assert theirs.groupby("source").size().to_dict() == {"solo-learn": 9, "lightly": 5}
    assert theirs["run"].isna().all()
    assert len(rows[rows["source"] == "ours"]) == 2 * len(cifar10.runs)


def test_the_paper_has_other_libraries_numbers_of_its_own_methods_and_the_demo_has_none(demo):
    paper = load_study(Path("params/paper.yaml"))
    found = {(row["source"], row["metric"], row["method"]) for row in published_rows(paper, "table_knn")}
    metrics, methods = ("linear_top1", "knn_top1"), ("simclr", "byol", "dino")
    assert found == {("lightly", metric, method) for metric in metrics for method in methods}
    assert list(published_rows(demo, "table_knn")) == []
