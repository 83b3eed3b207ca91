"""Two processes give what one gives: losses, gradients, statistics and EMA copies, for every method."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from entrec.errors import UserError
from entrec.methods import METHODS
from entrec.paths import RunFolder, circumstances_of
from entrec.training.distributed import share

TRAINED = [name for name in METHODS if name != "untrained"]
WITH_ENTRIES_OF_ALL_KINDS = ["byol", "swav", "amdim", "cmc_lab"]
SCRIPT = Path(__file__).with_name("steps_of_every_method.py")
TORCHRUN = ["-m", "entrec.pipeline.torchrun", "--standalone", "--nproc-per-node", "2"]


ENVIRONMENT = {**os.environ, "PYTHONPATH": "src", "OMP_NUM_THREADS": "1"}


def run(*arguments, processes=1):
    torchrun = TORCHRUN if processes == 2 else []
    command = [sys.executable, *torchrun, *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the results of one process, and of each of two."""
    folder = tmp_path_factory.mktemp("steps")
    run(SCRIPT, folder / "alone")
    run(SCRIPT, folder / "both", processes=2)
    return [torch.load(folder / name) for name in ("alone.0", "both.0", "both.1")]


@pytest.mark.parametrize("method", TRAINED)
def test_two_processes_have_the_loss_of_one_on_the_joined_batch(found, method):
    alone, first, second = (f[method]["losses"] for f in found)
    torch.testing.assert_close(first, alone, rtol=1e-9, atol=1e-9)
    assert torch.equal(first, second)


@pytest.mark.parametrize("method", TRAINED)
def test_two_processes_have_the_gradients_of_one(found, method):
    alone, first, second = (f[method]["gradients"] for f in found)
    for name, gradient in alone.items():
        torch.testing.assert_close(first[name], gradient, rtol=1e-6, atol=1e-9, msg=name)
        assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("method", TRAINED)
def test_weights_statistics_centres_and_ema_copies_stay_those_of_one_and_equal_on_both(found, method):
    alone, first, second = (f[method]["state"] for f in found)
    for name, tensor in alone.items():
        torch.testing.assert_close(first[name], tensor, rtol=1e-6, atol=1e-8, msg=name)
        assert torch.equal(first[name], second[name]), name


@pytest.fixture(scope="module")
def chunked(tmp_path_factory):
    """Return the same with batch norms that use no batch: one process without chunks, and each of two in chunks."""
    folder = tmp_path_factory.mktemp("chunks")
    run(SCRIPT, folder / "alone", 1000, "still")  # in one piece
    run(SCRIPT, folder / "both", 5, "still", processes=2)
    return [torch.load(folder / name) for name in ("alone.0", "both.0", "both.1")]


@pytest.mark.parametrize("method", TRAINED)
def test_two_processes_in_chunks_are_one_in_one_piece(chunked, method):
    alone, first, second = (f[method] for f in chunked)
    torch.testing.assert_close(first["losses"], alone["losses"], rtol=1e-9, atol=1e-9)
    for part, atol in (("gradients", 1e-9), ("state", 1e-8)):
        for name, tensor in alone[part].items():
            torch.testing.assert_close(first[part][name], tensor, rtol=1e-6, atol=atol, msg=name)
            assert torch.equal(first[part][name], second[part][name]), name


@pytest.mark.parametrize("method", WITH_ENTRIES_OF_ALL_KINDS)
def test_batch_norms_of_chunks_agree_between_processes(chunked_with_norms, method):
    first, second = (f[method] for f in chunked_with_norms)
    assert torch.equal(first["losses"], second["losses"])
    for part in ("gradients", "state"):
        for name, tensor in first[part].items():
            assert torch.equal(tensor, second[part][name]), name


