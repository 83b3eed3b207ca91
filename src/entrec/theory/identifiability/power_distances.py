"""Distances sum_c |x_ic - y_jc|^p of all pairs of rows, and the estimate of entropy that uses them.

They are for exponents p that no matrix product gives. `torch.cdist` keeps more in memory for the backward pass and, on
a CPU with p = 3, takes about ten times as long.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from entrec.information.checks import check_finite, check_positive, check_sample
from entrec.information.portable import log_sum_exp
from entrec.information.precision import full_precision

BLOCK = 2**18  # differences that are computed at a time, so that they stay in the cache of a core


def power_distances(x: Tensor, y: Tensor, *, exponent: int) -> Tensor:
    """Return sum_c |x_ic - y_jc|^`exponent` (k, l) for `x` (k, d), `y` (l, d) and a whole `exponent` from 1."""
    return _PowerDistances.apply(x, y, exponent)


@full_precision
def power_entropy(z: Tensor, *, alpha: float, exponent: int, leave_one_out: bool) -> Tensor:
    """Return Joe's estimate of the entropy of `z` (k, d), in nats.

    The kernel is proportional to exp(-|x / alpha|^exponent) in each coordinate. With `leave_one_out` the term i = j is
    left out; `entrec.information.entropy` describes the bias of both estimates. Raises `InvalidEmbeddings` for
    representations that are not finite.
    """
    check_sample(z)
    check_positive(alpha=alpha)
    check_finite(z)
    k, d = z.shape
    scores = -power_distances(z / alpha, z / alpha, exponent=exponent)
    if leave_one_out:
        scores = scores.masked_fill(torch.eye(k, dtype=torch.bool, device=z.device), -math.inf)
    log_constant = math.log(exponent) - math.log(2 * alpha) - math.lgamma(1 / exponent)
    return math.log(k - 1 if leave_one_out else k) - d * log_constant - log_sum_exp(scores, 1).mean()


class _PowerDistances(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, exponent: int) -> Tensor:
        distances = x.new_zeros(len(x), len(y))
        for rows in _blocks(x, y):
            for c in range(x.shape[1]):
                difference = x[rows, c, None] - y[:, c]
                distances[rows] += _power(difference, exponent)
        ctx.save_for_backward(x, y)
        ctx.exponent = exponent
        return distances

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, y = ctx.saved_tensors
        of_x, of_y = torch.zeros_like(x), torch.zeros_like(y)
        for rows in _blocks(x, y):
            for c in range(x.shape[1]):
                difference = x[rows, c, None] - y[:, c]
                pull = _slope(difference, ctx.exponent).mul_(gradient[rows])
                of_x[rows, c] = pull.sum(dim=1)
                of_y[:, c] -= pull.sum(dim=0)
        return of_x, of_y, None


def _blocks(x: Tensor, y: Tensor) -> Iterator[slice]:
    step = max(1, BLOCK // len(y)) if x.device.type == "cpu" else len(x)
    return (slice(start, start + step) for start in range(0, len(x), step))


def _power(difference: Tensor, exponent: int) -> Tensor:
    size = difference.abs()
    return size if exponent == 1 else size.pow(exponent)


def _slope(difference: Tensor, exponent: int) -> Tensor:
    """Return the derivative of |difference|^exponent."""
    if exponent == 1:
        return difference.sign()
    return exponent * difference * difference.abs().pow(exponent - 2)
