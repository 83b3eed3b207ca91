"""The real training step over the ideal one.

The real step reads its batch, augments two views and logs as the loop does. The ideal step repeats forward, backward
and optimiser on tensors that are ready on the device.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.measuring import Ratio, at_least, in_turn, median_ratio, on_gpu
from benchmarks.studies import Case, demo_network, resnet18
from entrec.methods.method import Method
from entrec.study import Study
from entrec.training import eager
from entrec.training.batches import Batches
from entrec.training.checkpoint import TrainingState
from entrec.training.device import make_deterministic, pick_device
from entrec.training.pretrain import build_batches, build_state, total_loss, train

NO_END = 10**9  # steps of a run that is stopped from outside


def ratios() -> Iterator[Ratio]:
    """Yield the speed of the real step relative to the ideal one."""
    make_deterministic(pick_device(), threads=1)
    cases = [(demo_network(), 0.93)]
    cases += [(resnet18(batch), 0.97) for batch in ((256, 512) if on_gpu() else (64,))]
    for case, target in cases:
        for method in ("simclr", "entrec_cont"):
            measured = real_over_ideal(case, method, rounds=7)
            yield at_least(target, f"speed of the real step over ready tensors: {case.name}, {method}", measured)


def real_over_ideal(case: Case, method: str, *, rounds: int) -> float:
    """Return the median ratio of the speeds of the two steps."""
    device, run = pick_device(), case.run(method)
    state = build_state(case.study, run, case.data, device=device)
    batches = build_batches(case.study, run, case.data, device=device)
    views, labels = batches.at(0)
    times = in_turn(
        {
            "real": lambda: real_steps(state, batches, case.study, case.steps),
            "ideal": lambda: ideal_steps(state, case.study, views, labels, case.steps),
        },
        rounds=rounds,
    )
    return median_ratio(times["ideal"], times["real"])


def real_steps(state: TrainingState[Method], batches: Batches, study: Study, steps: int) -> None:
    """Take `steps` steps of the training loop."""
    try:
        train(state, StopAfter(batches, steps), study, steps=NO_END, folder=Path("unused"))  # type: ignore[arg-type]
    except StopIteration:
        return


class StopAfter:
    """Batches that end after `steps` of them, to stop the loop before its last step."""

    def __init__(self, batches: Batches, steps: int) -> None:
        self.batches, self.left = batches, steps
        self.steps_per_epoch, self.device = batches.steps_per_epoch, batches.device

    def at(self, step: int) -> tuple[list[Tensor], Tensor]:
        """Return the batch of `step`; raises `StopIteration` after the last one."""
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.batches.at(step)


def ideal_steps(state: TrainingState[Method], study: Study, views: list[Tensor], labels: Tensor, steps: int) -> None:
    """Take `steps` steps of forward, backward and optimiser on tensors that are ready."""
    bfloat16 = study.training.precision == "bfloat16"
    assert state.optimiser is not None
    for _ in range(steps):
        with torch.autocast(labels.device.type, torch.bfloat16, enabled=bfloat16):
            outcome = state.learner(views, labels)
        total_loss(outcome, state.learner.weights).backward()
        eager.step(state.optimiser)
        state.optimiser.zero_grad(set_to_none=True)
