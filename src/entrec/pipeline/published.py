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
from entrec.errors import UserError, listed
from entrec.pipeline.recording import command
from entrec.pipeline.table_comparison import Row, TableComparison, compare_tables
from entrec.pipeline.theory_jobs import jobs_of
from entrec.pipeline.verify import told, verify
from entrec.results import require_result
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
        others = [f"differ: {listed(self.other, most=LISTED)}"] if self.other else []
        others += [f"missing: {listed(self.missing, most=LISTED)}"] if self.missing else []
        files = "; ".join([f"{same} of {self.files} files are the published ones, to the bit", *others])
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
        with replacing(published.folder / path.name) as scratch:
            shutil.copyfile(path, scratch)
    # files in folders are named by the card of their dataset, and by the record of the page
    files = [path for path in _made(study) if path.is_file()]
    write_csv(published.artefacts, [{"path": str(path), "sha256": sha256(path)} for path in files])
    return published.folder


def compare(study: Study | Setting) -> Comparison:
    """Compare today's results of a study with the published ones.

    Raises `UserError` where nothing of the study is published, and for a table that is missing on either side.
    """
    jobs = jobs_of(study)
    published = jobs.paths.published
    digests = {Path(row["path"]): row["sha256"] for row in _published_rows(published.artefacts)}
    here = [path for path in digests if path.is_file()]
    return Comparison(
        files=len(digests),
        other=[str(path) for path in here if sha256(path) != digests[path]],
        missing=[str(path) for path in digests if path not in here],
        tables=[
            compare_tables(
                table.stem,
                _published_rows(published.folder / table.name),
                _rows(require_result(table, command(study, table))),
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


def _published_rows(path: Path) -> list[Row]:
    if not path.is_file():
        raise UserError(f"{path}: missing, so that nothing here can be compared with it")
    return _rows(path)


def _rows(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
