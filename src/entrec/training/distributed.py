"""One process for each GPU, or several on a CPU.

`python -m entrec.pipeline.torchrun --nproc-per-node N -m -- entrec pretrain …` starts them."""

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

PATIENCE = timedelta(minutes=10)  # the first process writes its checkpoint while the others wait


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the processes that torchrun started, and leave them at the end; alone, do nothing.

    Raises `UserError` when others do not answer: their machine is gone, or they ended with a line of their own.
    """
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= os.environ.keys():
        yield
        return
    gpu = device if device.type == "cuda" else None
    dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE, device_id=gpu)
    try:
        yield
    except RuntimeError as error:
        if not _of_the_group(error):
            raise
        raise UserError(
            f"process {rank()} of {size()} on {socket.gethostname()}: another process is lost"
            f" ({str(error).splitlines()[0]}); checkpoints are whole, start again to go on"
        ) from error
    finally:
        dist.destroy_process_group()


def _of_the_group(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or "gloo" in str(error)  # whose own errors have no type


def wait_for_all() -> None:
    """Go on once every process is here."""
    if in_group():
        dist.barrier()


def local_rank() -> int:
    """Which of a machine's GPUs is this process's."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def share(count: int) -> slice:
    """Which of `count` rows are this process's; the first processes have one more where it does not divide."""
    whole, rest = divmod(count, size())
    start = rank() * whole + min(rank(), rest)
    return slice(start, start + whole + (rank() < rest))


def replicated(method: nn.Module, device: torch.device) -> nn.Module:
    """`method` with its gradients averaged over the processes while the backward pass goes on.

    The loss of every process is that of the whole batch, so the gradient is the average times `size()`.
    """
    if not in_group():
        return method
    from torch.nn.parallel import DistributedDataParallel  # imports torch's compiler

    devices = [device] if device.type == "cuda" else None
    # Buffers are equal already: synchronised statistics, centres and momenta see the whole batch. Looking for unused
    # parameters keeps DDP from building its buckets anew after the first step: a run that goes on would have the first
    # ones again, in which more than two processes' gradients are added in another order.
    return DistributedDataParallel(
        method, device_ids=devices, broadcast_buffers=False, gradient_as_bucket_view=True, find_unused_parameters=True
    )
