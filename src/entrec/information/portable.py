"""Roots and arcs that have the same bits on every x86-64 processor.

torch computes `sqrt`, `asin`, `acos`, `atan`, `tan` and `cdist` of a CPU tensor with MKL's vector functions. These
choose their code by the processor, whatever MKL_CBWR says, and their last bits differ between processors with and
without AVX-512. The functions here are made of other operations of torch, which do not choose.
"""

import math
from typing import overload

import torch
from torch import Tensor


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
