"""DVC's own commands show the results of a study, and an experiment of DVC changes what it names."""

import csv
import io
import json
import shutil

import pytest

pytestmark = pytest.mark.workflow
STUDY, RUN = "params/demo.yaml", "results/demo/simclr-b256-e2-s0"


@pytest.fixture(scope="module")
def experiment(finished, checkout, tmp_path_factory):
    """Return a copy of the finished clone after an experiment with another temperature."""
    folder = tmp_path_factory.mktemp("views") / "entrec"
    shutil.copytree(finished.folder, folder, symlinks=True)
    clone = checkout(folder)
    for key, value in {"user.name": "t", "user.email": "t@example.org"}.items():
        clone.succeed("git", "config", key, value)
    clone.commit("results")
    clone.succeed("dvc", "exp", "run", "--name", "warm", "-S", f"{STUDY}:methods.simclr.temperature=0.4")
    return clone


def shown(clone, *command):
    """Return what a command of DVC prints as JSON; warnings precede it."""
    said = clone.succeed("dvc", *command, "--json")
    return json.loads(said[said.index("{") :])


def stored(clone):
    """Return the accuracy that the evaluation of the run says."""
    path = f"{RUN}/evaluation.json"
    return json.loads((clone.folder / path).read_text())["linear"]["test"]


def test_metrics_are_those_of_the_evaluations(experiment):
    found = shown(experiment, "metrics", "show")[""]["data"]
    assert found[f"{RUN}/evaluation.json"]["data"]["linear"]["test"] == stored(experiment)
    assert f"{RUN}/transfer/faces.json" in found
    assert not any("error" in file for file in found.values())


def test_metrics_of_the_changed_method_alone_differ_from_the_commit(experiment):
    changed = shown(experiment, "metrics", "diff")
    assert changed
    assert all(path.startswith("results/demo/simclr-") for path in changed)


def test_the_parameter_that_was_set_is_the_only_one_that_changed(experiment):
    (change,) = shown(experiment, "params", "diff")[STUDY].items()
    assert (change[0], change[1]["old"], change[1]["new"]) == ("methods.simclr.temperature", 0.1, 0.4)


def test_the_table_of_experiments_has_the_experiment(experiment):
    columns = r"^(?!Experiment|rev|.*temperature|.*simclr-b256-e2-s0/evaluation.json:linear\.test$)"
    said = experiment.succeed("dvc", "exp", "show", "--csv", "--drop", columns)
    rows = {row["Experiment"]: row for row in csv.DictReader(io.StringIO(said))}
    assert rows["warm"]["methods.simclr.temperature"] == "0.4"
    accuracy = float(rows["warm"][f"{RUN}/evaluation.json:linear.test"])
    assert accuracy == pytest.approx(stored(experiment), abs=1e-5)


def test_every_plot_is_drawn_without_an_error(experiment, tmp_path):
    for command in (("show",), ("diff", "HEAD")):
        found = shown(experiment, "plots", *command)
        assert not found.get("errors")
        assert {"loss_simclr", "loss_entrec_cont"} <= found["data"].keys()
        assert any("table_1.csv" in name for name in found["data"])
        experiment.succeed("dvc", "plots", *command, "--out", str(tmp_path / command[0]))
    images = {path.name for path in (tmp_path / "diff/static").iterdir()}
    assert {f"{rev}_reports_demo_figures_information_over_training.svg" for rev in ("HEAD", "workspace")} <= images


@pytest.mark.parametrize("override", ["seeds.main=[0,1]", "batch_sizes=[256]", "epochs=[2]"])
def test_a_list_of_runs_that_is_set_is_refused_in_one_line(experiment, override):
    experiment.succeed("git", "stash", "--quiet")
    try:
        said = experiment.fail("dvc", "exp", "run", "-S", f"{STUDY}:{override}")
    finally:
        experiment.succeed("git", "checkout", "--quiet", "--force", ".")
        experiment.succeed("git", "stash", "pop", "--quiet")
    assert [line for line in said.splitlines() if line.startswith("entrec: ")] == [
        "entrec: dvc.yaml: its stages are not those of params/demo.yaml, whose runs or datasets have changed; edit the"
        " study file instead of using -S, and write the stages again:"
        " python -m entrec dvc --study params/demo.yaml --output dvc.yaml"
    ]


def test_after_the_experiment_is_undone_the_committed_results_are_back(experiment):
    experiment.succeed("git", "restore", ".")
    experiment.succeed("dvc", "checkout")
    experiment.succeed("make", "--old-file=.venv/installed", "adopt")
    assert shown(experiment, "metrics", "diff") == {}
    assert experiment.planned("all") == {}
