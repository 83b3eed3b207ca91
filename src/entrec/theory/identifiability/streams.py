"""The random numbers of a run: each purpose has a stream of its own, which is a function of the run's seed."""

import torch
from torch import Generator

STREAMS = ("mixing", "process", "encoder", "training", "trace", "scores")


def stream(name: str, *, seed: int, device: torch.device) -> Generator:
    """Return the generator of one of a seed's `STREAMS`, on the device."""
    return Generator(device).manual_seed(seed_of(name, seed=seed))


def seed_of(name: str, *, seed: int) -> int:
    """Return the seed of one of a seed's `STREAMS`; no two streams of any two seeds share it."""
    return len(STREAMS) * seed + STREAMS.index(name)
