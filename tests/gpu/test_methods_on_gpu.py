"""Every method on a GPU: it trains, it repeats itself to the bit, and it computes what the CPU computes."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from tests.conftest import study_of
from tests.gpu.conftest import CPU, GPU, NEEDS_GPU, TRAINED, noise, resnet_18
from tests.training.test_pretrain import assert_resume_is_exact, without_time

from entrec.runs import Run
from entrec.training.pretrain import build_batches, build_state, train

pytestmark = NEEDS_GPU
SCRIPT = Path("tests/training/steps_of_every_method.py")
SOME = ["byol", "swav", "amdim", "cmc_lab"]  # these reach the backbone by different entries
STEPS = 3


def trained(method):
    """Three steps of a ResNet-18 on 64 images each: the state, and whether each weight's gradients were finite."""
    study = resnet_18(method)
    data, run = noise(study.datasets[study.dataset].colour), Run(method, 64, 1, 0)
    state, batches = build_state(study, run, data, device=GPU), build_batches(study, run, data, device=GPU)
    finite = {}
    for name, weights in state.learner.named_parameters():
        if weights.requires_grad:
            weights.register_post_accumulate_grad_hook(
                lambda weights, name=name: finite.setdefault(name, []).append(weights.grad.isfinite().all())
            )
    train(state, batches, study, steps=STEPS, folder=Path("unused"))
    return state, {name: torch.stack(steps).tolist() for name, steps in finite.items()}


once = cache(trained)


@pytest.mark.parametrize("method", TRAINED)
def test_a_resnet_18_in_bfloat16_and_channels_last_has_finite_losses_and_gradients(method):
    state, finite = once(method)
    assert [row["step"] for row in state.history][-1] == STEPS
    assert finite
    assert all(all(steps) for steps in finite.values()), finite
    assert all(weights.isfinite().all() for weights in state.learner.state_dict().values())


@pytest.mark.parametrize("method", TRAINED)
def test_the_same_run_again_has_the_same_bits(method):
    state, _ = once(method)
    again, _ = trained(method)
    for name, tensor in state.learner.state_dict().items():
        assert torch.equal(tensor, again.learner.state_dict()[name]), name
    assert without_time(state.history) == without_time(again.history)


@pytest.mark.parametrize("method", TRAINED)
def test_a_run_killed_and_resumed_ends_with_the_same_bits(method, tiny, data_of, tmp_path):
    study = replace(study_of(method), training=replace(tiny.training, precision="bfloat16", channels_last=True))
    data = data_of(method)
    four_an_epoch = 1 << (len(data.indices("train")) // 4).bit_length() - 1
    assert_resume_is_exact(study, Run(method, four_an_epoch, 2, 3), data, tmp_path, GPU)


@pytest.mark.parametrize("method", ["simclr", "byol", "entrec_cont"])
def test_the_compiled_method_has_the_losses_of_the_plain_one(method, data_of):
    study, data = study_of(method), data_of(method)
    losses = []
    for compiled in (False, True):
        own = replace(study, training=replace(study.training, compile=compiled))
        state = build_state(own, Run(method, 64, 1, 0), data, device=GPU)
        batches = build_batches(own, Run(method, 64, 1, 0), data, device=GPU)
        train(state, batches, own, steps=2, folder=Path("unused"))
        losses.append([row["loss"] for row in state.history])
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def run(*arguments, nccl=False):
    """Run the script of a few steps in double precision; what it leaves."""
    torchrun = ["-m", "entrec.pipeline.torchrun", "--standalone", "--nproc-per-node", "1"] if nccl else []
    command = [sys.executable, *torchrun, str(SCRIPT), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, env=environment | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return torch.load(f"{arguments[0]}.0", map_location=CPU)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process on the GPU."""
    return run(tmp_path_factory.mktemp("alone") / "gpu", 1000, "gpu")


@pytest.fixture(scope="module")
def on_the_cpu(tmp_path_factory):
    """The same steps on the CPU."""
    return run(tmp_path_factory.mktemp("cpu") / "cpu", 1000)


@pytest.fixture(scope="module")
def with_nccl(tmp_path_factory):
    """One process of a group of one: collectives by NCCL, gradients by DistributedDataParallel."""
    return run(tmp_path_factory.mktemp("nccl") / "gpu", 1000, "gpu", nccl=True)


def assert_same_steps(ours, theirs):
    torch.testing.assert_close(ours["losses"], theirs["losses"], rtol=1e-8, atol=1e-8)
    for kind in ("gradients", "state"):
        for name, tensor in theirs[kind].items():
            torch.testing.assert_close(ours[kind][name], tensor, rtol=1e-6, atol=1e-8, msg=f"{kind} of {name}")


@pytest.mark.parametrize("method", TRAINED)
def test_losses_gradients_and_states_are_those_of_the_cpu(alone, on_the_cpu, method):
    assert_same_steps(alone[method], on_the_cpu[method])


@pytest.mark.parametrize("method", TRAINED)
def test_a_group_of_one_process_on_nccl_has_the_steps_of_a_process_alone(with_nccl, alone, method):
    assert_same_steps(with_nccl[method], alone[method])


@pytest.mark.parametrize("method", SOME)
def test_chunks_have_the_steps_of_the_batch_in_one_piece(in_pieces, method):
    whole, chunked = in_pieces
    assert_same_steps(chunked[method], whole[method])


@pytest.fixture(scope="module")
def in_pieces(tmp_path_factory):
    """The batch in one piece and in chunks, with batch norms that no other image changes."""
    folder = tmp_path_factory.mktemp("chunks")
    return [run(folder / str(chunk), chunk, "still", "gpu", *SOME) for chunk in (1000, 5)]
