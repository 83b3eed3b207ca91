"""The jobs of a study on one machine without Snakemake and DVC, such as a GPU that is lent for minutes.

Each job is the command of its rule, in a process of its own, and several run side by side. The headline setting comes
first, seed by seed; a result that is there is not made again, and a pretraining that was stopped goes on. After
`--seconds` no job is started and those in flight are asked to stop. Tables are made of what is complete:

    python benchmarks/without_snakemake.py run --study params/fashion.yaml --workers 10 --seconds 400
    python benchmarks/without_snakemake.py run --study params/theory.yaml --setting full --steps rates --steps sphere
    python benchmarks/without_snakemake.py publish --study params/fashion.yaml
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from entrec.artefacts import write_text
from entrec.errors import UserError
from entrec.paths import StudyPaths, TheoryPaths
from entrec.pipeline.jobs import TABLES
from entrec.runs import Run
from entrec.study import Study, load_study
from entrec.theory.registry import BOUNDS
from entrec.theory.study import load_theory
from entrec.yaml_reader import read_yaml

PATIENCE = 15  # seconds that a job has to save and to end
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
StudyFile = Annotated[Path, typer.Option("--study")]


@dataclass(frozen=True, eq=False)
class Job:
    """A command of `python -m entrec` that leaves `output`, its last file, once all `inputs` are there."""

    name: str
    arguments: list[str]
    output: Path
    inputs: list[Path] = field(default_factory=list)


def jobs_of(study: Study, path: Path) -> Iterator[Job]:
    """Yield every job but tables and page, in the order in which they are wanted."""
    paths, shared = StudyPaths(study.name), ["--study", str(path)]
    for name in study.datasets:
        folder = paths.dataset(name)
        yield Job(f"prepare {name}", _words("prepare", *shared, dataset=name, output=folder.folder), folder.card)
    for run in sorted(study.runs, key=lambda run: wanted(study, run)):
        yield from _jobs_of_run(study, run, paths, shared)


def wanted(study: Study, run: Run) -> tuple[bool, int, int, int]:
    """Return the place of a run in the order: the headline setting by seed, then the sweeps, cheap ones first."""
    swept = (run.batch_size, run.epochs) != study.headline
    return swept, run.epochs if swept else 0, -run.batch_size, run.seed


def _jobs_of_run(study: Study, run: Run, paths: StudyPaths, shared: list[str]) -> Iterator[Job]:
    folder, data = paths.run(run), paths.dataset(study.dataset)
    own = {"run": run, "data": data.folder}
    yield Job(
        f"pretrain {run}", _words("pretrain", *shared, **own, output=folder.folder), folder.description, [data.card]
    )
    trained = {"run": run, "encoder": folder.encoder}
    yield Job(
        f"evaluate {run}",
        _words("evaluate", *shared, **trained, data=data.folder, output=folder.evaluation),
        folder.evaluation,
        [data.card, folder.description],
    )
    if run in study.headline_runs:
        for name in study.evaluation.transfer.datasets:
            other, output = paths.dataset(name), folder.transfer(name)
            arguments = _words("transfer", *shared, **trained, dataset=name, data=other.folder, output=output)
            yield Job(f"transfer {run} to {name}", arguments, output, [other.card, folder.description])


def theory_jobs(path: Path, setting: str, steps: list[str]) -> Iterator[Job]:
    """Yield the jobs of the estimators' `steps`, among rates, sphere and gaussian, of one setting of the theory."""
    own, results = load_theory(path).setting(setting).estimators, TheoryPaths(setting).results
    shared = ["--study", str(path), "--setting", setting]
    jobs = {
        "rates": [(results.rates(case), {"case": case}) for case in own.rates.cases],
        "sphere": [(results.sphere(d), {"dimension": d}) for d in own.sphere.kappa],
        "gaussian": [(results.gaussian(b, s), {"bound": b, "seed": s}) for b in BOUNDS for s in own.gaussian.seeds],
    }
    for step in steps:
        for output, options in jobs[step]:
            named = " ".join(map(str, options.values()))
            yield Job(f"{step} {named}", ["theory", *_words(step, *shared, **options, output=output)], output)


