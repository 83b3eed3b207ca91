"""The project's ratios and rates on this machine's GPU, with their provenance, as a table and as files.

The numbers are those of the other scripts here: real training step over ideal, views, kernel entropy by tiles over
the same with the matrix, steps of the theory at the original size.

    python benchmarks/on_gpu.py --output reports/published/gpu
"""

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import kernel_entropy
import theory_steps
import training_step
import views

from entrec.artefacts import write_csv, write_json
from entrec.provenance import record
from entrec.runs import Run
from entrec.training.device import make_deterministic, pick_device


@dataclass(frozen=True)
class Measured:
    """One number: what was timed, on what, and what of it."""

    benchmark: str
    case: str
    quantity: str
    value: float
    unit: str


def training(blocks: int) -> Iterator[Measured]:
    """The real step by two losses, the contrastive one and EntRec's."""
    for case in training_step.prepared_cases(blocks=blocks, threads=1):
        for method in ("simclr", "entrec_cont"):
            run = Run(method, case.batch_size, 1, 0)
            share, rate = training_step.ratio(case.study, run, case.data, blocks=blocks, steps=case.steps)
            name = f"{case.name}, {case.study.training.precision}, batch {case.batch_size}, {method}"
            yield Measured("training step", name, "speed over that of the ideal step", share, "ratio")
            yield Measured("training step", name, "real step", rate, "images/s")


def augmentation() -> Iterator[Measured]:
    """SimCLR's family with blur at 32x32 in colour."""
    for batch in (256, 512, 4096):
        rate = views.views_per_second(views.SIMCLR, size=32, channels=3, batch=batch, device=pick_device())
        yield Measured("views", f"SimCLR with blur, 32x32 colour, batch {batch}", "augmentation alone", rate, "views/s")


def entropy(runs: int, sizes: tuple[int, ...]) -> Iterator[Measured]:
    """Value and gradient in 128 dimensions."""
    for samples in sizes:
        z = kernel_entropy.points(samples, 128)
        name = f"{samples} points in 128 dimensions"
        kernel_entropy.times_in_turn(z, 2)  # warms up
        times = kernel_entropy.times_in_turn(z, runs)
        share = statistics.median(t / m for t, m in zip(times["tiles"], times["matrix"], strict=True))
        yield Measured("kernel entropy", name, "time by tiles over time by matrix", share, "ratio")
        for version in kernel_entropy.VERSIONS:
            yield Measured("kernel entropy", name, f"time, {version}", statistics.median(times[version]), "s")
            extra = kernel_entropy.peak_megabytes(version, z)
            yield Measured("kernel entropy", name, f"extra memory, {version}", extra, "MB")


def theory(blocks: int, steps: int) -> Iterator[Measured]:
    """Encoders of latent recovery and content isolation, in batches of the original papers."""
    for precision in ("float32", "bfloat16"):
        for study, method, rate, share in theory_steps.measured(
            Path("params/theory.yaml"), blocks=blocks, steps=steps, precision=precision
        ):
            name = f"{study}, {method}, {precision}"
            yield Measured("theory", name, "training", rate, "steps/s")
            yield Measured("theory", name, "the network's own arithmetic over the step", share, "ratio")


def main() -> None:
    """Print every number as it comes, and write all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for ratios.csv and ratios.json")
    parser.add_argument("--short", action="store_true", help="a trial: one block, small sizes")
    arguments = parser.parse_args()
    device = pick_device()
    make_deterministic(device, threads=1)
    blocks, steps, sizes = (1, 1, (512,)) if arguments.short else (3, 30, (4096, 16384, 32768))
    rows = []
    with record({}, seed=0, device=device) as recording:
        for measured in chain(training(blocks), augmentation(), entropy(10, sizes), theory(blocks, steps)):
            told = f"{measured.benchmark}: {measured.case}: {measured.quantity}"
            print(f"{told} {measured.value:.4g} {measured.unit}", flush=True)
            rows.append(asdict(measured) | {"value": float(f"{measured.value:.4g}")})
    write_csv(arguments.output / "ratios.csv", rows)
    write_json(
        arguments.output / "ratios.json",
        {
            "rows": rows,
            "made_from": recording.made_from.model_dump(exclude_unset=True),
            "circumstances": recording.circumstances.model_dump(exclude_unset=True),
        },
    )


if __name__ == "__main__":
    main()
