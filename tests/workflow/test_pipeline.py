"""The shrunken demo through Snakemake and DVC for real."""

import re
import shutil

import pytest
import yaml
from tests.workflow.conftest import UP_TO_DATE, ended

from entrec.pipeline.jobs import TABLES
from entrec.yaml_reader import read_yaml

pytestmark = pytest.mark.workflow


def test_the_whole_study_runs_and_a_second_time_does_nothing(finished):
    for page in ("index.html", "provenance.html"):
        assert (finished.folder / "reports/demo" / page).stat().st_size > 10_000
    assert "Nothing to be done" in finished.succeed("snakemake", "all")


def test_dvc_agrees_that_everything_is_up_to_date(finished):
    assert UP_TO_DATE in finished.succeed("dvc", "status")
    assert UP_TO_DATE in finished.succeed("dvc", "repro")


def test_all_means_that_every_result_is_there(finished):
    encoder = finished.folder / "results/demo/simclr-b128-e2-s0/encoder.safetensors"
    aside = encoder.rename(encoder.with_suffix(".aside"))
    try:
        assert finished.planned("all")["pretrain"] == {"simclr-b128-e2-s0"}
    finally:
        aside.rename(encoder)


def test_a_run_that_the_study_does_not_have_is_no_target(finished):
    said = finished.fail("snakemake", "-n", "--", "results/demo/simclr-b256-e2-s7/evaluation.json")
    assert "MissingRuleException" in said or "No rule to produce" in said


def test_every_job_ends_with_one_line_that_has_its_scores_and_writes_its_progress_to_its_log(finished):
    told = ended(finished.said)
    assert len(told) == len(set(told)) == 19 + len(TABLES)  # 2 datasets, 7 runs trained and evaluated, 2 pages, `all`
    assert "pretrain simclr-b256-e2-s0" in told
    scores = r"evaluate_and_transfer simclr-b256-e2-s0: linear [\d.]+%, nearest neighbours [\d.]+%, faces [\d.]+%"
    assert [line for line in told if re.fullmatch(scores, line)]
    log = (finished.folder / "logs/demo/pretrain/simclr-b256-e2-s0.log").read_text()
    assert "pretrain: 8/8 done" in log


def test_the_workflow_report_is_written(finished):
    finished.succeed("snakemake", "all", "--report", "workflow.html")
    assert (finished.folder / "workflow.html").stat().st_size > 10_000


