"""What the command of a DVC stage does: nothing where a result is today's, otherwise it calls Snakemake."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from entrec.errors import UserError
from entrec.pipeline import run_cache, stage
from entrec.pipeline.dvc import stages
from entrec.pipeline.jobs import Jobs
from entrec.pipeline.stage import run_stage
from entrec.study import load_study
from entrec.theory.study import load_theory

DEMO, THEORY = Path("params/demo.yaml"), Path("params/theory.yaml")
ENCODERS = [f"results/demo/simclr-b256-e20-s{seed}/encoder.safetensors" for seed in (0, 1)]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]


@pytest.fixture
def demo():
    return load_study(DEMO)


@pytest.fixture
def theory():
    return load_theory(THEORY).setting("quick")


@pytest.fixture
def folder(tmp_path, demo, monkeypatch):
    """An empty clone, but for the inputs of the runs; nothing is in DVC's run cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    card = Jobs(demo).paths.dataset(demo.dataset).card
    card.parent.mkdir(parents=True)
    card.touch()
    return tmp_path


@pytest.fixture
def called(monkeypatch):
    """Collect the commands that are called."""
    commands = []
    monkeypatch.setattr(stage, "_call", commands.append)
    return commands


def stale(monkeypatch, *targets):
    """Let the outputs of exactly the jobs with these first outputs not be today's."""
    fault = [UserError("made with other settings")]
    monkeypatch.setattr(stage, "faults", lambda job, study: fault if str(job.outputs[0]) in targets else [])


def test_snakemake_makes_what_is_not_todays_and_nothing_else(demo, folder, called, monkeypatch, capsys):
    stale(monkeypatch, ENCODERS[1])
    run_stage(demo, DEMO, ENCODERS)
    options = ["--configfile", "params/demo.yaml", "--allowed-rules", "pretrain", "--forcerun", "pretrain"]
    assert called == [[*SNAKEMAKE, *options, "--", ENCODERS[1]]]
    assert capsys.readouterr().out == f"{ENCODERS[0]}: is what today's parameters and inputs make\n"


def test_nothing_is_called_for_a_result_that_is_todays(demo, folder, called, monkeypatch):
    stale(monkeypatch)
    run_stage(demo, DEMO, ENCODERS)
    assert called == []


def test_the_theory_is_named_by_its_targets_alone(theory, folder, called, monkeypatch):
    target = "results/theory/quick/rates/plug_in.json"
    stale(monkeypatch, target)
    run_stage(theory, THEORY, [target])
    only = ["--allowed-rules", "theory_rates", "--forcerun", "theory_rates"]
    assert called == [[*SNAKEMAKE, *only, "--", target]]


def test_what_the_run_cache_restores_is_shown_to_snakemake_and_not_made_again(demo, folder, called, monkeypatch):
    def restored(targets):
        stale(monkeypatch, ENCODERS[0])
        return True

    stale(monkeypatch, *ENCODERS)
    monkeypatch.setattr(run_cache, "restored", restored)
    run_stage(demo, DEMO, ENCODERS)
    assert [("--touch" in command, command[-1]) for command in called] == [(True, ENCODERS[1]), (False, ENCODERS[0])]


def test_what_the_run_cache_restores_is_compared_with_todays_study(demo, folder, called, monkeypatch):
    """`dvc commit --force` after an edit records old results under new parameters."""
    stale(monkeypatch, ENCODERS[0])
    monkeypatch.setattr(run_cache, "restored", lambda targets: True)
    run_stage(demo, DEMO, ENCODERS[:1])
    assert called


@pytest.mark.parametrize(
    ("kind", "file", "refused"),
    [
        ("output", ENCODERS[0], True),
        ("output", "data/demo/digits/card.json", True),
        ("input", ENCODERS[0], True),
        ("input", "data/demo/digits/card.json", False),
        ("output", "results/demo/other/encoder.safetensors", False),
    ],
)
def test_nothing_is_done_while_snakemake_works_on_the_same_files(
    demo, folder, called, monkeypatch, kind, file, refused
):
    stale(monkeypatch, ENCODERS[0])
    stage.LOCKS.mkdir(parents=True)
    (stage.LOCKS / f"0.{kind}.lock").write_text(f"results/x\n{file}\n")
    if refused:
        with pytest.raises(UserError, match=r"Snakemake is running in this folder; .* snakemake --unlock$"):
            run_stage(demo, DEMO, ENCODERS[:1])
    else:
        run_stage(demo, DEMO, ENCODERS[:1])
    assert bool(called) != refused


def test_a_missing_input_is_one_line(demo, folder, called, monkeypatch):
    stale(monkeypatch, "results/demo/simclr-b256-e20-s0/evaluation.json")
    with pytest.raises(UserError, match=r"^results/demo/.*: missing, and results/demo/.*evaluation.json needs it; run"):
        run_stage(demo, DEMO, ["results/demo/simclr-b256-e20-s0/evaluation.json"])


def test_a_target_that_the_study_no_longer_has_is_one_line(demo, folder, called):
    with pytest.raises(UserError, match=r"s7/evaluation.json: params/demo.yaml has no such result; write its DVC stag"):
        run_stage(demo, DEMO, ["results/demo/simclr-b256-e20-s7/evaluation.json"])


def test_a_dvc_that_runs_stages_of_other_runs_is_refused_before_anything_else(demo, folder, called, monkeypatch):
    """`dvc exp run -S` with another list of seeds, for example."""
    Path("dvc.yaml").write_text(stages(demo, DEMO))
    monkeypatch.setenv("DVC_STAGE", "table_1")
    fewer = replace(demo, batch_sizes=demo.batch_sizes[:1])
    with pytest.raises(UserError, match=r"^dvc.yaml: its stages are not those of params/demo.yaml, whose runs"):
        run_stage(fewer, DEMO, ["reports/demo/tables/table_1.csv"])
    assert called == []


def test_the_stage_file_is_the_one_that_dvc_names(demo, folder, called, monkeypatch):
    stale(monkeypatch)
    written = Path("dvc/demo/dvc.yaml")
    written.parent.mkdir(parents=True)
    written.write_text(stages(replace(demo, batch_sizes=(256,)), DEMO, folder=written.parent))
    monkeypatch.setenv("DVC_STAGE", f"{written}:table_1")
    with pytest.raises(UserError, match=rf"^{written}: its stages"):
        run_stage(demo, DEMO, ENCODERS[:1])


def test_a_failure_of_snakemake_ends_the_stage_with_its_code(folder, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match=r"^3$"):
        stage._call([sys.executable, "-c", "import sys; sys.exit(3)"])


def test_a_stage_that_is_asked_to_stop_waits_until_snakemake_has_stopped(folder):
    """Otherwise DVC would go on while Snakemake still removes and writes files."""
    child = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), print('saved'),"
        " sys.exit(4))); print('ready', flush=True); time.sleep(60)"
    )
    code = f"import sys; from entrec.pipeline.stage import _call; _call([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 4
        assert process.stdout.read() == "saved\n"
