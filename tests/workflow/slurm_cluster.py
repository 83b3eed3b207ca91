"""A Slurm cluster of one node on this machine, in a scratch folder: `with cluster(folder, …): …`.

It needs root and Debian's packages slurm-wlm and munge. Slurm counts two GPUs, although there are no such devices.
While the cluster runs, /etc/slurm/slurm.conf is a link to its settings, because Snakemake's plugin drops SLURM_CONF
inside jobs.
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
GPUS = 2
CONFIGURATION = Path("/etc/slurm/slurm.conf")
SETTINGS = """\
ClusterName=entrec
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=15
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SchedulerParameters=batch_sched_delay=0,sched_interval=2
ReturnToService=2
MinJobAge=600
KillWait=30
OverTimeLimit=0
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=60 State=UP
"""


def missing() -> str | None:
    """Return the reason why no cluster can start here, or None if one can."""
    if getpass.getuser() != "root":
        return "starting a cluster needs root"
    if CONFIGURATION.exists():
        return f"{CONFIGURATION}: this machine belongs to a cluster already"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"no {', '.join(absent)}: apt-get install slurm-wlm munge" if absent else None


@contextmanager
def cluster(folder: Path, *, cpus: int, memory: int) -> Iterator[None]:
    """Run a cluster with one node of `cpus` CPUs and `memory` MB while the context lasts."""
    for name in ("state", "spool", "keys"):
        (folder / name).mkdir(parents=True)
    write_settings(folder, cpus=cpus, memory=memory)
    CONFIGURATION.unlink(missing_ok=True)  # the link of a cluster that was killed
    CONFIGURATION.symlink_to(folder / "slurm.conf")
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(start_munge(folder))
        wait_for(folder / "munge.socket")
        environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}  # Slurm looks for gres.conf beside it
        for command in (["slurmctld", "-D"], ["slurmd", "-D", "-N", socket.gethostname()]):
            with (folder / f"{command[0]}.out").open("wb") as out:
                started.append(subprocess.Popen(command, env=environment, stdout=out, stderr=out))
        wait_until_idle(folder)
        try:
            yield
        finally:
            end_jobs()
    finally:
        CONFIGURATION.unlink()
        for process in reversed(started):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()


def end_jobs(*, seconds: float = 20) -> None:
    """End every job, because the daemons would leave the processes of a job behind."""
    subprocess.run(["scancel", "--user", getpass.getuser(), "--full", "--signal=KILL"], check=False)
    deadline = time.monotonic() + seconds
    while subprocess.run(["squeue", "--noheader"], capture_output=True).stdout and time.monotonic() < deadline:
        time.sleep(0.5)


def write_settings(folder: Path, *, cpus: int, memory: int) -> None:
    host = socket.gethostname()
    text = SETTINGS.format(host=host, folder=folder, ports=free_ports(2), cpus=cpus, memory=memory, gpus=GPUS)
    (folder / "slurm.conf").write_text(text)
    for number in range(GPUS):  # Slurm counts these files and opens none of them
        (folder / f"gpu{number}").touch()
    (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n")


def start_munge(folder: Path) -> subprocess.Popen[bytes]:
    """Start munged with a key of its own user in a folder that nobody else may write to, as it demands."""
    key = folder / "keys" / "munge.key"
    subprocess.run(["mungekey", "-f", "-c", "-k", str(key)], check=True)
    command = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}"]
    command += [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
    with (folder / "munged.out").open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(path: Path, *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.1)


def wait_until_idle(folder: Path, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        command = ["sinfo", "--noheader", "--format=%T"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.stdout.strip() == "idle":
            return
        logs = "\n".join(path.read_text() for path in folder.glob("slurm*.log"))
        assert time.monotonic() < deadline, f"{done.stdout}{done.stderr}\n{logs}"
        time.sleep(0.3)
