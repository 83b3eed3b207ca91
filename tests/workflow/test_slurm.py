"""The shrunken demo on a Slurm cluster of this machine, and runs that Slurm stops.

    pytest -m slurm

The cluster only counts its GPUs, so that ENTREC_DEVICE=cpu trains on the CPU instead.
"""

import importlib.util
import re
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from entrec.yaml_reader import read_yaml

here = importlib.util.spec_from_file_location("slurm_cluster", Path(__file__).with_name("slurm_cluster.py"))
slurm_cluster = importlib.util.module_from_spec(here)
here.loader.exec_module(slurm_cluster)

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(slurm_cluster.missing() is not None, reason=slurm_cluster.missing() or ""),
]
SECONDS, MINUTE = "simclr-b256-e100-s0", "simclr-b256-e400-s0"
OURS = [
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--slurm-no-account", "--latency-wait", "10"),
]


@pytest.fixture(scope="module")
def on_slurm(checkout, clone, tmp_path_factory):
    """Make a checkout whose demo asks for GPUs, with a study of longer runs beside it, and run a cluster."""
    folder = tmp_path_factory.mktemp("slurm") / "checkout"
    shutil.copytree(clone.folder, folder, symlinks=True)
    study = read_yaml(folder / "params/demo.yaml")
    study["methods"] = {name: study["methods"][name] for name in ("untrained", "simclr")}
    study["batch_sizes"], study["epochs"] = [256], [2]
    study["resources"]["pretrain"].update(gpus=2, threads=2)
    study["resources"]["evaluate"]["gpus"] = 1
    (folder / "params/demo.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    study["resources"]["pretrain"].update(gpus=1, threads=1)
    study["training"]["checkpoint_seconds"] = 1
    study["epochs"] = [400, 100]
    (folder / "params/long.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    made = checkout(folder)
    made.environment |= {"ENTREC_DEVICE": "cpu"}
    with slurm_cluster.cluster(tmp_path_factory.mktemp("cluster"), cpus=2, memory=8000):
        yield made


class Stopped:
    """A run of the long study that Snakemake submits as a job, and that is stopped on the way."""

    def __init__(self, on_slurm, run, *options):
        self.on_slurm, self.run, self.output = on_slurm, run, on_slurm.folder / "snakemake.out"
        self.results = on_slurm.folder / "results/long" / run
        for place in (self.results, on_slurm.folder / "logs/long"):
            shutil.rmtree(place, ignore_errors=True)
        target = f"results/long/{run}/encoder.safetensors"
        command = ["snakemake", "--profile", "slurm", target, *OURS, *options, "--configfile", "params/long.yaml"]
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=on_slurm.folder, env=on_slurm.environment, stdout=out, stderr=subprocess.STDOUT
            )

    def job(self):
        """Wait for the first checkpoint, and return the number of the job and the seconds that it has run."""
        slurm_cluster.wait_for(self.results / "resume/last.pt", seconds=180)
        ((number, used, _),) = (line.split() for line in queue(self.on_slurm, "%i %M %T") if line.endswith("RUNNING"))
        minutes, seconds = used.split(":")
        return number, 60 * int(minutes) + int(seconds)

    def stops(self):
        """Return the signal and the step of every stop. The log is read all the time, as a restarted job empties it."""
        log = self.on_slurm.folder / f"logs/long/pretrain/{self.run}.log"
        pattern = r"^entrec: stopped by (\w+) after step (\d+) of \d+; saved: start it again to resume$"
        found, deadline = {}, time.monotonic() + 900
        while self.process.poll() is None:
            with suppress(FileNotFoundError):
                found |= {(name, int(step)): None for name, step in re.findall(pattern, log.read_text(), re.MULTILINE)}
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)
        assert self.process.returncode == 0, self.output.read_text()
        return list(found)

    def assert_ends_as_if_undisturbed(self):
        step = ["python", "-m", "entrec", "pretrain", "--study", "params/long.yaml", "--run", self.run]
        if not (self.on_slurm.folder / self.run).exists():
            self.on_slurm.succeed(*step, "--data", "data/long/digits", "--output", self.run)
        for name in ("encoder.safetensors", "history.csv"):
            undisturbed = self.on_slurm.folder / self.run / name
            assert (self.results / name).read_bytes() == undisturbed.read_bytes(), name


@pytest.fixture
def start(on_slurm):
    """Return a function that starts such runs, and end those that still run after the test."""
    started = []
    on_slurm.succeed("snakemake", "data/long/digits/card.json", "--configfile", "params/long.yaml")
    yield lambda *arguments: started.append(Stopped(on_slurm, *arguments)) or started[-1]
    for stopped in started:
        if stopped.process.poll() is None:
            on_slurm.succeed("scancel", "--user=root")
            stopped.process.kill()
            stopped.process.wait()


def queue(on_slurm, what):
    return on_slurm.succeed("squeue", "--noheader", "--states=all", f"--format={what}").splitlines()


def test_a_requeued_run_goes_on_and_ends_with_the_same_bytes(on_slurm, start):
    run = start(SECONDS)
    number, _ = run.job()
    on_slurm.succeed("scontrol", "requeue", number)
    ((name, _),) = run.stops()
    assert name == "SIGTERM"
    assert f"{number} COMPLETED" in queue(on_slurm, "%i %T")
    run.assert_ends_as_if_undisturbed()


def test_a_cancelled_run_is_submitted_anew_and_ends_with_the_same_bytes(on_slurm, start):
    run = start(SECONDS)
    number, _ = run.job()
    on_slurm.succeed("scancel", number)
    ((name, _),) = run.stops()
    assert name == "SIGTERM"
    run.assert_ends_as_if_undisturbed()


def test_a_run_longer_than_its_walltime_ends_with_the_same_bytes(on_slurm, start):
    before = start(SECONDS)
    _, seconds = before.job()
    before.stops()
    # Slurm looks every 30 s which jobs to warn, and sends a warning up to 30 s too early. Half of the time that a job
    # takes to start is left for a start that takes longer, and for training.
    earliest = 5 + 3 * seconds // 2
    minutes = -(-(earliest + 35) // 60)
    warning = f"--signal=USR1@{60 * minutes - 30 - earliest}"
    settings = [f"pretrain:runtime={minutes}", f"pretrain:slurm_extra='{warning}'"]
    run = start(MINUTE, "--retries", "20", "--set-resources", *settings)
    stops = run.stops()
    assert {name for name, _ in stops} == {"SIGUSR1"}
    assert [step for _, step in stops] == sorted({step for _, step in stops})
    run.assert_ends_as_if_undisturbed()


def test_the_demo_runs_through_slurm_with_gpus_as_gres(on_slurm):
    on_slurm.succeed("snakemake", "--profile", "slurm", "all", *OURS, "--configfile", "params/demo.yaml")
    assert (on_slurm.folder / "reports/demo/index.html").stat().st_size > 10_000
    jobs = dict(line.split(maxsplit=1) for line in queue(on_slurm, "%k %b"))
    assert jobs["rule_pretrain_wildcards_simclr-b256-e2-s0"] == "gres:gpu:2"
    assert "gpu" not in jobs["rule_table_wildcards_table_1"]
    assert all(name.startswith("entrec_") for name in queue(on_slurm, "%j"))
