"""Whether results are whole, belong together, and were made with today's settings.

`faults` says it of one job, `verify` of all jobs of a study. Nothing is computed, downloaded or changed.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from entrec.data.originals import Place, changes, verify_originals
from entrec.errors import Missing, Outdated, UserError, listed
from entrec.paths import DatasetFolder, StudyPaths, TheoryPaths
from entrec.pipeline.jobs import Job, Jobs, StudyJob
from entrec.pipeline.recording import command, faults_of, record_faults
from entrec.pipeline.theory_jobs import ResultJob, jobs_of
from entrec.results import (
    IdentifiabilityResult,
    Result,
    RunResults,
    missing,
    outdated,
    preparation,
    read_card,
    read_circumstances,
    read_result,
    require_digest,
)
from entrec.runs import Run
from entrec.study import Study, load_study
from entrec.theory.study import SETTINGS, THEORY_FILE, Setting, load_theory

DAMAGED = "damaged, or made from other files than there are now"
OUTDATED = "made with other settings, templates or published results than today's"
MISSING = "missing"
HASHING = 8  # threads; hashing releases the interpreter's lock, and a disk answers several readers faster than one


def faults(job: Job, study: Study | Setting) -> list[UserError]:
    """Return what is wrong with the outputs of a job of the study; an empty list means that they can be used.

    A fault is `Missing` where a file is not there, and `Outdated` where a file is whole and was made with other
    settings than the study has now. Any other fault is damage: a file that is not as it was written, or that was made
    from other files than those that lie there now. Circumstances may be missing, but not be those of another result.
    """
    found: list[UserError] = [*_missing(job, study)] or [*_faults(job, study)]
    return list({str(fault): fault for fault in found}.values())


def verify(study: Study | Setting) -> list[UserError]:
    """Return the faults of all results of a study, each once, in the order of its jobs."""
    with ThreadPoolExecutor(HASHING) as pool:
        found = [fault for each in pool.map(partial(faults, study=study), jobs_of(study)) for fault in each]
    return list({str(fault): fault for fault in found}.values())


def dataset_faults(folder: DatasetFolder) -> list[UserError]:
    """Return what is wrong with a prepared dataset, whose every byte is compared with its card."""
    try:
        card, remedy = read_card(folder), preparation(folder)
    except UserError as error:
        return [error]
    checks = [partial(faults_of, require_digest, folder.folder / file, digest) for file, digest in card.files.items()]
    with ThreadPoolExecutor(HASHING) as pool:
        found = pool.map(lambda check: list(check(named_by=folder.card, remedy=remedy)), checks)
        return [fault for each in found for fault in each]


def original_faults(folder: DatasetFolder) -> Iterator[UserError]:
    """Yield the fault that a prepared dataset's original files, if they are on this machine, are no longer the same.

    Every byte of them is read.
    """
    with suppress(UserError):  # a fault of the card, which `dataset_faults` returns
        spec = read_card(folder).spec
        yield from faults_of(verify_originals, Place(spec["source"], spec["path"]), folder)


def named_by(target: Path) -> Iterator[Study | Setting]:
    """Yield the study of a study file or of a folder of results; of the theory's file, the settings with results.

    Raises `UserError` where `target` is neither, and for a fault of the study file.
    """
    name = target.name
    if not os.path.exists(target):
        raise UserError(f"{target}: no such file or folder; {_what_there_is()}")
    if target.is_dir():
        theory = TheoryPaths(name).results.folder
        file = Path(THEORY_FILE) if target.resolve() == theory.resolve() else Path("params", f"{name}.yaml")
        if not file.is_file():
            raise UserError(f"{target}: {file} is missing, which would say what it should hold; {_what_there_is()}")
        target = file
    if target.resolve() != Path(THEORY_FILE).resolve():
        yield load_study(target)
        return
    asked = [name] if name in SETTINGS else [one for one in SETTINGS if TheoryPaths(one).results.folder.exists()]
    if not asked:
        raise UserError(f"{target}: there are no results of the theory yet; make them: snakemake theory")
    yield from map(load_theory(target).setting, asked)


def _what_there_is() -> str:
    """Return in words which study files and which folders of results there are."""
    of_theory = [str(TheoryPaths(setting).results.folder) for setting in SETTINGS]
    parents = {Path(folder).parent for folder in of_theory}
    folders = [path for path in StudyPaths("*").results.parent.glob("*") if path.is_dir() and path not in parents]
    results = sorted([*map(str, folders), *filter(os.path.isdir, of_theory)])
    files = sorted(map(str, Path("params").glob("*.yaml")))
    return f"study files: {listed(files) or 'none'}; results: {listed(results) or 'none yet'}"


def told(found: Iterable[UserError]) -> str:
    """Return the faults, one a line, under a heading for each of the three kinds."""
    kinds: dict[str, list[UserError]] = {DAMAGED: [], OUTDATED: [], MISSING: []}
    for fault in found:
        kinds[kind_of(fault)].append(fault)
    return "\n".join(line for kind, some in kinds.items() if some for line in (f"{kind}: {len(some)}", *map(str, some)))


def kind_of(fault: UserError) -> str:
    """Return which of the three kinds a fault is of."""
    return MISSING if isinstance(fault, Missing) else OUTDATED if isinstance(fault, Outdated) else DAMAGED


def _missing(job: Job, study: Study | Setting) -> Iterator[Missing]:
    yield from (missing(path, command(study, path)) for path in job.outputs if not path.exists())


def _faults(job: Job, study: Study | Setting) -> Iterator[UserError]:
    if isinstance(study, Setting):
        yield from _faults_of_theory(job, study)
    elif isinstance(job, StudyJob) and job.rule in ("prepare", "prepare_encoded"):
        yield from _faults_of_dataset(job, study)
    elif isinstance(job, StudyJob) and job.run is not None:
        for part in job.each:
            yield from _faults_of_run(part, job.run, study)
    elif job.outputs:
        yield from record_faults(job, study, places={})


def _faults_of_dataset(job: StudyJob, study: Study) -> Iterator[UserError]:
    assert job.dataset is not None
    folder = Jobs(study).paths.dataset(job.dataset)
    found = dataset_faults(folder)
    yield from found
    if found:
        return
    spec, remedy = study.datasets[job.dataset], preparation(folder)
    try:
        changed = changes(spec, folder)
    except UserError as error:
        yield error
    else:
        if changed is not None:
            yield UserError(f"{spec.path}: {changed}; make it again: {remedy}")
    key = f"datasets.{job.dataset}"
    yield from outdated(folder.card, {key: read_card(folder).spec}, {key: asdict(spec)}, remedy)


def _faults_of_run(job: StudyJob, run: Run, study: Study) -> Iterator[UserError]:
    jobs = Jobs(study)
    results, (path, *_) = RunResults(study.name, str(run), jobs.paths.run(run)), job.outputs
    result: Result
    try:
        if job.rule == "pretrain":
            path, result = results.folder.description, results.pretraining
            yield from (*faults_of(results.encoder), *faults_of(results.history))
        elif job.rule == "evaluate":
            result = results.evaluation()
        else:
            assert job.dataset is not None
            result = results.transfer(job.dataset, study.datasets[job.dataset].metric)
        data = jobs.paths.dataset(job.dataset or study.dataset)
        results.require_data(path, result, data.card, read_card(data).digest)
    except UserError as error:
        yield error
        return
    yield from faults_of(results.circumstances, path, result)
    yield from outdated(path, result.made_from.params, study.slice(list(job.keys)), command(study, path))


def _faults_of_theory(job: Job, setting: Setting) -> Iterator[UserError]:
    path, remedy = job.outputs[0], command(setting, job.outputs[0])
    if not isinstance(job, ResultJob):
        yield from record_faults(job, setting, places={})
        return
    try:
        result = read_result(job.kind, path, remedy=remedy, about={"setting": setting.name, **job.about})
    except UserError as error:
        yield error
        return
    if isinstance(result, IdentifiabilityResult):
        digests = {job.outputs[1]: result.encoder, job.outputs[2]: result.process}
        for file, digest in digests.items():
            yield from faults_of(require_digest, file, digest, named_by=path, remedy=remedy)
    yield from faults_of(read_circumstances, path, result, remedy)
    yield from outdated(path, result.made_from.params, setting.slice(list(job.keys)), remedy)