def _words(step: str, *shared: str, **options: object) -> list[str]:
    return [step, *shared, *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


def run_all(jobs: list[Job], *, workers: int, seconds: float, logs: Path) -> None:
    """Run jobs, the first that is ready first, until all are done, none is ready or the time is up."""
    deadline = time.monotonic() + seconds
    left = [job for job in jobs if not job.output.exists()]
    running: dict[Job, tuple[subprocess.Popen[bytes], float]] = {}
    while (left or running) and time.monotonic() < deadline:
        for job, (process, began) in list(running.items()):
            if process.poll() is not None:
                del running[job]
                told(job, process.returncode, time.monotonic() - began)
        for job in [job for job in left if all(path.exists() for path in job.inputs)][: workers - len(running)]:
            left.remove(job)
            running[job] = start(job, logs), time.monotonic()
        if not running:
            break  # what is left waits for a job that failed
        time.sleep(0.05)
    for process, _ in running.values():
        process.terminate()
    for job, (process, began) in running.items():
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
        told(job, process.wait(), time.monotonic() - began)
    print(f"{sum(job.output.exists() for job in jobs)} of {len(jobs)} results are there", flush=True)


def start(job: Job, logs: Path) -> "subprocess.Popen[bytes]":
    """Start the command; what it prints goes to a log that is named after the job."""
    log = logs / f"{job.name.replace(' ', '_')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    job.output.parent.mkdir(parents=True, exist_ok=True)
    # many processes share the cores: a thread that waits must not keep one
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    with log.open("wb") as file:
        command = [sys.executable, "-m", "entrec", *job.arguments]
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)


def told(job: Job, code: int, seconds: float) -> None:
    """Print one line about a job that ended."""
    print(f"{job.name}: {'done' if code == 0 else f'ended with code {code}'} after {seconds:.0f} s", flush=True)


def complete(study: Study) -> dict[str, Any]:
    """Return the keys of a study file that cut it down to the seeds and settings all of whose results are there."""
    seeds = [s for s in study.seeds.main if _there(study, [run for run in study.headline_runs if run.seed == s])]
    if not seeds:
        sys.exit(f"{StudyPaths(study.name).results}: no seed of the headline setting is complete")
    swept = [seed for seed in study.seeds.sweep if seed in seeds] or seeds[:1]
    own = [run for run in study.runs if run.seed in swept]

    def made(batch_size: int, epochs: int) -> bool:
        runs = [run for run in own if (run.batch_size, run.epochs) == (batch_size, epochs)]
        return (batch_size, epochs) == study.headline or _there(study, runs)

    batch_size, epochs = study.headline
    return {
        "seeds": {"main": seeds, "sweep": swept},
        "batch_sizes": [size for size in study.batch_sizes if made(size, epochs)],
        "epochs": [number for number in study.epochs if made(batch_size, number)],
    }


def _there(study: Study, runs: list[Run]) -> bool:
    paths, names = StudyPaths(study.name), study.evaluation.transfer.datasets
    for run in runs:
        folder = paths.run(run)
        transfers = [folder.transfer(name) for name in names] if run in study.headline_runs else []
        if not all(path.exists() for path in [folder.history, folder.description, folder.evaluation, *transfers]):
            return False
    return True


@app.command()
def run(
    study: StudyFile,
    seconds: Annotated[float, typer.Option(help="After so long no job is started.")] = float("inf"),
    workers: Annotated[int, typer.Option(help="How many jobs run side by side.")] = 1,
    setting: Annotated[str | None, typer.Option(help="Of the theory studies: quick or full.")] = None,
    steps: Annotated[list[str], typer.Option(help="Of the theory studies: rates, sphere or gaussian.")] = [],  # noqa: B006
) -> None:
    """Run a study of methods, or some steps of the theory studies."""
    if setting is None:
        read = load_study(study)
        jobs, logs = list(jobs_of(read, study)), StudyPaths(read.name).logs.folder
    else:
        jobs, logs = list(theory_jobs(study, setting, steps)), TheoryPaths(setting).logs.folder
    run_all(jobs, workers=workers, seconds=seconds, logs=logs)


@app.command()
def publish(study: StudyFile) -> None:
    """Make tables and page of what is complete, from a study file cut down to it."""
    read = load_study(study)
    paths = StudyPaths(read.name)
    cut = paths.results / study.name  # of the same name: a study is called after its file
    kept = complete(read)
    write_text(cut, yaml.safe_dump(read_yaml(study) | kept, sort_keys=False))
    print(f"{cut}: {kept}")
    shared = ["--study", str(cut), "--results", str(paths.results)]
    for name in TABLES:
        entrec("table", *shared, "--name", name, "--output", str(paths.report.tables))
    entrec("report", *shared, "--data", str(paths.data), "--output", str(paths.report.folder))


def entrec(*arguments: str) -> None:
    """Run a command and wait for it."""
    subprocess.run([sys.executable, "-m", "entrec", *arguments], check=True)


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        sys.exit(f"without_snakemake: {error}")
