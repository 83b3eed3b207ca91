"""How fast this machine starts processes and trains a study's network, measured in a few seconds.

Processor time is measured, which is nearly the same when other programs run beside.

The jobs of a small study spend more time on starting than on arithmetic, and its network on calls of operations.
Assumptions about FLOP/s say nothing about either.
"""

import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch

from entrec.methods.registry import METHODS
from entrec.plan.flops import passes_of
from entrec.study import Study
from entrec.training import eager
from entrec.training.optimiser import parameter_groups

STEP = "import entrec.training.pretrain, entrec.evaluation.transfer"  # what the process of a step loads
TRIES = 3  # the fastest counts


@dataclass(frozen=True)
class Pace:
    """The seconds in which a process starts, and the FLOP/s of training, by size of the images and of the batch."""

    start: float
    sustained: dict[tuple[int, int], float]


def measure_pace(study: Study) -> Pace:
    """Return what this machine reaches on one thread with the network of a study that asks for no GPU."""
    batches = {(study.datasets[study.dataset].size, batch_size) for batch_size in study.batch_sizes}
    transfer = study.evaluation.transfer
    batches |= {(study.datasets[name].size, transfer.batch_size) for name in transfer.datasets}
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        sustained = {batch: _sustained(study, size=batch[0], batch_size=batch[1]) for batch in sorted(batches)}
    finally:
        torch.set_num_threads(before)
    began = _processor_seconds()
    subprocess.run([sys.executable, "-c", STEP], check=True)
    return Pace(_processor_seconds() - began, sustained)


def _sustained(study: Study, *, size: int, batch_size: int) -> float:
    """Return the FLOP/s of forward, backward and the optimiser's step on a batch of noise."""
    method = next(iter(study.methods))
    channels = study.datasets[study.dataset].channels
    backbone = METHODS[method].load().make_backbone(study.network, channels=channels, size=size)
    optimiser = eager.build(torch.optim.AdamW, parameter_groups(backbone, 0.0), lr=0.0)
    images = torch.rand(batch_size, channels, size, size)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=study.training.precision == "bfloat16")

    def step() -> None:
        with autocast:
            features = backbone(images)
        features.sum().backward()
        eager.step(optimiser)

    return batch_size * passes_of(study, method, size).training / _fastest(step)


def _fastest(act: Callable[[], object]) -> float:
    """Return the seconds of the fastest of a few tries: the first also prepares what later ones use."""
    seconds = []
    for _ in range(TRIES):
        began = _processor_seconds()
        act()
        seconds.append(_processor_seconds() - began)
    return min(seconds)


def _processor_seconds() -> float:
    """Return what this process and those that it has started have used of processors, whatever else they do."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)
