"""The training loop: exact resume, outputs, and errors."""

import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tests.conftest import study_of

from entrec.errors import UserError
from entrec.information.checks import InvalidEmbeddings, check_finite
from entrec.methods import METHODS
from entrec.methods.method import Method
from entrec.paths import RunFolder, circumstances_of
from entrec.runs import Run
from entrec.training import checkpoint
from entrec.training.device import make_deterministic
from entrec.training.pretrain import build_batches, build_state, pretrain, total_loss, total_steps, train

CPU = torch.device("cpu")
TRAINED = [name for name in METHODS if name != "untrained"]


class Killed(Exception):
    """Raised in place of a process that dies right after a checkpoint."""


def kill_at(step):
    def after_save(saved):
        if saved == step:
            raise Killed

    return after_save


def start(study, run, data, folder, after_save=lambda step: None, device=CPU):
    make_deterministic(device, threads=1)
    state = build_state(study, run, data, device=device)
    batches = build_batches(study, run, data, device=device)
    checkpoint.restore(state, folder)
    train(state, batches, study, steps=total_steps(state.learner, batches, run), folder=folder, after_save=after_save)
    return state


def without_time(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def with_optimiser(study, method, name):
    settings = {**study.methods[method], "optimiser": {**study.methods[method]["optimiser"], "name": name}}
    return replace(study, methods={**study.methods, method: settings})


@pytest.mark.parametrize("method", TRAINED)
def test_a_run_killed_and_resumed_ends_with_the_same_bits(method, tiny, data_of, tmp_path):
    data, study = data_of(method), replace(study_of(method), training=tiny.training)
    four_an_epoch = 2 ** int(math.log2(len(data.indices("train")) / 4))
    assert_resume_is_exact(study, Run(method, four_an_epoch, 2, 3), data, tmp_path, CPU)


@pytest.mark.parametrize("optimiser", ["sgd", "lars"])
def test_resume_is_exact_with_every_optimiser(optimiser, tiny, digits, tmp_path):
    assert_resume_is_exact(with_optimiser(tiny, "simclr", optimiser), Run("simclr", 256, 2, 3), digits, tmp_path, CPU)


def assert_resume_is_exact(study, run, data, folder, device):
    whole = start(study, run, data, folder / "whole", device=device)
    for step in (3, 5):
        with pytest.raises(Killed):
            start(study, run, data, folder / "killed", after_save=kill_at(step), device=device)
    resumed = start(study, run, data, folder / "killed", device=device)
    assert resumed.step == whole.step == 8
    for name, tensor in whole.learner.state_dict().items():
        assert torch.equal(tensor, resumed.learner.state_dict()[name]), name
    ours, theirs = whole.optimiser.state_dict(), resumed.optimiser.state_dict()
    assert ours["param_groups"] == theirs["param_groups"]
    for key, values in ours["state"].items():
        for name, value in values.items():
            assert torch.equal(value, theirs["state"][key][name]), (key, name)
    assert without_time(whole.history) == without_time(resumed.history)


def test_pretraining_writes_encoder_history_and_description(demo, digits_folder, tmp_path):
    run = Run("simclr", 256, 1, 0)
    pretrain(demo, run, data=digits_folder, folder=tmp_path)
    written = RunFolder(tmp_path)
    assert set(tmp_path.iterdir()) == {*written.pretrained, circumstances_of(written.description)}
    description = json.loads((tmp_path / "run.json").read_text())
    assert description["steps"] == 4
    assert description["parameters"] == 19480
    assert description["made_from"]["params"]["methods.simclr"]["temperature"] == demo.method("simclr").temperature
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0].startswith("step,epoch,lr,loss,nt_xent,entropy,reconstruction,bound,effective_rank")
    assert lines[-1].startswith("4,1.0,")


def test_the_untrained_encoder_is_the_start_of_every_method_with_the_same_network(zoo, digits, digits_folder, tmp_path):
    pretrain(zoo, Run("untrained", 256, 20, 1), data=digits_folder, folder=tmp_path)
    untrained = load_file(tmp_path / "encoder.safetensors")
    same = [name for name in zoo.methods if METHODS[name].load().make_backbone is Method.make_backbone]
    assert {"supervised", "simclr"} < set(same)
    for method in same:
        state = build_state(zoo, Run(method, 256, 20, 1), digits, device=CPU)
        for name, tensor in state.learner.backbone.state_dict().items():
            assert torch.equal(tensor, untrained[name]), (method, name)
    assert (tmp_path / "history.csv").read_text() == "step,epoch,lr,loss\n"


def test_the_bound_is_entropy_plus_reconstruction_in_every_measured_row(demo, digits, tmp_path):
    state = start(demo, Run("entrec_cont", 256, 3, 0), digits, tmp_path)
    measured = [row for row in state.history if "bound" in row]
    assert [row["step"] for row in measured] == [1, 10, 12]
    for row in measured:
        assert row["bound"] == pytest.approx(row["entropy"] + row["reconstruction"], abs=1e-4)


def test_a_batch_larger_than_the_data_is_named(demo, digits, tmp_path):
    with pytest.raises(UserError, match="digits: batch size 4096 exceeds its 1222 training images"):
        start(demo, Run("simclr", 4096, 1, 0), digits, tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run(demo, digits, tmp_path, monkeypatch):
    infinite = "entrec.training.pretrain.total_loss"
    monkeypatch.setattr(infinite, lambda outcome, weights: math.inf * total_loss(outcome, weights))
    with pytest.raises(UserError, match=r"step 1: the loss is inf"):
        start(demo, Run("simclr", 256, 2, 0), digits, tmp_path)


def test_bfloat16_changes_the_loss_by_less_than_its_precision_allows(demo, digits, tmp_path):
    run = Run("entrec_cont", 64, 1, 0)
    half = replace(demo, training=replace(demo.training, precision="bfloat16", channels_last=True))
    full_loss, half_loss = (
        start(s, run, digits, tmp_path / n).history[0]["loss"] for n, s in {"f": demo, "h": half}.items()
    )
    assert half_loss != full_loss
    assert math.isclose(half_loss, full_loss, rel_tol=0.1, abs_tol=0.1)


def test_values_are_checked_on_logged_steps_only(demo, digits, tmp_path, monkeypatch):
    study = replace(
        demo,
        training=replace(demo.training, log_every=4),
        diagnostics=replace(demo.diagnostics, every=8),
    )
    state = build_state(study, Run("simclr", 256, 3, 0), digits, device=CPU)
    checked = []
    forward = state.learner.forward

    def noticed(views, labels):
        outcome = forward(views, labels)
        try:
            check_finite(outcome.embeddings[0] * math.nan)
        except InvalidEmbeddings:
            checked.append(state.step + 1)
        return outcome

    monkeypatch.setattr(state.learner, "forward", noticed)
    batches = build_batches(study, Run("simclr", 256, 3, 0), digits, device=CPU)
    train(state, batches, study, steps=12, folder=tmp_path)
    assert checked == [row["step"] for row in state.history] == [1, 4, 8, 12]
