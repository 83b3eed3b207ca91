"""Batch norm over the batch of all processes.

On GPUs torch's own `SyncBatchNorm` is used. It has no CPU version, and the tests compare two processes on a CPU with
one. Both accept processes with different numbers of images.
"""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from entrec.collectives import in_group, total
from entrec.information.precision import lift

M = TypeVar("M", bound=nn.Module)


def synchronise(module: M, device: torch.device) -> M:
    """Return `module` with every batch norm replaced where this process is one of a group; names and weights stay."""
    if not in_group():
        return module
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(module)  # works in place, unless the module itself is a batch norm
        return module
    for norm in module.modules():
        if isinstance(norm, _BatchNorm):
            norm.__class__ = SynchronisedBatchNorm  # keeps parameters, buffers and hooks; changes forward
    return module


class SynchronisedBatchNorm(_BatchNorm):
    """Batch norm of (n, c) or (n, c, h, w), with statistics in float32 or float64; ordinary in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        return self._normalised(lift(x)).to(x.dtype) if self.training else super().forward(x)

    def _normalised(self, x: Tensor) -> Tensor:
        dimensions = [0, *range(2, x.ndim)]
        shape = [1, -1] + [1] * (x.ndim - 2)
        count = total(torch.tensor(float(x.numel() // x.shape[1]), device=x.device))
        mean = total(x.sum(dim=dimensions)) / count
        centred = x - mean.view(shape)
        variance = total(centred.square().sum(dim=dimensions)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        y = centred * (variance + self.eps).rsqrt().view(shape)
        return y if self.weight is None else y * self.weight.view(shape) + self.bias.view(shape)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"need (n, c) or (n, c, ...), got shape {tuple(input.shape)}")

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
