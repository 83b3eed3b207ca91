"""How many processes a pretraining becomes, and what Slurm is asked for."""

import os
import sys
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string

from entrec.errors import UserError
from entrec.pipeline import launch
from entrec.pipeline.launch import launcher, named_resources, start_all
from entrec.settings import Resources

STEP = ["pretrain", "--run", "simclr-b64-e1-s0"]


def asked(gpus, nodes=1):
    return Resources(threads=32, memory_mb=1000, gpus=gpus, minutes=10, nodes=nodes)


def submitted(resources):
    """Return the options that the plugin would give to sbatch."""
    job = SimpleNamespace(threads=resources.threads, resources=Named(named_resources(resources)))
    place = {"run_uuid": "x", "slurm_logfile": "x", "comment_str": "x", "account": "", "partition": "", "workdir": None}
    return (get_submit_command(job, place) + set_gres_string(job)).split()


class Named(dict):
    __getattr__ = dict.__getitem__


@pytest.fixture
def replaced(monkeypatch):
    """Collect the commands that would have replaced this process."""
    commands = []
    monkeypatch.setattr(os, "execvp", lambda program, command: commands.append([program, *command]))
    monkeypatch.setattr(launch.signal, "signal", lambda *_: None)
    monkeypatch.delenv("RANK", raising=False)
    return commands


@pytest.mark.parametrize("gpus", [0, 1])
def test_one_process_is_this_one(gpus, replaced):
    start_all(asked(gpus), STEP)
    assert replaced == []


def test_one_of_several_processes_starts_no_more(replaced, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    start_all(asked(8), STEP)
    assert replaced == []


def test_eight_gpus_are_eight_processes_of_torchrun(replaced):
    start_all(asked(8), STEP)
    torchrun = [sys.executable, "-m", "entrec.pipeline.torchrun", "--nproc-per-node", "8", "--standalone"]
    assert replaced == [[sys.executable, *torchrun, "-m", "--", "entrec", *STEP]]


def test_several_nodes_have_a_torchrun_each_that_meet_on_the_first():
    command = launcher(asked(8, nodes=4), STEP, host="node17", job="40001")
    assert command[0] == "srun"
    text = " ".join(command)
    for words in ("--nodes 4 --ntasks 4", "--nnodes 4", "--nproc-per-node 8", "--rdzv-endpoint node17:20001"):
        assert words in text
    assert command[-5:] == ["--", "entrec", *STEP]


def test_several_nodes_need_a_job_of_slurm(replaced, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(UserError, match=r"resources\.pretrain\.nodes: 2 are started by Slurm"):
        start_all(asked(8, nodes=2), STEP)


def test_slurm_is_asked_for_gpus_on_each_node_and_for_one_task_on_each():
    alone, many = submitted(asked(8)), submitted(asked(8, nodes=2))
    assert {"--gres=gpu:8", "--gpus=8", "--cpus-per-task=32"} <= set(alone)
    assert {"--gres=gpu:8", "--gpus=16", "--cpus-per-task=32", "--nodes=2", "--ntasks=2"} <= set(many)
    assert not [word for word in alone + many if word.startswith("--ntasks-per-gpu")]
    assert not [word for word in submitted(asked(0)) if "gpu" in word or "gres" in word]


def test_processes_of_a_node_share_its_threads():
    assert [(asked(g, n).processes, asked(g, n).threads_each) for g, n in ((0, 1), (1, 1), (8, 1), (8, 2))] == [
        (1, 32),
        (1, 32),
        (8, 4),
        (16, 4),
    ]
