"""Functions that have the same bits on every x86-64 processor.

torch computes `sqrt`, `asin`, `acos`, `atan`, `tan`, `log10`, `cdist`, and `log` in float64, of a CPU tensor with MKL's
vector functions. These choose their code by the processor, whatever MKL_CBWR says, and their last bits differ between
processors with and without AVX-512: of a root in one case of seven, of a logarithm in one of fifty thousand. The
functions here are made of other operations of torch, which do not choose. In float32 torch's `log` has the same bits
for every mantissa.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


@overload
def sqrt(x: float) -> float: ...
@overload
def sqrt(x: Tensor) -> Tensor: ...
def sqrt(x: float | Tensor) -> float | Tensor:
    """Return the square root of `x` >= 0, of any shape, within 2 units in the last place; 0 of 0, without gradient."""
    return x.rsqrt().reciprocal() if isinstance(x, Tensor) else math.sqrt(x)


def arcsin(x: Tensor) -> Tensor:
    """Return the angle in [-pi/2, pi/2] whose sine is `x`, of any shape, with values in [-1, 1]."""
    return torch.atan2(x, sqrt((1 - x) * (1 + x)))


@overload
def log(x: float) -> float: ...
@overload
def log(x: Tensor) -> Tensor: ...
def log(x: float | Tensor) -> float | Tensor:
    """Return the natural logarithm of `x` >= 0, of any shape, within 2 units in the last place; -inf of 0."""
    if not isinstance(x, Tensor):
        return math.log(x)
    return _Log.apply(x) if x.dtype == torch.float64 else torch.log(x)


def log_sum_exp(x: Tensor, dim: int | tuple[int, ...], *, keepdim: bool = False) -> Tensor:
    """Return log(sum(exp(x))) over the dimensions `dim` of `x`; -inf where all of them are -inf."""
    if x.dtype != torch.float64:
        return torch.logsumexp(x, dim, keepdim=keepdim)
    top = x.detach().amax(dim, keepdim=True)
    top = torch.where(top.isinf(), 0.0, top)
    sums = log((x - top).exp().sum(dim, keepdim=True)) + top
    return sums if keepdim else sums.squeeze(dim)


class _Log(torch.autograd.Function):
    """The logarithm in float64. The derivative of `frexp` would overflow where that of the logarithm does not."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        mantissa, exponent = torch.frexp(x)  # x = mantissa * 2**exponent, with the mantissa in [1/2, 1)
        low = mantissa < math.sqrt(0.5)  # near x = 1 the exponent must be 0: two terms would cancel
        mantissa, exponent = torch.where(low, 2 * mantissa, mantissa), exponent - low.int()
        return torch.log1p(mantissa - 1) + exponent.double() * math.log(2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient / x


class PortableRoots(TorchFunctionMode):
    """While it is entered, the square roots of tensors that a library takes are those of this module."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, which torch is about to call, or the root of this module in its place."""
        chosen = sqrt if func in (torch.sqrt, Tensor.sqrt) else func
        return chosen(*args, **(kwargs or {}))
