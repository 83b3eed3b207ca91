"""Run the jobs of a study on one machine without Snakemake and DVC, such as a GPU that is lent for minutes.

Each job is the command of its rule in a process of its own, and several run side by side. The headline setting comes
first, seed by seed. A result that exists is not made again, and a pretraining that was stopped is resumed. After
`--seconds` no job is started, and the running ones are asked to stop. `publish` makes the tables and the page of the
seeds and settings that are complete.

    python benchmarks/without_snakemake.py run --study params/fashion.yaml --workers 8 --seconds 400
    python benchmarks/without_snakemake.py theory --setting full --step rates --step sphere --workers 3
    python benchmarks/without_snakemake.py publish --study params/fashion.yaml
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from entrec.artefacts import write_text
from entrec.errors import UserError
from entrec.paths import StudyPaths, TheoryPaths
from entrec.pipeline.jobs import TABLES, Job, Jobs
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.runs import Run
from entrec.study import Study, load_study
from entrec.theory.study import THEORY_FILE, load_theory
from entrec.yaml_reader import read_yaml

TIMEOUT = 15  # seconds in which a job that was asked to stop saves and ends
Process = subprocess.Popen[bytes]
StudyFile = Annotated[Path, typer.Option("--study", help="The study file, params/<study>.yaml.")]
Seconds = Annotated[float, typer.Option(help="The seconds after which no job is started.")]
Workers = Annotated[int, typer.Option(help="How many jobs run side by side.")]
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, eq=False)
class Command:
    """A job with a name, and the arguments of `python -m entrec` that do it."""

    name: str
    job: Job
    arguments: list[str]

    @property
    def ready(self) -> bool:
        """Whether everything that the job reads is there."""
        return all(path.exists() for path in self.job.inputs)

    @property
    def done(self) -> bool:
        """Whether everything that the job writes is there."""
        return all(path.exists() for path in self.job.outputs)


def command(job: Job, *step: str, name: str, **options: object) -> Command:
    """Return the command `step` with `options`."""
    words = (word for key, value in options.items() for word in (f"--{key}", str(value)))
    return Command(name, job, [*step, *words])


def study_commands(study: Study, path: Path) -> Iterator[Command]:
    """Yield the commands of every job but the tables and the page, the most wanted first."""
    jobs = Jobs(study)
    folders = {name: jobs.paths.dataset(name).folder for name in study.datasets}
    for name, spec in study.datasets.items():
        job, options = jobs.prepare(name, encoded=spec.encoded), {"dataset": name, "output": folders[name]}
        yield command(job, "prepare", name=f"prepare-{name}", study=path, **options)
    for run in sorted(study.runs, key=lambda run: place(study, run)):
        own, data = jobs.paths.run(run), folders[study.dataset]
        shared = {"study": path, "run": run}
        yield command(jobs.pretrain(run), "pretrain", name=f"pretrain-{run}", **shared, data=data, output=own.folder)
        shared |= {"encoder": own.encoder}
        outcome = own.evaluation
        yield command(jobs.evaluate(run), "evaluate", name=f"evaluate-{run}", **shared, data=data, output=outcome)
        for name in transfers(study, run):
            options = {"dataset": name, "data": folders[name], "output": own.transfer(name)}
            yield command(jobs.transfer(run, name), "transfer", name=f"transfer-{run}-{name}", **shared, **options)


def place(study: Study, run: Run) -> tuple[bool, int, int, int]:
    """Return the place of a run in the order: the headline setting by seed, then the sweeps, short runs first."""
    swept = (run.batch_size, run.epochs) != study.headline
    return swept, run.epochs if swept else 0, -run.batch_size, run.seed


def transfers(study: Study, run: Run) -> tuple[str, ...]:
    """Return the datasets that the encoder of `run` is transferred to."""
    return study.evaluation.transfer.datasets if run in study.headline_runs else ()


def theory_commands(path: Path, setting: str, steps: list[str]) -> Iterator[Command]:
    """Yield the commands of the estimators' `steps`, among rates, sphere and gaussian, of one setting."""
    jobs = TheoryJobs(load_theory(path).setting(setting))
    for step in steps:
        for job in jobs.by_part[f"estimators.{step}"]:
            (output,) = job.outputs
            yield command(job, "theory", step, name=job.name, study=path, setting=setting, **job.about, output=output)


