"""Losses and estimators are computed in float32 or float64, also inside autocast."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with half-precision tensor arguments converted to float32 and autocast switched off inside."""

    @wraps(function)
    def lifted(*args: P.args, **kwargs: P.kwargs) -> R:
        device = next(a.device for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor))
        with torch.autocast(device.type, enabled=False):
            return function(*map(lift, args), **{name: lift(value) for name, value in kwargs.items()})

    return lifted


def lift(value: Any) -> Any:
    """Return a half-precision tensor as float32, and anything else as it is."""
    if isinstance(value, torch.Tensor) and value.dtype in (torch.bfloat16, torch.float16):
        return value.float()
    return value
