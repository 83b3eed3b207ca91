"""The device of a job, and settings that make it give the same bits each time."""

import os
import socket

import torch

from entrec.errors import UserError, shown
from entrec.settings import Resources
from entrec.training.distributed import local_rank

FORCED = "ENTREC_DEVICE"


def pick_device() -> torch.device:
    """Return this process's GPU if there is one, else the CPU; ENTREC_DEVICE=cpu in the environment chooses the CPU.

    Raises `UserError` for another value of ENTREC_DEVICE.
    """
    forced = os.environ.get(FORCED)
    if forced not in (None, "cpu"):
        raise UserError(f"{FORCED}: {shown(forced)}; allowed: cpu, or not set")
    gpu = forced is None and torch.cuda.is_available()
    return torch.device("cuda", local_rank()) if gpu else torch.device("cpu")


def device_for(asked: Resources) -> torch.device:
    """Return `pick_device()` for a job; raises `UserError` where it finds fewer GPUs than it asks for."""
    device = pick_device()
    if FORCED not in os.environ and (seen := torch.cuda.device_count()) < asked.gpus:
        raise UserError(
            f"{socket.gethostname()}: this job asks for gpus: {asked.gpus} and sees {seen};"
            f" lower gpus in the study's resources, or set {FORCED}=cpu to train on the CPU"
        )
    return device


def make_deterministic(device: torch.device, *, threads: int) -> None:
    """Let the same seed, device and number of `threads` give the same bits.

    On a CPU all operations that are used here are deterministic, and torch's switch would import its compiler, which
    takes seconds.
    """
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is only deterministic with this
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # all of it is written
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False  # float32 means float32
