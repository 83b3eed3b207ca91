"""How a pretraining starts its processes, and what it asks Slurm for. This module imports no torch.

A pretraining has one process for each GPU. On one GPU, or on none, that is the process that was called. For several
GPUs of one machine it becomes torchrun. For several machines it becomes `srun`, which starts one torchrun on each of
them, and these meet on the first machine, where Slurm runs the job's script. The study says how many there are, so that
the rule has one command for all these cases.
"""

import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence

from entrec.errors import UserError
from entrec.settings import Resources

PORTS = range(20_000, 60_000)  # the system uses ports below and above for itself


def start_all(asked: Resources, arguments: Sequence[str]) -> None:
    """Replace this process by the launcher of `entrec ARGUMENTS` on all devices that the study asks for.

    Returns where there is nothing to launch: for one process, and in a process that was launched. Raises `UserError`
    where the launcher is not installed.
    """
    if asked.processes == 1 or "RANK" in os.environ:
        return
    command = launcher(asked, arguments, host=socket.gethostname(), job=os.environ.get("SLURM_JOB_ID"))
    if shutil.which(command[0]) is None:
        raise UserError(f"resources.pretrain.nodes: {asked.nodes} need {command[0]}, which is not installed here")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # the training processes answer it; it would kill a launcher
    sys.stdout.flush()
    os.execvp(command[0], command)


def launcher(asked: Resources, arguments: Sequence[str], *, host: str, job: str | None) -> list[str]:
    """Return the command that starts `asked.gpus` processes on each of `asked.nodes` machines.

    It is to be called on `host`, the first machine, inside Slurm's job number `job`. Raises `UserError` for several
    machines outside a job.
    """
    torchrun = [sys.executable, "-m", "entrec.pipeline.torchrun", "--nproc-per-node", str(max(asked.gpus, 1))]
    step = ["-m", "--", "entrec", *arguments]  # without -- torchrun would read --run as an option of its own
    if asked.nodes == 1:
        return [*torchrun, "--standalone", *step]
    if job is None:
        raise UserError(
            f"resources.pretrain.nodes: {asked.nodes} are started by Slurm (snakemake --profile slurm all);"
            " outside a job only 1 is allowed"
        )
    meeting = f"{host}:{PORTS[int(job) % len(PORTS)]}"  # jobs on the same machine have different numbers
    nodes = str(asked.nodes)
    rendezvous = ["--nnodes", nodes, "--rdzv-backend", "c10d", "--rdzv-endpoint", meeting, "--rdzv-id", job]
    srun = ["srun", "--nodes", nodes, "--ntasks", nodes, "--ntasks-per-node", "1", "--kill-on-bad-exit=1"]
    return [*srun, "--cpus-per-task", str(asked.threads), *torchrun, *rendezvous, *step]


def named_resources(asked: Resources) -> dict[str, int | str]:
    """Return what a job asks for, under the names that Snakemake and its Slurm plugin know.

    `gpu` counts the GPUs of all nodes, because Snakemake counts it against `--resources gpu=N` on one machine. `gres`
    counts those of each node.
    """
    named: dict[str, int | str] = {"mem_mb": asked.memory_mb, "runtime": asked.minutes}
    if asked.gpus:
        named |= {"gpu": asked.gpus * asked.nodes, "gres": f"gpu:{asked.gpus}"}
    if asked.nodes > 1:  # `mpi` says that the job itself starts a process on each node
        named |= {"nodes": asked.nodes, "mpi": "srun", "tasks": asked.nodes, "tasks_per_gpu": 0}
    return named
