"""Training with one process for each GPU, or several on a CPU.

`python -m entrec.pipeline.torchrun --nproc-per-node N -m -- entrec pretrain …` starts the processes.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed as dist
from torch import nn

from entrec.collectives import in_group, rank, size
from entrec.errors import UserError

TIMEOUT = timedelta(minutes=10)  # the other processes wait while the first one writes a checkpoint


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the group of processes that torchrun started, and leave it at the end; do nothing without torchrun.

    Raises `UserError` when another process does not answer: its machine failed, or it ended with an error of its own.
    """
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= os.environ.keys():
        yield
        return
    gpu = device if device.type == "cuda" else None
    dist.init_process_group("nccl" if gpu else "gloo", timeout=TIMEOUT, device_id=gpu)
    try:
        yield
    except RuntimeError as error:
        if not _of_the_group(error):
            raise
        raise UserError(
            f"process {rank()} of {size()} on {socket.gethostname()}: another process was lost"
            f" ({str(error).splitlines()[0]}); checkpoints are complete: start the run again to resume it"
        ) from error
    finally:
        dist.destroy_process_group()


def _of_the_group(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or "gloo" in str(error)  # gloo's own errors have no type


def wait_for_all() -> None:
    """Wait until every process has reached this call."""
    if in_group():
        dist.barrier()


def local_rank() -> int:
    """Return the number of this process's GPU on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def share(count: int) -> slice:
    """Return which of `count` rows belong to this process; the first processes have one more if they do not divide."""
    whole, rest = divmod(count, size())
    start = rank() * whole + min(rank(), rest)
    return slice(start, start + whole + (rank() < rest))


def replicated(method: nn.Module, device: torch.device) -> nn.Module:
    """Return `method` with its gradients averaged over the processes during the backward pass.

    Every process has the loss of the whole batch, so the gradient of the batch is the average times `size()`.
    """
    if not in_group():
        return method
    from torch.nn.parallel import DistributedDataParallel  # imports torch's compiler

    devices = [device] if device.type == "cuda" else None
    # Buffers are equal already: synchronised statistics, centres and momenta are computed from the whole batch. The
    # search for unused parameters stops DDP from rebuilding its buckets after the first step: a resumed run would start
    # with the first buckets again, in which the gradients of more than two processes are added in another order.
    return DistributedDataParallel(
        method, device_ids=devices, broadcast_buffers=False, gradient_as_bucket_view=True, find_unused_parameters=True
    )
