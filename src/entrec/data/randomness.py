"""Random numbers that depend on their purpose, seed, epoch and sample, and not on when they are drawn.

The generator is SplitMix64 (Steele, Lea & Flood, OOPSLA 2014, doi:10.1145/2660193.2660195), seeded once for each sample
and read at any position. It is integer arithmetic modulo 2^64 (int64 tensors wrap around), so every device, batch and
number of threads gives the same bits.
"""

from enum import IntEnum
from functools import reduce

import torch
from torch import Tensor


class Purpose(IntEnum):
    """The first word of every key, so that no two uses share a stream."""

    SPLIT = 1
    ORDER = 2
    VIEW = 3
    CLUSTER = 4
    NOISE = 5


def key(purpose: Purpose, *words: int | Tensor) -> Tensor:
    """Return one 64-bit key for each element of the words, which are integers or int64 tensors that broadcast."""
    return reduce(fold, words, mix(torch.tensor(int(purpose))))


def fold(keys: Tensor, word: int | Tensor) -> Tensor:
    """Return new keys from keys and a word: output number `word` of the SplitMix64 generator in state `keys`."""
    step = torch.tensor(_signed(word)) if isinstance(word, int) else word
    return mix(keys + (step + 1) * _GOLDEN)


def uniform(keys: Tensor, count: int) -> Tensor:
    """Return `count` numbers in [0, 1) for each key: (n,) int64 to (n, count) float64, in steps of 2^-53."""
    bits = fold(keys[:, None], torch.arange(count, device=keys.device))
    return _shift_right(bits, 11).double() * 2.0**-53


def mix(x: Tensor) -> Tensor:
    """Apply SplitMix64's finaliser, a bijection of 64-bit words."""
    x = (x ^ _shift_right(x, 30)) * _MULTIPLIER_1
    x = (x ^ _shift_right(x, 27)) * _MULTIPLIER_2
    return x ^ _shift_right(x, 31)


def _shift_right(x: Tensor, bits: int) -> Tensor:
    # torch's >> copies the sign bit; the mask makes it a logical shift
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    """Return the int64 with the same 64 bits."""
    return (word + 2**63) % 2**64 - 2**63


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = _signed(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = _signed(0x94D049BB133111EB)
