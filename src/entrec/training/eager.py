"""torch's optimisers without torch's compiler.

Building or stepping an optimiser imports `torch._dynamo`, with sympy and triton, only to keep the
compiler's hands off it (torch 2.11: `torch._compile`, `torch.optim.optimizer`): 3.4 s in a process,
more than the evaluation of a small study. The functions beneath those wrappers are what runs anyway.
"""

import inspect
from typing import Any, TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)


def build(kind: type[Kind], params: Any, **options: Any) -> Kind:
    """`kind(params, **options)`."""
    for wrapped in (Optimizer.add_param_group, Optimizer.zero_grad):
        function = inspect.unwrap(wrapped)
        setattr(function, "__dynamo_disable", function)  # where torch keeps what the compiler leaves alone
    return kind(params, **options)


@torch.no_grad()
def step(optimiser: Optimizer) -> None:
    """`optimiser.step()` without hooks: the same update, bit for bit."""
    inspect.unwrap(type(optimiser).step)(optimiser)
