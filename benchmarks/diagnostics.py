"""The time that entropy, reconstruction and geometry take during training, over the whole training time."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.measuring import Ratio, at_most, in_turn, median_ratio
from benchmarks.studies import NEVER, Case, demo_network
from benchmarks.training_step import real_steps
from entrec.methods.registry import METHODS
from entrec.training.device import make_deterministic, pick_device
from entrec.training.diagnostics import measure
from entrec.training.pretrain import build_batches, build_state


def ratios() -> Iterator[Ratio]:
    """Yield the largest share among the demo's self-supervised methods."""
    make_deterministic(pick_device(), threads=1)
    case = demo_network()
    largest = max(share(case, method) for method in case.study.methods if not METHODS[method].baseline)
    yield at_most(0.01, f"time of the diagnostics over that of training: {case.name}, the largest of all", largest)


def share(case: Case, method: str) -> float:
    """Return the median of (one measurement / steps between two) / (one step)."""
    device, run, every = pick_device(), case.run(method), case.study.diagnostics.every
    silent = replace(case.study, diagnostics=replace(case.study.diagnostics, every=NEVER))
    state = build_state(case.study, run, case.data, device=device)
    batches = build_batches(case.study, run, case.data, device=device)
    state.learner.before_step(0, batches)
    outcome = state.learner(*batches.at(0))
    times = in_turn(
        {
            "training": lambda: real_steps(state, batches, silent, case.steps),
            "measuring": lambda: [measure(outcome, case.study.diagnostics) for _ in range(case.steps)],
        },
        rounds=5,
    )
    return median_ratio(times["measuring"], times["training"]) / every
