"""Where the numbers of the theory page come from: one origin per file of results."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from entrec.artefacts import write_csv
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.report.markup import grid, joined
from entrec.report.origin_tables import environments_fragment, letters, made_by_other_code, marked
from entrec.report.origins import Environment, environment
from entrec.report.theory.estimator_frames import theory_records
from entrec.theory.study import Setting


@dataclass(frozen=True)
class TheoryOrigin:
    """One file of `results/theory/<setting>`; seconds of wall time, peak memory in MB."""

    file: str
    seed: int
    started: str
    seconds: float
    peak_memory_mb: float
    environment: Environment


def theory_origins(setting: Setting, results: Path) -> list[TheoryOrigin]:
    """Of every file of the study, in its order; raises `UserError` naming what is missing or damaged."""
    return list(_origins(setting, results))


def _origins(setting: Setting, results: Path) -> Iterator[TheoryOrigin]:
    for file, record in theory_records(results, setting, TheoryJobs(setting).results):
        yield TheoryOrigin(
            file=file,
            seed=int(record.number("provenance.seed")),
            started=str(record.get("provenance.started")),
            seconds=record.number("provenance.seconds"),
            peak_memory_mb=record.number("provenance.peak_memory_mb"),
            environment=environment(record),
        )


def theory_provenance(found: list[TheoryOrigin], *, fingerprint: str | None) -> Markup:
    """Environments, then one row per file. `fingerprint` is today's code; None leaves the comparison out."""
    names = letters(found)
    rows = [
        [o.file, str(o.seed), f"{o.seconds:.1f}", f"{o.peak_memory_mb:.0f}", marked(o, names, fingerprint)]
        for o in found
    ]
    files = grid(["file", "seed", "time", "peak", "made"], rows, label="Files", details=["", "", "s", "MB", "in"])
    title = Markup('<h3 id="files">Files</h3>')
    return joined([environments_fragment(found, fingerprint=fingerprint), title, files])


def write_theory_provenance(found: list[TheoryOrigin], path: Path, *, fingerprint: str | None) -> None:
    """One line per file of results, with everything that was recorded about its making."""
    write_csv(path, (_csv_row(origin, fingerprint) for origin in found))


def _csv_row(origin: TheoryOrigin, fingerprint: str | None) -> dict[str, object]:
    other = "" if fingerprint is None else str(bool(made_by_other_code([origin], fingerprint))).lower()
    plain = {key: value for key, value in vars(origin).items() if key != "environment"}
    return {**plain, **vars(origin.environment), "other_code": other}
