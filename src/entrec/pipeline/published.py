"""The published results of a study: writing them, and comparing today's with them.

`reports/published/STUDY` has the tables, the provenance, and `artefacts.csv`, which has the SHA-256 of every file that
the jobs make, without the page of provenance. This module imports neither pandas nor torch.
"""

import csv
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from entrec.artefacts import replacing, sha256, write_csv
from entrec.errors import UserError
from entrec.pipeline.jobs import Jobs
from entrec.pipeline.recording import command
from entrec.pipeline.table_comparison import Row, TableComparison, compare_tables
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.pipeline.verify import told, verify
from entrec.study import Study
from entrec.theory.study import Setting

LISTED = 3  # names of files that a message has before it counts the others


@dataclass(frozen=True)
class Comparison:
    """Today's results beside the published ones: files by their digests, tables number by number.

    Of the `files` published files, `other` have other bytes here and `missing` are not here.
    """

    files: int
    other: Sequence[str]
    missing: Sequence[str]
    tables: Sequence[TableComparison]

    @property
    def equal(self) -> bool:
        """Whether everything that is published is the same here, to the bit."""
        return not (self.other or self.missing) and all(table.equal for table in self.tables)

    def __str__(self) -> str:
        """Return one line for people about the files and one about each table."""
        same = self.files - len(self.other) - len(self.missing)
        others = [f"differ: {_listed(self.other)}"] if self.other else []
        others += [f"missing: {_listed(self.missing)}"] if self.missing else []
        files = "; ".join([f"{same} of {self.files} files are the published ones, to the bit", *others])
        return "\n".join([files, *map(str, self.tables)])


def publish(study: Study | Setting) -> Path:
    """Copy the tables and the provenance of a study to the folder of its published results, and return that folder.

    Raises `UserError` with one line for each result that is missing, damaged or made with other settings than today's.
    """
    if faults := told(verify(study)):
        raise UserError(faults)
    paths = _jobs(study).paths
    published, report = paths.published, paths.report
    curves = report.figures / "information_over_training.csv"  # behind claim C1
    for path in [*_tables(study), *([curves] if curves.is_file() else []), report.provenance_table]:
        with replacing(published.folder / path.name) as scratch:
            shutil.copyfile(path, scratch)
    files = [path for path in _made(study) if path.is_file()]  # the card of a dataset names the files in its folders
    write_csv(published.artefacts, [{"path": str(path), "sha256": sha256(path)} for path in files])
    return published.folder


def compare(study: Study | Setting) -> Comparison:
    """Compare today's results of a study with the published ones.

    Raises `UserError` where nothing of the study is published, and for a table that was not made here.
    """
    published = _jobs(study).paths.published
    if not published.artefacts.is_file():
        raise UserError(f"{published.artefacts}: missing, so that no results of this study are published")
    digests = {Path(row["path"]): row["sha256"] for row in _rows(published.artefacts)}
    here = [path for path in digests if path.is_file()]
    for table in _tables(study):
        if not table.is_file():
            raise UserError(f"{table}: missing; make it: {command(study, table)}")
    return Comparison(
        files=len(digests),
        other=[str(path) for path in here if sha256(path) != digests[path]],
        missing=[str(path) for path in digests if path not in here],
        tables=[
            compare_tables(table.stem, _rows(published.folder / table.name), _rows(table)) for table in _tables(study)
        ],
    )


def _made(study: Study | Setting) -> Iterator[Path]:
    """Yield the outputs of every job, without the page of provenance, which is another one at each place."""
    jobs = _jobs(study)
    provenance = jobs.paths.report.provenance
    for job in jobs:
        if provenance not in job.outputs:
            yield from job.outputs


def _tables(study: Study | Setting) -> list[Path]:
    """Return the CSV file of every table."""
    folder = _jobs(study).paths.report.tables
    return [path for path in _made(study) if path.parent == folder and path.suffix == ".csv"]


def _jobs(study: Study | Setting) -> Jobs | TheoryJobs:
    return Jobs(study) if isinstance(study, Study) else TheoryJobs(study)


def _rows(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
    return f"{', '.join(paths[:LISTED])}{more}"
