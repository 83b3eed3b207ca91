"""A run that is asked to stop finishes its step, saves, says so in one line, and later ends with the same bits."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from entrec.errors import Interrupted, UserError
from entrec.runs import Run
from entrec.settings import Resources
from entrec.training import checkpoint, device, distributed
from entrec.training.device import device_for, make_deterministic, pick_device
from entrec.training.interruption import stop_signals
from entrec.training.pretrain import build_batches, build_state, train

CPU = torch.device("cpu")
RUN = Run("byol", 256, 2, 0)
ENVIRONMENT = {**os.environ, "PYTHONPATH": "src", "OMP_NUM_THREADS": "1"}


def trained(study, data, folder, stopped=lambda: None):
    make_deterministic(CPU, threads=1)
    state, batches = build_state(study, RUN, data, device=CPU), build_batches(study, RUN, data, device=CPU)
    checkpoint.restore(state, folder)
    train(state, batches, study, steps=8, folder=folder, stopped=stopped)
    return state


def after(calls):
    """Return a function that asks to stop at the call with this number."""
    answers = iter([None] * (calls - 1) + ["SIGTERM"])
    return lambda: next(answers)


def test_a_stopped_run_saves_its_step_and_ends_with_the_same_bits(demo, digits, tmp_path):
    rare = replace(demo, training=replace(demo.training, checkpoint_seconds=1e9))
    whole = trained(rare, digits, tmp_path / "whole")
    line = "stopped by SIGTERM after step 3 of 8; saved: start it again to resume"
    with pytest.raises(Interrupted, match=line):
        trained(rare, digits, tmp_path / "stopped", after(3))
    with pytest.raises(Interrupted, match="after step 5 of 8"):
        trained(rare, digits, tmp_path / "stopped", after(2))
    resumed = trained(rare, digits, tmp_path / "stopped")
    for name, tensor in whole.learner.state_dict().items():
        assert torch.equal(tensor, resumed.learner.state_dict()[name]), name
    assert whole.history == resumed.history


def test_a_run_asked_to_stop_after_its_last_step_just_ends(demo, digits, tmp_path):
    assert trained(demo, digits, tmp_path, after(8)).step == 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_heard_inside_and_met_by_its_old_handler_outside(number):
    before = signal.getsignal(number)
    with stop_signals() as stopped:
        assert stopped() is None
        os.kill(os.getpid(), number)
        assert stopped() == stopped() == signal.Signals(number).name
    assert signal.getsignal(number) is before


def test_the_command_line_says_one_line_and_ends_with_a_code_of_its_own(digits_folder, tmp_path):
    study = re.sub("^epochs: .*$", "epochs: [500]", Path("params/demo.yaml").read_text(), flags=re.MULTILINE)
    (tmp_path / "demo.yaml").write_text(study.replace("checkpoint_seconds: 20", "checkpoint_seconds: 0"))
    step = ["pretrain", "--study", tmp_path / "demo.yaml", "--run", "simclr-b64-e500-s0", "--data", digits_folder]
    command = [sys.executable, "-m", "entrec", *map(str, step), "--output", str(tmp_path)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=ENVIRONMENT, stderr=log)
    deadline = time.monotonic() + 60
    while not (tmp_path / "resume/last.pt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=60) == os.EX_TEMPFAIL
    said = [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("entrec: ")]
    (step,) = (re.fullmatch(r"entrec: stopped by SIGTERM after step (\d+) of 9500; saved: .*", s)[1] for s in said)
    assert torch.load(tmp_path / "resume/last.pt", weights_only=True)["step"] == int(step)
    assert not (tmp_path / "run.json").exists()


def test_when_one_process_is_asked_all_stop_after_the_same_step():
    torchrun = ["-m", "entrec.pipeline.torchrun", "--standalone", "--nproc-per-node", "2"]
    script = str(Path(__file__).with_name("stop_on_two_processes.py"))
    done = subprocess.run([sys.executable, *torchrun, script], env=ENVIRONMENT, capture_output=True, text=True)
    assert sorted(done.stdout.splitlines()) == ["0 8 SIGUSR1", "1 8 SIGUSR1"], done.stderr


def test_a_process_whose_group_is_gone_says_so_in_one_line(monkeypatch):
    monkeypatch.setattr(distributed.dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(distributed.dist, "destroy_process_group", lambda: None)
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    with (
        pytest.raises(UserError, match=r"^process 0 of 1 on \S+: another process was lost \(.*\[10.0.0.7\]:4242\)"),
        distributed.process_group(CPU),
    ):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [10.0.0.7]:4242\ntrace")
    with pytest.raises(RuntimeError, match="shapes"), distributed.process_group(CPU):
        raise RuntimeError("shapes differ")


def asked(gpus):
    return Resources(threads=1, memory_mb=1, gpus=gpus, minutes=1)


def test_a_job_that_sees_fewer_gpus_than_it_asks_for_stops(monkeypatch):
    monkeypatch.delenv("ENTREC_DEVICE", raising=False)
    monkeypatch.setattr(device.torch.cuda, "device_count", lambda: 7)
    with pytest.raises(UserError, match="this job asks for gpus: 8 and sees 7"):
        device_for(asked(8))
    device_for(asked(7))


def test_the_environment_may_choose_the_cpu_and_nothing_else(monkeypatch):
    monkeypatch.setattr(device.torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("ENTREC_DEVICE", "cpu")
    assert device_for(asked(8)) == CPU
    monkeypatch.delenv("ENTREC_DEVICE")
    assert pick_device() == torch.device("cuda", 0)
    monkeypatch.setenv("ENTREC_DEVICE", "gpu")
    with pytest.raises(UserError, match="ENTREC_DEVICE: 'gpu'; allowed: cpu, or not set"):
        pick_device()
