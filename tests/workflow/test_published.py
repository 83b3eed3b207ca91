"""A study whose results Snakemake made on another machine: they are recorded, pushed, pulled and adopted."""

import re
import shutil

import pytest
import yaml

from entrec.yaml_reader import read_yaml

pytestmark = pytest.mark.workflow
AS_USUAL = ("--old-file=.venv/installed", "STUDY=small")  # the environment is not what is tested
COMMIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm")


@pytest.fixture(scope="module")
def computed(clone):
    """Return the clone after Snakemake alone has run a study `small` of one untrained network, as on a cluster."""
    study = read_yaml(clone.folder / "params/demo.yaml")
    study["methods"] = {"untrained": {}}
    study["evaluation"]["transfer"]["datasets"] = []
    study["datasets"] = {"digits": study["datasets"]["digits"]}
    (clone.folder / "params/small.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    clone.succeed("git", "add", "params/small.yaml")
    clone.succeed(*COMMIT, "small")
    clone.succeed("snakemake", "all", "--configfile", "params/small.yaml")
    return clone


def test_results_that_are_not_all_there_are_not_recorded(computed):
    table = computed.folder / "reports/small/tables/table_1.csv"
    aside = table.rename(table.with_suffix(".aside"))
    try:
        said = computed.fail("make", *AS_USUAL, "record")
    finally:
        aside.rename(table)
    assert "params/small.yaml: not all its results are there and up to date; run Snakemake first" in said
    assert not (computed.folder / "dvc/small/dvc.lock").exists()


def test_old_results_are_not_recorded_under_new_settings(computed):
    """As in a clone that results were copied to: Snakemake has no record of them and finds nothing to do."""
    study, record = computed.folder / "params/small.yaml", computed.folder / ".snakemake"
    text, aside = study.read_text(), record.rename(record.with_suffix(".aside"))
    computed.edit("params/small.yaml", "neighbours: 20", "neighbours: 10")
    try:
        said = computed.fail("make", *AS_USUAL, "run")
    finally:
        study.write_text(text)
        shutil.rmtree(record)
        aside.rename(record)
    assert "Nothing to be done" in said
    assert "results/small/untrained-b256-e2-s0/evaluation.json: the study has since changed evaluation.knn" in said
    assert not (computed.folder / "dvc/small/dvc.lock").exists()


def test_what_was_recorded_and_pushed_is_pulled_and_adopted_elsewhere(computed, checkout, tmp_path):
    computed.succeed("make", *AS_USUAL, "record")
    computed.succeed("dvc", "remote", "add", "--force", "shelf", str(tmp_path / "remote"))
    assert "record/ is for published studies" in computed.fail("make", *AS_USUAL, "push")
    computed.succeed("make", *AS_USUAL, "push", "REMOTE=shelf")
    computed.succeed("git", "add", "dvc/small", ".dvc/config")
    computed.succeed(*COMMIT, "publish")
    folder = tmp_path / "second"
    computed.succeed("git", "clone", "-q", str(computed.folder), str(folder))
    second = checkout(folder)
    second.succeed("make", *AS_USUAL, "pull", "REMOTE=shelf")
    said = second.succeed("snakemake", "-n", "all", "--quiet", "reason", "host", "--configfile", "params/small.yaml")
    assert not re.findall(r"^Job \d+: (.+)$", said, re.MULTILINE)
    ours, theirs = (f.folder / "results/small/untrained-b256-e2-s0/encoder.safetensors" for f in (second, computed))
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_study_that_nobody_published_is_told(computed):
    said = computed.fail("make", "--old-file=.venv/installed", "STUDY=zoo", "pull")
    assert "dvc/zoo/dvc.lock: missing, so that nothing of this study is published with this commit" in said
