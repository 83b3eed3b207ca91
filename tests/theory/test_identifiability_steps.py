"""The steps around one training: what they write, that they resume, what they refuse."""

import json
import os
import signal
from dataclasses import replace

import pytest

from entrec.errors import Interrupted, UserError
from entrec.theory.identifiability import training
from entrec.theory.identifiability.steps import content_isolation, latent_recovery
from entrec.theory.runs import content_isolation_runs, latent_recovery_runs

STEPS = {
    "latent_recovery": (latent_recovery, latent_recovery_runs),
    "content_isolation": (content_isolation, content_isolation_runs),
}


@pytest.fixture(scope="session")
def tiny(study):
    """The quick setting with small networks and a few steps."""
    own = study.quick
    network = replace(own.latent_recovery.network, draws=50, hidden=(8,))
    training = replace(own.latent_recovery.training, batch_size=64, steps=6, trace_every=2, trace_points=160)
    shared = {"network": network, "training": training, "points": 160}
    rows = {name: replace(row, steps=None) for name, row in own.latent_recovery.rows.items()}
    quick = replace(
        own,
        latent_recovery=replace(own.latent_recovery, **shared, scatter=7, rows=rows),
        content_isolation=replace(own.content_isolation, **shared),
    )
    return replace(study, quick=quick)


def first(study, part):
    return STEPS[part][1](getattr(study.quick, part))[0]


@pytest.mark.parametrize("part", STEPS)
def test_a_run_leaves_its_result_encoder_and_process_and_no_checkpoint(tiny, tmp_path, part):
    run = first(tiny, part)
    STEPS[part][0](tiny.setting("quick"), str(run), output=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "encoder.safetensors",
        "process.safetensors",
        "run.circumstances.json",
        "run.json",
    ]
    found = json.loads((tmp_path / "run.json").read_text())
    assert (found["setting"], found["row"], found["method"], found["seed"]) == ("quick", run.row, run.method, run.seed)
    assert found["made_from"]["params"][f"quick.{part}.points"] == 160
    assert json.loads((tmp_path / "run.circumstances.json").read_text())["code"]


def test_the_batch_size_is_that_of_the_runs_name(tiny, tmp_path):
    sizes = {}
    for run in latent_recovery_runs(tiny.quick.latent_recovery):
        if run.row == tiny.quick.latent_recovery.sweep.row and run.method == "info_nce" and run.seed == 0:
            latent_recovery(tiny.setting("quick"), str(run), output=tmp_path / str(run))
            found = json.loads((tmp_path / str(run) / "run.json").read_text())
            sizes[found["batch_size"]] = found["trace"][0]["objective"]
    assert set(sizes) == {64, *tiny.quick.latent_recovery.sweep.batch_sizes}
    assert len(set(sizes.values())) == len(sizes)


def assert_same_results(folder, other):
    """Two runs left the same bits."""
    for file in ("encoder.safetensors", "process.safetensors", "run.json"):
        assert (folder / file).read_bytes() == (other / file).read_bytes()


@pytest.mark.parametrize("part", STEPS)
def test_a_run_cut_short_ends_with_the_bits_of_one_that_was_not(tiny, tmp_path, part, monkeypatch):
    step, name = STEPS[part][0], str(first(tiny, part))
    step(tiny.setting("quick"), name, output=tmp_path / "whole")

    saves = []
    save = training.checkpoint.save

    def save_and_die(state, folder):
        save(state, folder)
        saves.append(state.step)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training.checkpoint, "save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            step(tiny.setting("quick"), name, output=tmp_path / "cut")
    assert saves == [2]
    step(tiny.setting("quick"), name, output=tmp_path / "cut")
    assert_same_results(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("part", STEPS)
def test_a_signal_saves_a_run_between_two_rows_of_its_trace_and_it_resumes_to_the_bit(
    tiny, tmp_path, part, number, monkeypatch
):
    step, name = STEPS[part][0], str(first(tiny, part))
    step(tiny.setting("quick"), name, output=tmp_path / "whole")
    one_step = training.one_step

    def signalled(state, *arguments, **options):
        if state.step == 2:
            os.kill(os.getpid(), number)
        return one_step(state, *arguments, **options)

    handler = signal.getsignal(number)
    with monkeypatch.context() as patched:
        patched.setattr(training, "one_step", signalled)
        with pytest.raises(Interrupted, match=f"^stopped by {number.name} after step 3 of 6; saved"):
            step(tiny.setting("quick"), name, output=tmp_path / "stopped")
    signal.signal(number, handler)
    assert [path.name for path in (tmp_path / "stopped").iterdir()] == ["resume"]
    assert sorted(path.name for path in (tmp_path / "stopped/resume").iterdir()) == ["last.pt", "previous.pt"]
    step(tiny.setting("quick"), name, output=tmp_path / "stopped")
    assert_same_results(tmp_path / "stopped", tmp_path / "whole")


def test_a_run_is_finished_despite_a_signal_in_its_last_step(tiny, tmp_path, monkeypatch):
    one_step = training.one_step

    def signalled(state, *arguments, **options):
        if state.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return one_step(state, *arguments, **options)

    monkeypatch.setattr(training, "one_step", signalled)
    run = first(tiny, "latent_recovery")
    latent_recovery(tiny.setting("quick"), str(run), output=tmp_path)
    assert (tmp_path / "run.json").exists()


@pytest.mark.parametrize("part", STEPS)
def test_a_run_that_the_study_has_not_is_refused_before_anything_is_written(tiny, tmp_path, part):
    with pytest.raises(UserError, match="no run 'sphere-s9'"):
        STEPS[part][0](tiny.setting("quick"), "sphere-s9", output=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_row_with_steps_of_its_own_trains_for_them(tiny, tmp_path):
    row = tiny.quick.latent_recovery.sweep.row
    rows = {**tiny.quick.latent_recovery.rows, row: replace(tiny.quick.latent_recovery.rows[row], steps=4)}
    study = replace(tiny, quick=replace(tiny.quick, latent_recovery=replace(tiny.quick.latent_recovery, rows=rows)))
    name = next(str(run) for run in latent_recovery_runs(study.quick.latent_recovery) if run.row == row)
    latent_recovery(study.setting("quick"), name, output=tmp_path)
    found = json.loads((tmp_path / "run.json").read_text())
    assert [row["step"] for row in found["trace"]] == [2, 4]
