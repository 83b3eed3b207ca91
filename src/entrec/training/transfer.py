"""Tensors on their way to a GPU: many in one block of pinned memory, copied while the GPU computes."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

ALIGNMENT = 256  # bytes; kernels read faster from multiples of it


class Packed(NamedTuple):
    """The bytes of several tensors in one block, and each one's kind and shape."""

    block: Tensor
    kinds: tuple[tuple[torch.dtype, torch.Size], ...]


def pack(tensors: Sequence[Tensor], *, pinned: bool) -> Packed:
    """Copy tensors of the CPU into one block (bytes,) uint8, in pinned memory if there is a GPU to copy it to."""
    kinds = tuple((t.dtype, t.shape) for t in tensors)
    packed = Packed(torch.empty(_places(kinds)[-1], dtype=torch.uint8, pin_memory=pinned), kinds)
    for place, tensor in zip(unpack(packed), tensors, strict=True):
        place.copy_(tensor)
    return packed


def unpack(packed: Packed) -> list[Tensor]:
    """Return the tensors of a block, on its device; nothing is copied."""
    *starts, _ = _places(packed.kinds)
    return [
        packed.block[start : start + kind.itemsize * shape.numel()].view(kind).view(shape)
        for start, (kind, shape) in zip(starts, packed.kinds, strict=True)
    ]


def _places(kinds: Sequence[tuple[torch.dtype, torch.Size]]) -> list[int]:
    """Return where each tensor begins in the block, and where the block ends."""
    lengths = (-(-kind.itemsize * shape.numel() // ALIGNMENT) * ALIGNMENT for kind, shape in kinds)
    return list(accumulate(lengths, initial=0))


class Link:
    """The way from pinned memory to `device`: blocks are copied on a stream of their own.

    Such a copy lets neither the host nor the GPU wait: what was launched before goes on meanwhile.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self._stream = device, torch.cuda.Stream(device)

    def copied(self, packed: Packed) -> list[Tensor]:
        """Return the tensors of a pinned block on the device; what is launched from now on waits for the copy."""
        with torch.cuda.stream(self._stream):
            block = packed.block.to(self.device, non_blocking=True)
        now = torch.cuda.current_stream(self.device)
        now.wait_stream(self._stream)
        block.record_stream(now)  # so that its memory is not used again before the views are made
        return unpack(packed._replace(block=block))
