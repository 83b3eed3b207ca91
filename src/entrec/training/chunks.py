"""A batch larger than memory: the backbone takes it in chunks, whose activations are computed twice instead of stored.

This follows GradCache (Gao, Zhang, Han & Callan, arXiv:2101.06983), by torch's checkpointing (Chen et al.,
arXiv:1604.06174): heads and loss see the whole batch of all processes, and the backward pass computes the activations
of one chunk at a time. Loss and gradients are those of the whole batch; the mean of one loss for each chunk would not
be, for any loss that compares images. Only the batch norms of the backbone change: their batch is one chunk on all
processes, as with every way of accumulating gradients. The heads' batch norms see the whole batch. Running statistics
are updated once by each chunk. Deviation from GradCache: the features of each chunk are computed again in the order of
the backward pass.

A method needs no code for this, and may call its backbone in any way: every public function of the backbone and of its
submodules takes its tensors in chunks when it is called from outside the backbone.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_map
from torch.utils.checkpoint import checkpoint

from entrec.collectives import size
from entrec.methods.method import Method
from entrec.training.distributed import share


def use_chunks(method: Method, *, chunk: int, batch_size: int) -> None:
    """Let the backbone of `method`, and EMA copies of it, take at most `chunk` images of a process at once.

    `batch_size` is that of all processes.
    """
    for module in list(method.modules()):
        if _is_copy(module, method.backbone):
            _use_chunks(module, chunk, batch_size)


def number_of_chunks(images: int, *, chunk: int, batch_size: int) -> int:
    """Return into how many chunks a process splits its `images`, which are its share of a batch, or several of them.

    The largest share of a process decides, so that all processes use the same number: their batch norms exchange
    statistics chunk by chunk.
    """
    own = share(batch_size)
    shares = -(-images // (own.stop - own.start))
    largest = -(-batch_size // size())
    return -(-shares * largest // chunk)


def _is_copy(module: nn.Module, backbone: nn.Module) -> bool:
    """Return whether `module` is the backbone or a copy of it: of the same class, with the same parameters."""
    return type(module) is type(backbone) and _shapes(module) == _shapes(backbone)


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: parameter.shape for name, parameter in module.named_parameters()}


def _use_chunks(backbone: nn.Module, chunk: int, batch_size: int) -> None:
    inside = False  # whether a call from outside is in progress: what it calls in turn already has a chunk

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _with_copied_statistics(backbone)

    def chunked(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            nonlocal inside
            inside = True
            try:
                return function(*args, **options)
            finally:
                inside = False

        def in_chunks(*args: Any, **options: Any) -> Any:
            images = next((a for a in (*args, *options.values()) if isinstance(a, Tensor)), None)
            if inside or images is None:
                return function(*args, **options)
            count = number_of_chunks(len(images), chunk=chunk, batch_size=batch_size)
            calls = _split(args, options, rows=len(images), count=count)
            if not torch.is_grad_enabled():
                return joined([run(*a, **o) for a, o in calls])
            return joined([checkpoint(run, *a, use_reentrant=False, context_fn=contexts, **o) for a, o in calls])

        return in_chunks

    for module in backbone.modules():
        for name in _public_functions(module):
            setattr(module, name, chunked(getattr(module, name)))


def _public_functions(module: nn.Module) -> set[str]:
    """Return the names of all public functions that the module's own classes define, `forward` among them."""
    own = [kind for kind in type(module).__mro__ if kind not in nn.Module.__mro__]
    return {name for kind in own for name, value in vars(kind).items() if callable(value) and not name.startswith("_")}


def _split(args: Any, options: dict[str, Any], *, rows: int, count: int) -> list[tuple[list[Any], dict[str, Any]]]:
    """Return the arguments of each chunk: tensors of `rows` rows are split, all other values are repeated."""

    def pieces(value: Any) -> Any:
        per_image = isinstance(value, Tensor) and value.ndim > 0 and len(value) == rows
        return value.tensor_split(count) if per_image else [value] * count

    split_args, split_options = [pieces(value) for value in args], {name: pieces(v) for name, v in options.items()}
    return [([p[i] for p in split_args], {n: p[i] for n, p in split_options.items()}) for i in range(count)]


def joined(outputs: list[Any]) -> Any:
    """Return the chunks' outputs as one: tensors (n, ...) are concatenated, in lists, tuples and dicts one by one."""
    return tree_map(lambda *tensors: torch.cat(tensors), outputs[0], *outputs[1:])


@contextmanager
def _with_copied_statistics(module: nn.Module) -> Iterator[None]:
    """Let the second computation of a chunk update copies of the running statistics, which it has updated before."""
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    before = [dict(norm.named_buffers(recurse=False)) for norm in norms]
    for norm, buffers in zip(norms, before, strict=True):
        for name, buffer in buffers.items():
            setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for norm, buffers in zip(norms, before, strict=True):
            for name, buffer in buffers.items():
                setattr(norm, name, buffer)
