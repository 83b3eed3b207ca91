"""One process per GPU, or several on a CPU: `torchrun --nproc-per-node N -m -- entrec pretrain …`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed as dist
from torch import nn

from entrec.collectives import in_group, rank, size


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the processes that torchrun started, and leave them at the end; alone, do nothing."""
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= os.environ.keys():
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


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
    # buffers are equal already: synchronised statistics, centres and momenta see the whole batch
    return DistributedDataParallel(method, device_ids=devices, broadcast_buffers=False, gradient_as_bucket_view=True)