@pytest.fixture(scope="session")
def pulled(finished, checkout, tmp_path_factory):
    """Return a second clone, which has fetched the results of the first one from a remote."""
    remote = tmp_path_factory.mktemp("remote")
    finished.succeed("dvc", "remote", "add", "--force", "shelf", str(remote))
    finished.succeed("dvc", "push", "--quiet", "--remote", "shelf")
    finished.succeed("git", "add", "dvc.lock", ".dvc/config")
    finished.succeed("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "publish")
    folder = tmp_path_factory.mktemp("second") / "entrec"
    finished.succeed("git", "clone", "-q", str(finished.folder), str(folder))
    second = checkout(folder)
    second.succeed("make", "--old-file=.venv/installed", "pull", "REMOTE=shelf")
    return second


def test_after_a_pull_a_table_is_rendered_and_nothing_trained(pulled):
    assert pulled.planned("table_1") == {}
    shutil.rmtree(pulled.folder / "reports/demo")
    assert pulled.planned("table_1") == {"table": {"table_1"}}
    pulled.succeed("snakemake", "table_1")
    assert UP_TO_DATE in pulled.succeed("dvc", "checkout", "dvc.yaml") + pulled.succeed("dvc", "status", "dvc.yaml")


def test_editing_one_method_makes_exactly_its_chain_stale_in_both_tools(pulled):
    study = pulled.folder / "params/demo.yaml"
    settings = read_yaml(study)
    settings["methods"]["simclr"]["temperature"] = 0.3
    study.write_text(yaml.safe_dump(settings, sort_keys=False))
    stale = pulled.planned("all")
    runs = {f"simclr-b{b}-e{e}-s0" for b, e in ((256, 2), (128, 2), (256, 1))}
    assert stale["pretrain"] == stale["evaluate"] | stale["evaluate_and_transfer"] == runs
    assert stale["evaluate_and_transfer"] == {"simclr-b256-e2-s0"}
    assert "prepare" not in stale
    status = pulled.succeed("dvc", "status")
    assert {line.rstrip(":") for line in status.splitlines() if line.startswith("pretrain@")} == {
        f"pretrain@{run}" for run in runs
    }
    pulled.succeed("git", "checkout", "params/demo.yaml")


def test_a_wrong_key_stops_with_one_line_before_any_job(clone):
    clone.edit("params/demo.yaml", "width: 8", "widht: 8")
    try:
        said = clone.fail("snakemake", "all").splitlines()
    finally:
        clone.edit("params/demo.yaml", "widht: 8", "width: 8")
    (line,) = [line for line in said if "widht" in line]
    says = r"network.widht: unknown key \(value 8\); did you mean width\? allowed: backbone, width, stem"
    assert re.fullmatch(rf"entrec: params/demo.yaml, line \d+: {says}", line)
    assert not any("Traceback" in line for line in said)


def test_an_unknown_target_is_named(clone):
    said = clone.fail("snakemake", "table_9")
    assert re.search("^entrec: table_9: no such target; did you mean table_2. there are: table_1, ", said, re.MULTILINE)
    assert "Traceback" not in said


def test_a_study_file_that_does_not_exist_is_named_without_a_traceback(clone):
    said = clone.fail("snakemake", "all", "--configfile", "params/dmo.yaml")
    assert "entrec: --configfile params/dmo.yaml: no such file; did you mean params/demo.yaml?" in said
    assert "Traceback" not in said


def test_a_study_file_of_the_same_name_elsewhere_is_refused(clone):
    (clone.folder / "elsewhere").mkdir()
    shutil.copy(clone.folder / "params/demo.yaml", clone.folder / "elsewhere")
    said = clone.fail("snakemake", "-n", "all", "--configfile", "elsewhere/demo.yaml")
    assert "entrec: elsewhere/demo.yaml: results/demo belong to params/demo.yaml, which has the same name" in said


def test_a_path_of_odd_characters_works_end_to_end(clone):
    folder = clone.folder / "odd {x} 'q' $(touch Y) \"é\" 🙂;"
    folder.mkdir()
    shutil.copy(clone.folder / "params/demo.yaml", folder / "Odd-1.yaml")
    clone.succeed("snakemake", "data/Odd-1/faces/card.json", "--configfile", str(folder / "Odd-1.yaml"))
    assert not (clone.folder / "Y").exists()


def test_two_studies_at_once_are_refused(clone):
    said = clone.fail("snakemake", "all", "--configfile", "params/demo.yaml", "params/fashion.yaml")
    assert "one study at a time" in said


def test_an_altered_dataset_is_named_and_no_result_is_lost(finished):
    images = finished.folder / "data/demo/digits/images.npy"
    good = images.read_bytes()
    encoder = finished.folder / "results/demo/simclr-b256-e2-s0/encoder.safetensors"
    before = encoder.read_bytes()
    images.chmod(0o644)
    images.write_bytes(good[:-1])
    try:
        said = finished.fail(
            "python", "-m", "entrec", "pretrain", "--study", "params/demo.yaml", "--run", "simclr-b256-e2-s0",
            "--data", "data/demo/digits", "--output", "results/demo/simclr-b256-e2-s0",
        )  # fmt: skip
    finally:
        images.write_bytes(good)
    assert said.startswith("entrec: data/demo/digits/images.npy: truncated or altered")
    assert said.count("\n") == 1
    assert encoder.read_bytes() == before
