"""Tensors of all processes as one, with the gradients that one process would have.

Every process computes the loss of the whole batch from gathered rows. In the backward pass its own rows then get the
whole gradient, and nothing is communicated; the sum over processes of the gradients of the weights is the gradient of
one process on the whole batch. (Issue 1528 of lightly and issue 253 of solo-learn describe wrong gradients of gathered
rows.) Where there is only one process, `gather` and `total` return their argument.
"""

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist


def in_group() -> bool:
    """Return whether this process is one of a group, which may be a group of one."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Return this process's number, counted from 0."""
    return dist.get_rank() if in_group() else 0


def size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if in_group() else 1


def gather(rows: Tensor) -> Tensor:
    """Return the rows (n, ...) of all processes in the order of their ranks; n may differ between them."""
    return _Gather.apply(rows) if in_group() else rows


def total(value: Tensor) -> Tensor:
    """Return the sum of `value` over all processes, the same on each; its gradient is summed as well."""
    return _Total.apply(value) if in_group() else value


def batch_mean(rows: Tensor) -> Tensor:
    """Return the mean over the rows (n, ...) of all processes, gathered as sums; its gradient is like `gather`'s."""
    counts = gather(torch.tensor([float(len(rows))], device=rows.device))
    return gather(rows.sum(dim=0, keepdim=True)).sum(dim=0) / counts.sum()


def share_gradient(value: Tensor) -> Tensor:
    """Return `value` with its gradient divided by the number of processes.

    It is for parameters that act on gathered rows: every process computes the whole gradient, and the gradients of all
    processes are summed.
    """
    return torch.lerp(value.detach(), value, 1 / size())


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        counts = [torch.zeros((), dtype=torch.int64, device=rows.device) for _ in range(size())]
        dist.all_gather(counts, torch.tensor(len(rows), device=rows.device))
        sizes = [int(count) for count in counts]
        ctx.start, ctx.length = sum(sizes[: rank()]), len(rows)
        padded = rows.new_zeros(max(sizes), *rows.shape[1:])  # backends gather equal shapes only
        padded[: len(rows)] = rows
        gathered = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(gathered, padded)
        return torch.cat([own[:n] for own, n in zip(gathered, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient[ctx.start : ctx.start + ctx.length]


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        summed = value.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        summed = gradient.clone()
        dist.all_reduce(summed)
        return summed
