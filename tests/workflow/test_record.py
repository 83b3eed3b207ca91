"""What ships with the repository: the demo's results, which a clone has without a network and without training."""

import hashlib
from pathlib import Path

import pytest
from tests.workflow.conftest import UP_TO_DATE

RECORD = Path("record")
MEGABYTES = 25  # more would make the clone of everyone slow


def test_the_record_is_small_and_every_file_is_what_its_name_says():
    files = [path for path in RECORD.rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) < MEGABYTES * 1e6
    for path in files:
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        assert digest == path.parent.name + path.name.removesuffix(".dir")


@pytest.fixture(scope="module")
def pulled(whole):
    """Return the clone after `make pull`, which has neither a network nor results of its own."""
    whole.environment |= dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    whole.said = whole.succeed("make", "--old-file=.venv/installed", "pull")
    return whole


@pytest.mark.workflow
def test_after_a_pull_both_tools_are_content_and_nothing_has_changed(pulled):
    assert pulled.planned("all") == {}
    assert UP_TO_DATE in pulled.succeed("dvc", "status")
    assert pulled.succeed("git", "status", "--porcelain") == ""


@pytest.mark.workflow
def test_what_was_pulled_is_what_is_published(pulled):
    said = pulled.succeed("python", "-m", "entrec", "compare", "results/demo")
    files, *tables = said.splitlines()
    assert "files are the published ones, to the bit" in files
    assert "differ" not in said
    assert "missing" not in said
    assert len(tables) == 6


@pytest.mark.workflow
def test_a_table_is_rendered_from_pulled_results_and_nothing_trained(pulled):
    table = pulled.folder / "reports/demo/tables/table_1.csv"
    before = table.read_bytes()
    table.unlink()
    assert pulled.planned("table_1") == {"table": {"table_1"}}
    pulled.succeed("snakemake", "table_1")
    assert table.read_bytes() == before


@pytest.mark.workflow
def test_images_that_may_not_be_passed_on_are_prepared_and_not_in_the_record(pulled):
    for dataset in ("digits", "faces", "textures"):
        images = (pulled.folder / "data/demo" / dataset / "images.npy").read_bytes()
        digest = hashlib.md5(images).hexdigest()
        assert (RECORD / "files/md5" / digest[:2] / digest[2:]).exists() == (dataset == "digits")


@pytest.mark.workflow
def test_the_page_on_dvc_counts_the_columns_of_its_tables(pulled):
    page = Path("docs/dvc.md").read_text(encoding="utf-8")
    metrics = pulled.succeed("dvc", "metrics", "show", "--md").splitlines()[0]
    assert f"{metrics.count('|') - 1} columns" in page
    said = pulled.succeed("dvc", "exp", "show", "--csv")
    header = next(line for line in said.splitlines() if line.startswith("Experiment,"))
    assert f"{header.count(',') + 1:,} columns" in page
