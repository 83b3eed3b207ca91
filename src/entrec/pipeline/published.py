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
from entrec.errors import UserError, listed, shown
from entrec.pipeline.recording import Places, command, located
from entrec.pipeline.table_comparison import Row, TableComparison, compare_tables
from entrec.pipeline.theory_jobs import jobs_of
from entrec.pipeline.verify import told, verify
from entrec.results import require_result
from entrec.study import Study
from entrec.theory.study import Setting

LISTED = 3  # names of files that a message has before it counts the others


class Unpublished(UserError):
    """The published file `path` is not there, so that a study, or a part of it, cannot be compared."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: missing, so that nothing here can be compared with it")
        self.path = path


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

    @property
    def same(self) -> int:
        """How many of the published files are the same here, to the bit."""
        return self.files - len(self.other) - len(self.missing)

    def __str__(self) -> str:
        """Return one line for people about the files and one about each table."""
        others = [f"differ: {listed(self.other, most=LISTED)}"] if self.other else []
        others += [f"missing: {listed(self.missing, most=LISTED)}"] if self.missing else []
        files = "; ".join([f"{self.same} of {self.files} files are the published ones, to the bit", *others])
        return "\n".join([files, *map(str, self.tables)])


def publish(study: Study | Setting) -> Path:
    """Copy the tables and the provenance of a study to the folder of its published results, and return that folder.

    Raises `UserError` with one line for each result that is missing, damaged or made with other settings than today's.
    """
    if faults := told(verify(study)):
        raise UserError(faults)
    jobs = jobs_of(study)
    published, report = jobs.paths.published, jobs.paths.report
    curves = report.figures / "information_over_training.csv"  # behind claim C1
    for path in [*jobs.tables, *([curves] if curves.is_file() else []), report.provenance_table]:
        with replacing(published.copy_of(path)) as scratch:
            shutil.copyfile(path, scratch)
    # files in folders are named by the card of their dataset, and by the record of the page
    files = [path for path in _made(study) if path.is_file()]
    write_csv(published.artefacts, [{"path": str(path), "sha256": sha256(path)} for path in files])
    return published.folder


def compare(study: Study | Setting, *, places: Places) -> Comparison:
    """Compare today's results of a study with the published ones.

    Raises `Unpublished` where digests or a table of the study are not published, and `UserError` for a table that is
    missing here.
    """
    jobs = jobs_of(study)
    published = jobs.paths.published
    digests = {Path(row["path"]): row["sha256"] for row in _published_rows(published.artefacts, "path", "sha256")}
    here = {path: located(path, places) for path in digests if located(path, places).is_file()}
    return Comparison(
        files=len(digests),
        other=[str(path) for path, place in here.items() if sha256(place) != digests[path]],
        missing=[str(path) for path in digests if path not in here],
        tables=[
            compare_tables(
                table.stem,
                _published_rows(published.copy_of(table)),
                _rows(require_result(located(table, places), command(study, table))),
            )
            for table in jobs.tables
        ],
    )


def _made(study: Study | Setting) -> Iterator[Path]:
    """Yield the outputs of every job, without the page of provenance, which is another one at each place."""
    jobs = jobs_of(study)
    for job in jobs:
        if jobs.paths.report.provenance not in job.outputs:
            yield from job.outputs


def _published_rows(path: Path, *columns: str) -> list[Row]:
    if not path.is_file():
        raise Unpublished(path)
    return _rows(path, *columns)


def _rows(path: Path, *columns: str) -> list[Row]:
    """Return the rows of a table; raises `UserError` where it lacks one of `columns`, or a row lacks cells."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            rows: list[Row] = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a table of comma-separated values ({error})") from error
    if lacking := [column for column in columns if column not in (reader.fieldnames or ())]:
        raise UserError(f"{path}: its first line does not name the column {lacking[0]}")
    for row in rows:
        if None in row or None in row.values():  # as the marks of a conflict in git leave it
            raise UserError(f"{path}: the row that begins with {shown(next(iter(row.values())))} has not all its cells")
    return rows