@pytest.fixture(scope="module")
def chunked_with_norms(tmp_path_factory):
    """Return the results of two processes that split 19 and 18 images into as many chunks and share statistics."""
    folder = tmp_path_factory.mktemp("norms")
    run(SCRIPT, folder / "both", 6, *WITH_ENTRIES_OF_ALL_KINDS, processes=2)
    return [torch.load(folder / name) for name in ("both.0", "both.1")]


def test_shares_are_disjoint_in_order_and_complete(monkeypatch):
    from entrec.training import distributed

    for processes in (1, 2, 3, 5):
        monkeypatch.setattr(distributed, "size", lambda processes=processes: processes)
        rows = []
        for number in range(processes):
            monkeypatch.setattr(distributed, "rank", lambda number=number: number)
            rows += range(17)[share(17)]
        assert rows == list(range(17))


def test_the_command_line_trains_on_two_processes_and_the_first_writes(digits_folder, tmp_path):
    study = re.sub("^epochs: .*$", "epochs: [1]", Path("params/demo.yaml").read_text(), flags=re.MULTILINE)
    (tmp_path / "demo.yaml").write_text(study.replace("warmup_epochs: 2", "warmup_epochs: 1"))
    # torchrun would take our --run for the beginning of an option of its own without the --
    step = ["-m", "--", "entrec", "pretrain", "--study", tmp_path / "demo.yaml", "--run", "simclr-b64-e1-s0"]
    histories = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        run(
            *(a for a in step if a != "--" or processes > 1),
            "--data",
            digits_folder,
            "--output",
            folder,
            processes=processes,
        )
        written = RunFolder(folder)
        assert set(folder.iterdir()) == {*written.pretrained, circumstances_of(written.description)}
        histories.append(pd.read_csv(folder / "history.csv"))
    one, two = histories
    assert list(one["step"]) == list(two["step"])
    assert two["loss"].iloc[0] == pytest.approx(one["loss"].iloc[0], rel=1e-5)
    assert two["bound"].iloc[-1] == pytest.approx(one["bound"].iloc[-1], abs=0.1)


@pytest.mark.parametrize("code", [1, 75])
def test_what_two_processes_say_is_all_that_is_said_and_their_code_is_kept(tmp_path, code):
    (tmp_path / "ends.py").write_text(
        f"import sys; from entrec.progress import say; [say('entrec: told') for _ in range(999)]; sys.exit({code})"
    )
    command = [sys.executable, *TORCHRUN, str(tmp_path / "ends.py")]
    unbuffered = ENVIRONMENT | {"PYTHONUNBUFFERED": "1"}  # as many users of clusters have it
    done = subprocess.run(command, env=unbuffered, capture_output=True, text=True)
    assert done.returncode == code
    assert set(done.stderr.splitlines()) == {"entrec: told"}


def test_four_processes_that_resume_end_with_the_bits_of_four_that_did_not():
    four = ["-m", "entrec.pipeline.torchrun", "--standalone", "--nproc-per-node", "4"]
    script = SCRIPT.with_name("resume_on_four_processes.py")
    done = subprocess.run([sys.executable, *four, script], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.stdout == "0.0\n", done.stderr
    assert done.stderr == ""


def test_processes_that_read_other_steps_are_told(monkeypatch, tmp_path):
    from entrec.training import pretrain

    monkeypatch.setattr(pretrain, "gather", lambda rows: torch.cat([rows, rows + 5]))
    state = SimpleNamespace(step=7)
    with pytest.raises(UserError, match=f"^{tmp_path}: processes read checkpoints of steps 7, 12; let all nodes share"):
        pretrain.check_same_step(state, tmp_path, device=torch.device("cpu"))


def test_the_signal_before_the_walltime_leaves_torchrun_alone(tmp_path):
    (tmp_path / "signals.py").write_text("import os, signal; os.kill(os.getppid(), signal.SIGUSR1)")
    command = [sys.executable, *TORCHRUN, str(tmp_path / "signals.py")]
    assert subprocess.run(command, env=ENVIRONMENT).returncode == 0
