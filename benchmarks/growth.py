"""How times grow with the size of a study: an epoch by images; Snakemake and DVC by jobs.

Growth is linear if a further image or job costs the same at every size. The ratios are what one costs between the two
larger sizes over what it costs between the two smaller ones. All times are drawn into growth.svg.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import yaml

from benchmarks.measuring import Ratio, at_most, random_images, seconds
from benchmarks.studies import demo_network
from benchmarks.training_step import real_steps
from entrec.pipeline.jobs import Jobs
from entrec.study import Study, load_study
from entrec.training.device import make_deterministic, pick_device
from entrec.training.pretrain import build_batches, build_state
from entrec.yaml_reader import read_yaml

IMAGES, JOBS = (4_096, 16_384, 65_536), (100, 1_000, 2_500)
LINEAR = 1.3  # what noise may add to growth that is linear
FIGURE = Path("benchmarks/growth.svg")
NEEDED = ("Snakefile", "workflow", "params", "reports/templates", "reports/notebooks")
Point = tuple[int, float]


def ratios() -> Iterator[Ratio]:
    """Yield how much more a further image or job costs in a large study."""
    make_deterministic(pick_device(), threads=1)
    found = {"an epoch": [(count, seconds_per_epoch(count)) for count in IMAGES]}
    yield of_a_further("image", "an epoch", found["an epoch"])
    of_jobs: dict[str, list[Point]] = {}
    for count in JOBS:
        for command, point in times_of_commands(count):
            of_jobs.setdefault(command, []).append(point)
    for command, points in of_jobs.items():
        yield of_a_further("job", command, points)
    draw(found | of_jobs)


def of_a_further(unit: str, what: str, points: Sequence[Point]) -> Ratio:
    """Return the ratio of the two slopes that three points have."""
    (n1, t1), (n2, t2), (n3, t3) = points
    measured = (t3 - t2) / (n3 - n2) / ((t2 - t1) / (n2 - n1))
    name = f"cost of a further {unit} from {n2:,} to {n3:,} over that from {n1:,} to {n2:,}: {what}"
    return at_most(LINEAR, name, measured)


def seconds_per_epoch(images: int) -> float:
    """Return the seconds of one epoch of the demo's network on so many images."""
    case = demo_network()
    case = replace(case, data=random_images(images, size=case.data.size, channels=case.data.channels))
    state = build_state(case.study, case.run("simclr"), case.data, device=pick_device())
    batches = build_batches(case.study, case.run("simclr"), case.data, device=pick_device())
    real_steps(state, batches, case.study, 2)
    return seconds(lambda: real_steps(state, batches, case.study, batches.steps_per_epoch))


def times_of_commands(jobs: int) -> Iterator[tuple[str, Point]]:
    """Yield each command with the number of jobs of a study, about `jobs`, and the seconds that it takes on them."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        study = write_study(folder, jobs=jobs)
        count = len(list(Jobs(study)))
        snakemake = ["snakemake", "--dry-run", "--quiet", "all", "all"]
        in_folder(folder, "dvc", "init", "--quiet", "--no-scm")
        in_folder(folder, sys.executable, "-m", "entrec", "dvc", "--study", "params/demo.yaml", "--output", "dvc.yaml")
        timed: list[tuple[str, list[str], Callable[[], None]]] = [
            ("Snakemake, dry run", snakemake, lambda: None),
            ("Snakemake, nothing to do", snakemake, lambda: write_results(folder, study)),
            ("DVC, commit", ["dvc", "commit", "--quiet", "--force"], lambda: None),
            ("DVC, status", ["dvc", "status"], lambda: None),
        ]
        for name, command, before in timed:
            before()
            yield name, (count, seconds(lambda command=command: in_folder(folder, *command)))  # type: ignore[misc]


def write_study(folder: Path, *, jobs: int) -> Study:
    """Write the project and a study of one method and many seeds to `folder`; every seed has two jobs."""
    for name in NEEDED:
        copy = shutil.copytree if Path(name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(name, folder / name)
    path = folder / "params/demo.yaml"
    values: dict[str, Any] = read_yaml(path)
    seeds = list(range(jobs // 2))
    values |= {"seeds": {"main": seeds, "sweep": seeds}, "batch_sizes": [256], "epochs": [20], "notes": {}}
    values["methods"] = {"simclr": values["methods"]["simclr"]}
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return replace(load_study(path), name="demo")


def write_results(folder: Path, study: Study) -> None:
    """Write a file for every output of every job, each newer than what it is made from."""
    for age, job in enumerate(Jobs(study)):
        for path in (folder / output for output in job.outputs):
            if path.suffix:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(str(path))
            else:
                path.mkdir(parents=True, exist_ok=True)
            os.utime(path, (1.7e9 + age, 1.7e9 + age))


def in_folder(folder: Path, *command: str) -> None:
    """Run a command in `folder`, with its output kept back unless it fails."""
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed\n{done.stdout}")


def draw(found: dict[str, list[Point]]) -> None:
    """Write one panel for each quantity, time against size, to `FIGURE`."""
    rows = [(name, size, time) for name, points in found.items() for size, time in points]
    frame = pd.DataFrame(rows, columns=["what", "images or jobs", "seconds"])
    lines = alt.Chart(frame).mark_line(point=True).encode(x="images or jobs:Q", y="seconds:Q").properties(width=180)
    lines.facet("what:N", columns=3).resolve_scale(x="independent", y="independent").save(FIGURE)
