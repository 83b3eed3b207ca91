"""What measuring entropy, reconstruction and bound costs of the training time, for every method.

Blocks of training steps without diagnostics and of measurements of a real step's outcome run in turn in one
process; the share is (one measurement / steps between two) / (one step), the median over blocks.

    python benchmarks/diagnostics.py
"""

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from training_step import cases, real_steps, seconds

from entrec.data.prepare import prepare
from entrec.data.prepared import Prepared, open_prepared
from entrec.methods.registry import METHODS
from entrec.params import Study, load_study
from entrec.runs import Run
from entrec.training.device import make_deterministic, pick_device
from entrec.training.diagnostics import measure
from entrec.training.pretrain import build_batches, build_state

NEVER = 10**9


def share(study: Study, run: Run, data: Prepared, *, blocks: int, steps: int) -> tuple[float, float]:
    """Median share of the training time, and median milliseconds of one measurement."""
    device = pick_device()
    silent = replace(study, diagnostics=replace(study.diagnostics, every=NEVER))
    state = build_state(study, run, data, device=device)
    batches = build_batches(study, run, data, device=device)
    state.method.before_step(0, batches)
    outcome = state.method(*batches.at(0))
    shares, costs, total = [], [], (blocks + 2) * steps
    for block in range(blocks + 1):
        training = seconds(lambda: real_steps(state, batches, silent, total, steps), device) / steps
        measuring = seconds(lambda: [measure(outcome, study.diagnostics) for _ in range(steps)], device) / steps
        if block:  # the first warms up
            shares.append(measuring / study.diagnostics.every / training)
            costs.append(1e3 * measuring)
    return statistics.median(shares), statistics.median(costs)


def main() -> None:
    """The self-supervised methods of the demo, and one of them with a ResNet-18."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    device = pick_device()
    make_deterministic(device, threads=arguments.threads)
    demo = load_study(Path("params/demo.yaml"))
    demo = replace(demo, training=replace(demo.training, checkpoint_seconds=1e9))
    with tempfile.TemporaryDirectory() as scratch:
        for name, study, batch_size, steps in cases(demo):
            folder = Path(scratch) / name
            prepare(study.dataset, study.datasets[study.dataset], folder)
            data = open_prepared(folder)
            trained = [m for m in study.methods if not METHODS[m].baseline] if study is demo else ["simclr"]
            for method in trained:
                part, cost = share(study, Run(method, batch_size, 1, 0), data, blocks=arguments.blocks, steps=steps)
                print(f"{name}, {method}: {part:.2%} of the training time, {cost:.2f} ms each ({device.type})")


if __name__ == "__main__":
    main()
