"""Where every number comes from: one origin per file of results, and the environments they share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.report.records import Record, read_record
from entrec.runs import Run
from entrec.study import Study


@dataclass(frozen=True)
class Environment:
    """Code, machine and versions that made a file; equal environments are one line of the page."""

    commit: str | None
    dirty: bool
    code: str
    cpu: str
    gpu: str | None
    device: str
    threads: int
    machine: str
    versions: str


@dataclass(frozen=True)
class Origin:
    """One file of results: `step` is pretrain, evaluate or transfer; seconds of wall time, peak memory in MB.

    `chosen` is what the validation part decided; `images_per_second` and `steps` are the training's.
    """

    run: Run
    step: str
    dataset: str
    checksum: str
    seed: int
    started: str
    seconds: float
    peak_memory_mb: float
    images_per_second: float | None
    steps: int | None
    chosen: str
    environment: Environment


def origins(study: Study, results: Path) -> list[Origin]:
    """Of every run, evaluation and transfer of the study, in its order; raises `UserError` naming what is missing."""
    return list(_origins(study, results))


def _origins(study: Study, results: Path) -> Iterator[Origin]:
    for run in study.runs:
        yield _pretrained(run, read_record(study, results, run, "run.json"))
        record = read_record(study, results, run, "evaluation.json")
        yield _origin(run, "evaluate", record, chosen=f"L2 {record.number('linear.l2'):g}")
        if run in study.headline_runs:
            for name in study.evaluation.transfer.datasets:
                record = read_record(study, results, run, f"transfer/{name}.json")
                lr, decay = record.number("chosen.lr"), record.number("chosen.weight_decay")
                yield _origin(run, "transfer", record, chosen=f"lr {lr:g}, weight decay {decay:g}")


def _pretrained(run: Run, record: Record) -> Origin:
    speed = record.get("images_per_second")
    steps = int(record.number("steps"))
    images_per_second = None if speed is None else record.number("images_per_second")
    return _origin(run, "pretrain", record, images_per_second=images_per_second, steps=steps)


def _origin(
    run: Run,
    step: str,
    record: Record,
    *,
    chosen: str = "",
    images_per_second: float | None = None,
    steps: int | None = None,
) -> Origin:
    return Origin(
        run=run,
        step=step,
        dataset=str(record.get("provenance.dataset.name")),
        checksum=str(record.get("provenance.dataset.checksum")),
        seed=int(record.number("provenance.seed")),
        started=str(record.get("provenance.started")),
        seconds=record.number("provenance.seconds"),
        peak_memory_mb=record.number("provenance.peak_memory_mb"),
        images_per_second=images_per_second,
        steps=steps,
        chosen=chosen,
        environment=environment(record),
    )


def environment(record: Record) -> Environment:
    """What the provenance of a file of results says of code, machine and versions."""
    hardware = record.get("provenance.hardware")
    versions = record.get("provenance.versions")
    if not isinstance(hardware, dict) or not isinstance(versions, dict):
        raise record.damaged("provenance.hardware and provenance.versions are not keys and values")
    gpu: Any = hardware.get("gpu")
    commit: Any = record.get("provenance.commit")
    return Environment(
        commit=None if commit is None else str(commit),
        dirty=bool(record.get("provenance.dirty")),
        code=str(record.get("provenance.code")),
        cpu=str(hardware.get("cpu", "unknown")),
        gpu=None if gpu is None else str(gpu),
        device=str(hardware.get("device", "unknown")),
        threads=int(record.number("provenance.hardware.threads")),
        machine=str(hardware.get("machine", "unknown")),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
    )
