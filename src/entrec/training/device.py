"""Where training runs, and how to make it repeatable there."""

import os

import torch

from entrec.training.distributed import local_rank


def pick_device() -> torch.device:
    """This process's GPU if there is one, else the CPU."""
    return torch.device("cuda", local_rank()) if torch.cuda.is_available() else torch.device("cpu")


def make_deterministic(device: torch.device, *, threads: int) -> None:
    """Same seed, same device, same `threads`: same bits.

    On a CPU the operations used here are deterministic as they are, and torch's switch would spend
    seconds importing its compiler.
    """
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is only deterministic with this
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
