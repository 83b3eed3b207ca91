"""A batch larger than memory: the backbone in chunks whose activations are computed twice, not kept.

After GradCache (Gao, Zhang, Han & Callan, arXiv:2101.06983), by torch's checkpointing (Chen et al.,
arXiv:1604.06174): heads and loss see the whole batch of all processes, and the backward pass computes one chunk's
activations at a time. Loss and gradients are those of the batch in one piece, which the mean of the chunks' own
losses is not for any loss that compares images. Batch norms of the backbone alone notice: their batch is one chunk on
all processes, as it is with every way of accumulating gradients; those of the heads see the whole batch. Running
statistics take in each chunk once. Deviation from GradCache: features are computed again for each chunk in the order
of the backward pass; the method does not know of it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from entrec.collectives import size
from entrec.methods.method import Method
from entrec.training.distributed import share

# what methods call with images: backbones, `feature_maps` of a SmallResNet and of timm's ResNets, `ColourSplit`
ENTRIES = ("forward", "maps", "forward_intermediates", "branches")


def use_chunks(method: Method, *, chunk: int, batch_size: int) -> None:
    """Let the backbone of `method`, and slow copies of it, take at most `chunk` images of a process at once.

    `batch_size` is that of all processes.
    """
    for module in method.modules():
        if type(module) is type(method.backbone):
            _use_chunks(module, chunk, batch_size)


def number_of_chunks(images: int, *, chunk: int, batch_size: int) -> int:
    """Into how many parts a process cuts its `images`, which are its share of a batch, once or several times over.

    The largest share decides, so that all processes cut alike: batch norms exchange statistics chunk by chunk.
    """
    own = share(batch_size)
    times = images // (own.stop - own.start)
    largest = -(-batch_size // size())
    return -(-times * largest // chunk)


def _use_chunks(module: nn.Module, chunk: int, batch_size: int) -> None:
    inside = False  # a forward pass may go through another entry

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _second_time(module)

    def chunked(entry: Callable[..., Any]) -> Callable[..., Any]:
        def run(images: Tensor, **options: Any) -> Any:
            nonlocal inside
            inside = True
            try:
                return entry(images, **options)
            finally:
                inside = False

        def in_chunks(images: Tensor, **options: Any) -> Any:
            if inside:
                return entry(images, **options)
            parts = images.tensor_split(number_of_chunks(len(images), chunk=chunk, batch_size=batch_size))
            if not torch.is_grad_enabled():
                return joined([run(part, **options) for part in parts])
            return joined([checkpoint(run, p, use_reentrant=False, context_fn=contexts, **options) for p in parts])

        return in_chunks

    for name in ENTRIES:
        if hasattr(module, name):
            setattr(module, name, chunked(getattr(module, name)))


def joined(parts: list[Any]) -> Any:
    """The chunks' outputs as one: tensors (n, ...) one after the other, and lists and tuples of them item by item."""
    if isinstance(parts[0], Tensor):
        return torch.cat(parts)
    return type(parts[0])(joined(list(items)) for items in zip(*parts, strict=True))


@contextmanager
def _second_time(module: nn.Module) -> Iterator[None]:
    """Running statistics have seen this chunk: copies of them take it in."""
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