def run_all(commands: list[Command], *, workers: int, seconds: float, logs: Path) -> None:
    """Run commands, those that come first first, until all are done, none is ready or the time is up."""
    deadline = time.monotonic() + seconds
    left = [own for own in commands if not own.done]
    running: dict[Command, tuple[Process, float]] = {}
    while (left or running) and time.monotonic() < deadline:
        for own, (process, began) in list(running.items()):
            if process.poll() is not None:
                del running[own]
                report_end(own, process, began)
        for own in [own for own in left if own.ready][: workers - len(running)]:
            left.remove(own)
            running[own] = start(own, logs), time.monotonic()
        if not running:
            break  # what is left waits for a job that failed
        time.sleep(0.05)
    for process, _ in running.values():
        process.terminate()
    for own, (process, began) in running.items():
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        report_end(own, process, began)
    print(f"{sum(own.done for own in commands)} of {len(commands)} jobs are done", flush=True)


def start(own: Command, logs: Path) -> Process:
    """Start a command; what it prints goes to a log that is named after it."""
    log = logs / f"{own.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "entrec", *own.arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},  # a waiting thread must not occupy a core that others need
        )


def report_end(own: Command, process: Process, began: float) -> None:
    """Print one line about a job that ended."""
    outcome = "done" if process.returncode == 0 else f"ended with code {process.returncode}"
    print(f"{own.name}: {outcome} after {time.monotonic() - began:.0f} s", flush=True)


def complete(study: Study) -> dict[str, Any]:
    """Return the keys of a study file that reduce it to the seeds and settings all of whose results are there."""
    jobs = Jobs(study)

    def made(runs: list[Run]) -> bool:
        own = [job for run in runs for job in (jobs.pretrain(run), jobs.evaluate(run))]
        own += [jobs.transfer(run, name) for run in runs for name in transfers(study, run)]
        paths = [path for job in own for path in job.outputs]
        return all(path.exists() for path in paths if path.suffix != ".safetensors")  # encoders may be elsewhere

    def of(batch_size: int, epochs: int) -> list[Run]:
        return [run for run in study.runs if (run.batch_size, run.epochs) == (batch_size, epochs) and run.seed in swept]

    seeds = [seed for seed in study.seeds.main if made([run for run in study.headline_runs if run.seed == seed])]
    if not seeds:
        raise UserError(f"{jobs.paths.results}: no seed of the headline setting is complete; run the study first")
    swept = [seed for seed in study.seeds.sweep if seed in seeds] or seeds[:1]
    batch_size, epochs = study.headline
    return {
        "seeds": {"main": seeds, "sweep": swept},
        "batch_sizes": [size for size in study.batch_sizes if made(of(size, epochs))],
        "epochs": [number for number in study.epochs if made(of(batch_size, number))],
    }


@app.command()
def run(study: StudyFile, seconds: Seconds = float("inf"), workers: Workers = 1) -> None:
    """Run a study of methods."""
    read = load_study(study)
    commands = list(study_commands(read, study))
    run_all(commands, workers=workers, seconds=seconds, logs=StudyPaths(read.name).logs.folder)


@app.command()
def theory(
    step: Annotated[list[str], typer.Option(help="The name of a step: rates, sphere or gaussian.")],
    study: StudyFile = Path(THEORY_FILE),
    setting: Annotated[str, typer.Option(help="The size of the study: quick or full.")] = "quick",
    seconds: Seconds = float("inf"),
    workers: Workers = 1,
) -> None:
    """Run steps of the theory's study of estimators."""
    commands = list(theory_commands(study, setting, step))
    run_all(commands, workers=workers, seconds=seconds, logs=TheoryPaths(setting).logs.folder)


@app.command()
def publish(study: StudyFile) -> None:
    """Make the tables and the page of what is complete, from a study file that is reduced to it."""
    read = load_study(study)
    paths, kept = StudyPaths(read.name), complete(read)
    reduced = paths.results / study.name  # a study is called after its file
    write_text(reduced, yaml.safe_dump(read_yaml(study) | kept, sort_keys=False))
    print(f"{reduced}: {kept}")
    shared: list[str | Path] = ["--study", reduced, "--results", paths.results]
    for name in TABLES:
        entrec("table", *shared, "--name", name, "--output", paths.report.tables)
    entrec("report", *shared, "--data", paths.data, "--output", paths.report.folder)


def entrec(*arguments: str | Path) -> None:
    """Run a command and wait for it."""
    subprocess.run([sys.executable, "-m", "entrec", *map(str, arguments)], check=True)


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        sys.exit(f"without_snakemake: {error}")
