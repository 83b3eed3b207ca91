"""torch's optimisers without torch's compiler.

Building an optimiser, or taking a step with it, imports `torch._dynamo`, with sympy and triton, only to exclude the
optimiser from compilation (torch 2.11: `torch._compile`, `torch.optim.optimizer`). This takes 3.4 s in each process,
more than the evaluation of a small study. The functions here call what those wrappers would call.
"""

import inspect
from typing import Any, TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)


def build(kind: type[Kind], params: Any, **options: Any) -> Kind:
    """Return `kind(params, **options)`, without importing the compiler."""
    for wrapped in (Optimizer.add_param_group, Optimizer.zero_grad):
        function = inspect.unwrap(wrapped)
        setattr(function, "__dynamo_disable", function)  # torch looks here for what its wrapper would import
    return kind(params, **options)


@torch.no_grad()
def step(optimiser: Optimizer) -> None:
    """Take `optimiser.step()` without hooks: the same update, bit for bit."""
    inspect.unwrap(type(optimiser).step)(optimiser)
