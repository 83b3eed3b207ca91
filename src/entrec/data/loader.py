"""The order of an epoch and its batches, functions of (seed, epoch), so that a resume needs no saved state."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from entrec.data import randomness
from entrec.errors import UserError


def epoch_order(indices: NDArray[np.int64], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return `indices` (n,) shuffled; the result depends on their values, the seed and the epoch alone."""
    ascending = torch.from_numpy(np.sort(indices))
    keys = randomness.key(randomness.Purpose.ORDER, seed, epoch, ascending)
    shuffled: NDArray[np.int64] = ascending[torch.argsort(keys)].numpy()
    return shuffled


def batches(order: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Return an iterator over consecutive batches of exactly `batch_size`; an incomplete last one is dropped.

    Raises `UserError` when `batch_size` exceeds the length of `order`.
    """
    if batch_size > len(order):
        raise UserError(f"batch size {batch_size}: more than the {len(order)} images to draw from; lower it")
    return (order[start : start + batch_size] for start in range(0, len(order) - batch_size + 1, batch_size))
