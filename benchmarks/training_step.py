"""Compare the speed of the real training step with an ideal one.

The real step reads its batch from the dataset, augments two views and logs as the loop does. The ideal step repeats
forward, backward and optimiser on tensors that are ready on the device. Both run alternately in one process, in blocks
of steps, and the ratio is the median over blocks. On a GPU the ResNet-18 has larger batches.

    python benchmarks/training_step.py
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from entrec.data.prepare import prepare
from entrec.data.prepared import Prepared, open_prepared
from entrec.methods.method import Method
from entrec.runs import Run
from entrec.settings import Dataset, Network
from entrec.study import Study, load_study
from entrec.training import eager
from entrec.training.batches import Batches
from entrec.training.device import make_deterministic, pick_device
from entrec.training.pretrain import build_batches, build_state, total_loss, train


def ratio(study: Study, run: Run, data: Prepared, *, blocks: int, steps: int) -> tuple[float, float]:
    """Return the median ratio of real to ideal images/s, and the median of the real images/s."""
    device = pick_device()
    state = build_state(study, run, data, device=device)
    batches = build_batches(study, run, data, device=device)
    total = (blocks + 2) * steps
    ratios, rates = [], []
    views, labels = batches.at(0)
    for block in range(blocks + 1):
        real = seconds(lambda: real_steps(state, batches, study, total, steps), device)
        ideal = seconds(lambda: ideal_steps(state.learner, state.optimiser, study, views, labels, steps), device)
        if block:  # the first block is a warm-up
            ratios.append(ideal / real)
            rates.append(steps * run.batch_size / real)
    return statistics.median(ratios), statistics.median(rates)


def real_steps(state, batches: Batches, study: Study, total: int, steps: int) -> None:  # type: ignore[no-untyped-def]
    """Take `steps` steps of the training loop."""
    stop = StopAfter(batches, steps)
    try:
        train(state, stop, study, steps=total, folder=Path("unused"))  # type: ignore[arg-type]
    except StopIteration:
        return


class StopAfter:
    """Batches that end after some steps, to stop the loop before its last step."""

    def __init__(self, batches: Batches, steps: int) -> None:
        self.batches, self.left = batches, steps
        self.steps_per_epoch, self.device = batches.steps_per_epoch, batches.device

    def at(self, step: int):  # type: ignore[no-untyped-def]
        """Return the batch of `step`; raise `StopIteration` after the last one."""
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.batches.at(step)


def ideal_steps(method: Method, optimiser, study: Study, views, labels, steps: int) -> None:  # type: ignore[no-untyped-def]
    """Take `steps` steps of forward, backward and optimiser on tensors that are ready."""
    bfloat16 = study.training.precision == "bfloat16"
    for _ in range(steps):
        with torch.autocast(labels.device.type, torch.bfloat16, enabled=bfloat16):
            outcome = method(views, labels)
        total_loss(outcome, method.weights).backward()
        eager.step(optimiser)
        optimiser.zero_grad(set_to_none=True)


def seconds(work: Callable[[], None], device: torch.device) -> float:
    """Return the wall time of `work` in seconds, including the device's."""
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Case:
    """A study to measure on prepared data, in `blocks` of `steps` each."""

    name: str
    study: Study
    batch_size: int
    steps: int
    blocks: int
    data: Prepared


def prepared_cases(*, blocks: int, threads: int) -> Iterator[Case]:
    """Set threads and device, and yield each of `cases` with its data prepared."""
    device = pick_device()
    make_deterministic(device, threads=threads)
    demo = load_study(Path("params/demo.yaml"))
    demo = replace(demo, training=replace(demo.training, checkpoint_seconds=1e9))
    with tempfile.TemporaryDirectory() as scratch:
        for name, study, batch_size, steps in cases(demo, device):
            folder = Path(scratch) / study.dataset
            if not folder.exists():
                prepare(study.dataset, study.datasets[study.dataset], folder)
            yield Case(name, study, batch_size, steps, blocks, open_prepared(folder))


def asked(description: str) -> dict[str, int]:
    """Read `blocks` and `threads` from the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    return vars(parser.parse_args())


def main() -> None:
    """Print the ratio for the demo network on 8x8 digits, and for a ResNet-18 on 32x32 textures in colour."""
    for case in prepared_cases(**asked(__doc__)):
        run = Run("simclr", case.batch_size, 1, 0)
        share, rate = ratio(case.study, run, case.data, blocks=case.blocks, steps=case.steps)
        device = pick_device().type
        print(f"{case.name}: {share:.3f} of the ideal step, {rate:.0f} images/s (batch {case.batch_size}, {device})")


def cases(demo: Study, device: torch.device) -> list[tuple[str, Study, int, int]]:
    """Return name, study, batch size and steps in a block of each case; only large batches fill a GPU."""
    colour = Dataset(source="textures", size=32, channels=3, validation=0.2, test=0.25, metric="top1")
    view = replace(
        demo.views[0], saturation=0.4, hue=0.1, greyscale=0.2, blur=0.5, flip=0.5, blur_sigma=(0.1, 2.0), solarise=0.1
    )
    resnet18 = replace(
        demo,
        dataset="textures",
        datasets={"textures": colour},
        evaluation=replace(demo.evaluation, transfer=replace(demo.evaluation.transfer, datasets=())),
        views=(view, view),
        network=Network(backbone="resnet18", width=64, stem="3x3"),
        training=replace(demo.training, precision="bfloat16", channels_last=True),
    )
    sizes = [(256, 20), (512, 20)] if device.type == "cuda" else [(64, 2)]
    return [
        ("demo network, 8x8", demo, 256, 20),
        *(("ResNet-18, 32x32", resnet18, batch_size, steps) for batch_size, steps in sizes),
    ]


if __name__ == "__main__":
    main()
