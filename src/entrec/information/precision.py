"""Losses and estimators are computed in float32 at least, whatever autocast does around them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Lift half-precision tensor arguments to float32 and switch autocast off inside `function`."""

    @wraps(function)
    def lifted(*args: P.args, **kwargs: P.kwargs) -> R:
        device = next(a.device for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor))
        with torch.autocast(device.type, enabled=False):
            return function(*map(lift, args), **{name: lift(value) for name, value in kwargs.items()})

    return lifted


def lift(value: Any) -> Any:
    """A half-precision tensor as float32; anything else as it is."""
    if isinstance(value, torch.Tensor) and value.dtype in (torch.bfloat16, torch.float16):
        return value.float()
    return value
