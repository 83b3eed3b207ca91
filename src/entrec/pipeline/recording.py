"""Records of tables, figures and pages: writing them, and comparing them with the results that lie there now.

`places` says where the files under a folder of the study were read or written, where that is another folder.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from entrec.artefacts import sha256
from entrec.errors import Outdated, UserError
from entrec.paths import StudyPaths, record_of
from entrec.pipeline.jobs import Job
from entrec.results import (
    Record,
    damaged,
    file_digest,
    missing,
    outdated,
    read_result,
    require_digest,
    require_result,
    write_result,
)
from entrec.study import Study
from entrec.theory.study import Setting

Places = Mapping[Path, Path]
TRACKED = (("reports", "templates"), ("reports", "notebooks"), ("reports", "published"))  # folders in git


def write_record(job: Job, study: Study | Setting, files: Iterable[Path], *, places: Places) -> None:
    """Write the record of the `files` that a job of the study has made; it lies beside the first one."""
    first, *others = files
    path = record_of(first)
    digests = {str(file.relative_to(path.parent)): sha256(file) for file in (first, *others)}
    inputs = {str(name): file_digest(located(name, places), str(name)) for name in job.inputs}
    write_result(path, Record(params=study.slice(list(job.keys)), inputs=inputs, files=digests))


def read_record(file: Path, remedy: str) -> Record:
    """Return the record beside a file; raises `UserError` with `remedy` if it is missing or damaged."""
    return read_result(Record, record_of(file), remedy=remedy, about={})


def require_recorded(file: Path, remedy: str) -> Path:
    """Return `file` if it is as the record beside it says; raises `UserError` with `remedy` otherwise."""
    require_result(file, remedy)
    path, record = record_of(file), read_record(file, remedy)
    if file.name not in record.files:
        raise damaged(path, f"has no digest of {file.name}", remedy)
    return require_digest(file, record.files[file.name], named_by=path, remedy=remedy)


def record_faults(job: Job, study: Study | Setting, *, places: Places) -> Iterator[UserError]:
    """Yield what is wrong with the table, figure or page that a job of the study has made.

    The fault is `Missing` where a file is not there, and `Outdated` where only settings, templates or published results
    have changed.
    """
    first, *others = (located(output, places) for output in job.outputs)
    path, remedy = record_of(first), command(study, job.outputs[0])
    if lacking := [output for output in (first, *others) if not output.exists()]:
        yield from (missing(output, remedy) for output in lacking)
        return
    try:
        record = read_record(first, remedy)
    except UserError as error:
        yield error
        return
    made = [output for output in (first, *others) if output.is_file() and output != path]
    for output in made:
        if str(output.relative_to(path.parent)) not in record.files:
            yield damaged(path, f"has no digest of {output}", remedy)
    for file, digest in record.files.items():
        yield from faults_of(require_digest, path.parent / file, digest, named_by=path, remedy=remedy)
    yield from outdated(path, record.params, study.slice(list(job.keys)), remedy)
    for name in job.inputs:
        here = located(name, places)
        try:
            same = record.inputs.get(str(name)) == file_digest(here, command(study, name))
        except UserError as error:
            yield error
            continue
        if not same and name.parts[:2] in TRACKED:
            yield Outdated(f"{path}: made with another {here} than there is now; make it again: {remedy}")
        elif not same:
            yield damaged(path, f"made from another {here} than there is now", remedy)


def require_whole(job: Job, study: Study | Setting, *, places: Places) -> None:
    """Raise `UserError` unless what a job has made is whole, and made from the results that lie there now.

    Settings and templates may have changed since: Snakemake and DVC decide what they make again.
    """
    for fault in record_faults(job, study, places=places):
        if not isinstance(fault, Outdated):
            raise fault


def faults_of(check: Callable[..., object], *arguments: Any, **options: Any) -> Iterator[UserError]:
    """Yield the `UserError` that a check raises, if it raises one."""
    try:
        check(*arguments, **options)
    except UserError as error:
        yield error


def command(study: Study | Setting, path: Path) -> str:
    """Return the command that makes a file of the study."""
    return StudyPaths(study.name).command(path) if isinstance(study, Study) else f"snakemake {path}"


def located(path: Path, places: Places) -> Path:
    """Return where `path` lies."""
    for folder, place in places.items():
        if path.is_relative_to(folder):
            return place / path.relative_to(folder)
    return path
