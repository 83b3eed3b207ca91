"""Measure the share of the training time that entropy, reconstruction and bound take, for every method.

Blocks of training steps without diagnostics and of measurements of a real step's outcome run in turn in one
process; the share is (one measurement / steps between two) / (one step), the median over blocks.

    python benchmarks/diagnostics.py
"""

import statistics
from dataclasses import replace

from training_step import asked, prepared_cases, real_steps, seconds

from entrec.data.prepared import Prepared
from entrec.methods.registry import METHODS
from entrec.runs import Run
from entrec.study import Study
from entrec.training.device import pick_device
from entrec.training.diagnostics import measure
from entrec.training.pretrain import build_batches, build_state

NEVER = 10**9


def share(study: Study, run: Run, data: Prepared, *, blocks: int, steps: int) -> tuple[float, float]:
    """Return the median share of the training time, and the median milliseconds of one measurement."""
    device = pick_device()
    silent = replace(study, diagnostics=replace(study.diagnostics, every=NEVER))
    state = build_state(study, run, data, device=device)
    batches = build_batches(study, run, data, device=device)
    state.learner.before_step(0, batches)
    outcome = state.learner(*batches.at(0))
    shares, costs, total = [], [], (blocks + 2) * steps
    for block in range(blocks + 1):
        training = seconds(lambda: real_steps(state, batches, silent, total, steps), device) / steps
        measuring = seconds(lambda: [measure(outcome, study.diagnostics) for _ in range(steps)], device) / steps
        if block:  # the first block is a warm-up
            shares.append(measuring / study.diagnostics.every / training)
            costs.append(1e3 * measuring)
    return statistics.median(shares), statistics.median(costs)


def main() -> None:
    """Print the shares of the self-supervised methods of the demo, and of one of them with a ResNet-18."""
    for case in prepared_cases(**asked(__doc__)):
        methods = [m for m in case.study.methods if not METHODS[m].baseline]
        for method in methods if case.study.dataset == "digits" else ["simclr"]:
            run = Run(method, case.batch_size, 1, 0)
            part, cost = share(case.study, run, case.data, blocks=case.blocks, steps=case.steps)
            device = pick_device().type
            print(f"{case.name}, {method}: {part:.2%} of the training time, {cost:.2f} ms each ({device})")


if __name__ == "__main__":
    main()
