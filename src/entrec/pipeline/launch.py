"""How many processes a pretraining is, what it asks Slurm for, and the command that starts them, without torch.

One GPU, or none, is this process. Several on one machine are torchrun's, and on several machines `srun` starts one
torchrun on each, which meet on the first: Slurm's batch script runs there. The study says how many, so the rule has
one command for all of them.
"""

import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence

from entrec.errors import UserError
from entrec.settings import Resources

PORTS = range(20_000, 60_000)  # below and above are the system's own


def start_all(asked: Resources, arguments: Sequence[str]) -> None:
    """Become the launcher of `entrec ARGUMENTS`, once for each process asked for; return where this is one of them."""
    if asked.processes == 1 or "RANK" in os.environ:
        return
    command = launcher(asked, arguments, host=socket.gethostname(), job=os.environ.get("SLURM_JOB_ID"))
    if shutil.which(command[0]) is None:
        raise UserError(f"resources.pretrain.nodes: {asked.nodes}, but there is no {command[0]} to start them with")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # meant for the processes; launchers would die of it
    sys.stdout.flush()
    os.execvp(command[0], command)


def launcher(asked: Resources, arguments: Sequence[str], *, host: str, job: str | None) -> list[str]:
    """The command for `asked.nodes` machines with `asked.gpus` each, called on `host`, the first, inside Slurm's `job`.

    Raises `UserError` for several machines outside a job.
    """
    torchrun = [sys.executable, "-m", "entrec.pipeline.torchrun", "--nproc-per-node", str(max(asked.gpus, 1))]
    step = ["-m", "--", "entrec", *arguments]  # torchrun would take --run for an option of its own without the --
    if asked.nodes == 1:
        return [*torchrun, "--standalone", *step]
    if job is None:
        raise UserError(
            f"resources.pretrain.nodes: {asked.nodes} are started by Slurm (snakemake --profile slurm all);"
            " outside a job only 1 is allowed"
        )
    meeting = f"{host}:{PORTS[int(job) % len(PORTS)]}"  # jobs that share a machine differ in their number
    nodes = str(asked.nodes)
    rendezvous = ["--nnodes", nodes, "--rdzv-backend", "c10d", "--rdzv-endpoint", meeting, "--rdzv-id", job]
    srun = ["srun", "--nodes", nodes, "--ntasks", nodes, "--ntasks-per-node", "1", "--kill-on-bad-exit=1"]
    return [*srun, "--cpus-per-task", str(asked.threads), *torchrun, *rendezvous, *step]


def named_resources(asked: Resources) -> dict[str, int | str]:
    """What a job asks for, under the names that Snakemake and its Slurm plugin know.

    `gpu` is of all nodes: Snakemake counts it against `--resources gpu=N` on one machine. `gres` is of each.
    """
    named: dict[str, int | str] = {"mem_mb": asked.memory_mb, "runtime": asked.minutes}
    if asked.gpus:
        named |= {"gpu": asked.gpus * asked.nodes, "gres": f"gpu:{asked.gpus}"}
    if asked.nodes > 1:  # `mpi` says that the job itself starts something on each node
        named |= {"nodes": asked.nodes, "mpi": "srun", "tasks": asked.nodes, "tasks_per_gpu": 0}
    return named
