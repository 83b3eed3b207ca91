"""What the steps of the theory studies share: their device, and the record of what they computed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from entrec import provenance
from entrec.provenance import Recording
from entrec.theory.study import Setting, Step
from entrec.training.device import device_for, make_deterministic


@contextmanager
def computing(setting: Setting, step: Step, keys: list[str], *, seed: int) -> Iterator[tuple[torch.device, Recording]]:
    """Choose the device of a step, make it deterministic, and record what the block computes on it.

    `keys` are the dotted keys of the study file that the step depends on.
    """
    asked = setting.resources[step]
    device = device_for(asked)
    make_deterministic(device, threads=asked.threads)
    with provenance.record(setting.slice(keys), seed=seed, device=device, study="theory") as recording:
        yield device, recording
