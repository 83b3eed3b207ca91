"""Other libraries' numbers stand beside the studies they may be compared with, and nowhere else."""

from pathlib import Path

import pandas as pd
import pytest
from tests.report.conftest import write_results

from entrec.report.vision.published import peers
from entrec.report.vision.tables import read_table, write_table
from entrec.study import load_study


@pytest.fixture(scope="module")
def cifar10():
    return load_study(Path("params/cifar10.yaml"))


def test_the_table_of_neighbours_has_the_peers_columns_and_its_csv_their_rows(cifar10, tmp_path):
    results = write_results(cifar10, tmp_path / "results")
    write_table(cifar10, "table_knn", results=results, output=tmp_path)
    layout = read_table(cifar10, "table_knn", tmp_path)
    columns = {(column.label, column.detail): column.cells for column in layout.columns}
    assert columns["solo-learn, linear", "1000 epochs"]["byol"] == "92.6"
    assert columns["lightly, kNN", "200 epochs"]["byol"] == "86.8"
    assert "entrec_cont" not in columns["lightly, kNN", "200 epochs"]
    rows = pd.read_csv(tmp_path / "table_knn.csv")
    theirs = rows[rows["source"] != "ours"]
    assert theirs.groupby("source").size().to_dict() == {"solo-learn": 9, "lightly": 5}
    assert theirs["run"].isna().all()
    assert len(rows[rows["source"] == "ours"]) == 2 * len(cifar10.runs)


def test_the_paper_has_the_peers_of_its_own_methods_and_the_demo_has_none(demo):
    paper = load_study(Path("params/paper.yaml"))
    assert [(peer.label, peer.metric, set(peer.accuracy)) for peer in peers(paper)] == [
        ("lightly", "linear_top1", {"simclr", "byol", "dino"}),
        ("lightly", "knn_top1", {"simclr", "byol", "dino"}),
    ]
    assert peers(demo) == []


def test_every_method_that_a_peer_prints_is_in_the_cifar10_study(cifar10):
    assert sum(len(peer.accuracy) for peer in peers(cifar10)) == 14
