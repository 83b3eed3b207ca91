"""The steps of a study of methods on a GPU, from the command's function to the files that it leaves."""

import json
import signal
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tests.gpu.conftest import GPU, NEEDS_GPU, files

from entrec.data.prepare import prepare
from entrec.errors import Interrupted
from entrec.evaluation.evaluate import evaluate
from entrec.evaluation.knn import votes
from entrec.evaluation.solvers import gradient_norm, solve_lbfgs
from entrec.evaluation.transfer import transfer
from entrec.runs import Run
from entrec.training.batches import Batches
from entrec.training.pretrain import pretrain

pytestmark = NEEDS_GPU
RUN = Run("entrec_cont", 256, 2, 0)


@pytest.fixture
def study(demo):
    """The demo in bfloat16 and channels-last, with a GPU for every step and little to fine-tune."""
    resources = {step: replace(asked, gpus=1) for step, asked in demo.resources.items()}
    training = replace(demo.training, precision="bfloat16", channels_last=True)
    linear = replace(demo.evaluation.linear, epochs=2, batch_size=128)
    transferred = replace(demo.evaluation.transfer, epochs=2, lr=(1e-3, 3e-3), weight_decay=(0.0, 1e-2))
    evaluation = replace(demo.evaluation, linear=linear, transfer=transferred)
    return replace(demo, resources=resources, training=training, evaluation=evaluation)


def test_a_pretraining_that_a_signal_stopped_leaves_the_bits_of_one_that_ran_through(
    study, digits_folder, tmp_path, monkeypatch
):
    pretrain(study, RUN, data=digits_folder, folder=tmp_path / "whole")
    with monkeypatch.context() as patched:
        at = Batches.at

        def stopped(batches, step):
            if step == 4:
                signal.raise_signal(signal.SIGTERM)
            return at(batches, step)

        patched.setattr(Batches, "at", stopped)
        with pytest.raises(Interrupted, match="stopped by SIGTERM after step 5 of 8"):
            pretrain(study, RUN, data=digits_folder, folder=tmp_path / "stopped")
    pretrain(study, RUN, data=digits_folder, folder=tmp_path / "stopped")
    whole, resumed = files(tmp_path / "whole"), files(tmp_path / "stopped")
    assert whole["encoder.safetensors"] == resumed["encoder.safetensors"]
    assert whole["history.csv"] == resumed["history.csv"]
    hardware = json.loads(resumed["run.circumstances.json"])["hardware"]
    assert (hardware["device"], hardware["gpu"]) == ("cuda", torch.cuda.get_device_name(GPU))


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_an_evaluation_repeats_itself_and_finds_what_the_encoder_knows(study, digits_folder, tmp_path, solver):
    linear = replace(study.evaluation.linear, solver=solver)
    own = replace(study, evaluation=replace(study.evaluation, linear=linear))
    pretrain(own, RUN, data=digits_folder, folder=tmp_path)
    found = []
    for name in ("first", "second"):
        output = tmp_path / f"{name}.json"
        evaluate(own, RUN, data=digits_folder, encoder=tmp_path / "encoder.safetensors", output=output)
        found.append(output.read_bytes())
    assert found[0] == found[1]
    scores = json.loads((tmp_path / "first.json").read_text())
    assert scores["linear"]["test"] > 0.5
    assert scores["knn"]["test"] > 0.3


def test_fine_tuning_repeats_itself(study, digits_folder, tmp_path):
    pretrain(study, RUN, data=digits_folder, folder=tmp_path)
    name = study.evaluation.transfer.datasets[0]
    prepare(name, study.datasets[name], tmp_path / name)
    found = []
    for output in (tmp_path / "first.json", tmp_path / "second.json"):
        transfer(study, RUN, name, data=tmp_path / name, encoder=tmp_path / "encoder.safetensors", output=output)
        found.append(output.read_bytes())
    assert found[0] == found[1]


def test_the_untrained_encoder_is_that_of_the_cpu(study, demo, digits_folder, tmp_path, monkeypatch):
    run = Run("untrained", 256, 2, 0)
    pretrain(study, run, data=digits_folder, folder=tmp_path / "gpu")
    monkeypatch.setenv("ENTREC_DEVICE", "cpu")
    pretrain(demo, run, data=digits_folder, folder=tmp_path / "cpu")
    ours, theirs = (load_file(tmp_path / where / "encoder.safetensors") for where in ("gpu", "cpu"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_linear_head_is_the_minimiser_that_the_cpu_finds():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(600, 20, generator=generator), torch.randint(4, (600,), generator=generator)
    here, there = (solve_lbfgs(x.to(where), y.to(where), classes=4, l2=1e-2) for where in (GPU, "cpu"))
    assert gradient_norm(here, x.double().to(GPU), y.to(GPU), l2=1e-2) <= 1e-6
    torch.testing.assert_close(here.weight.cpu(), there.weight, rtol=1e-4, atol=1e-4)


def test_votes_of_the_nearest_are_those_of_the_cpu():
    generator = torch.Generator().manual_seed(0)
    bank, queries = torch.randn(2000, 32, generator=generator), torch.randn(300, 32, generator=generator)
    labels = torch.randint(5, (2000,), generator=generator)
    here, there = (
        votes(queries.to(where), bank.to(where), labels.to(where), classes=5, neighbours=50, temperature=0.07)
        for where in (GPU, "cpu")
    )
    torch.testing.assert_close(here.cpu(), there, rtol=1e-4, atol=1e-5)
