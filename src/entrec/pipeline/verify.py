"""Whether results are whole, belong together, and were made with today's settings.

`faults` says it of one job, `verify` of all jobs of a study. Nothing is computed, downloaded or changed.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial

from entrec.data.originals import changes
from entrec.errors import Missing, UserError
from entrec.pipeline.jobs import Job, Jobs, StudyJob
from entrec.pipeline.records import command, faults_of, outdated, record_faults
from entrec.pipeline.theory_jobs import ResultJob, TheoryJobs
from entrec.results import (
    IdentifiabilityResult,
    Result,
    RunResults,
    missing,
    preparation,
    read_card,
    read_result,
    require_digest,
)
from entrec.runs import Run
from entrec.study import Study
from entrec.theory.study import Setting

HASHING = 8  # threads; hashing releases the interpreter's lock, and a disk answers several readers faster than one


def faults(job: Job, study: Study | Setting) -> list[UserError]:
    """Return what is wrong with the outputs of a job of the study; an empty list means that they can be used.

    A fault is `Missing` where a file is not there, and `Outdated` where a file is whole and was made with other
    settings than the study has now. Any other fault is damage: a file that is not as it was written, or that was made
    from other files than those that lie there now.
    """
    found: list[UserError] = [*_missing(job, study)] or [*_faults(job, study)]
    return list({str(fault): fault for fault in found}.values())


def verify(study: Study | Setting) -> list[UserError]:
    """Return the faults of all results of a study, each once, in the order of its jobs."""
    jobs: Iterable[Job] = Jobs(study) if isinstance(study, Study) else TheoryJobs(study)
    with ThreadPoolExecutor(HASHING) as pool:
        found = [fault for each in pool.map(partial(faults, study=study), jobs) for fault in each]
    return list({str(fault): fault for fault in found}.values())


def _missing(job: Job, study: Study | Setting) -> Iterator[Missing]:
    yield from (missing(path, command(study, path)) for path in job.outputs if not path.exists())


def _faults(job: Job, study: Study | Setting) -> Iterator[UserError]:
    if isinstance(study, Setting):
        yield from _faults_of_theory(job, study)
    elif isinstance(job, StudyJob) and job.rule in ("prepare", "prepare_encoded"):
        yield from _faults_of_dataset(job, study)
    elif isinstance(job, StudyJob) and job.run is not None:
        yield from _faults_of_run(job, job.run, study)
    elif job.outputs:
        yield from record_faults(job, study, places={})


def _faults_of_dataset(job: StudyJob, study: Study) -> Iterator[UserError]:
    assert job.dataset is not None
    folder = Jobs(study).paths.dataset(job.dataset)
    try:
        card = read_card(folder)
    except UserError as error:
        yield error
        return
    remedy = preparation(folder)
    for file, digest in card.files.items():
        yield from faults_of(require_digest, folder.folder / file, digest, named_by=folder.card, remedy=remedy)
    spec = study.datasets[job.dataset]
    if (changed := changes(spec, folder)) is not None:
        yield UserError(f"{spec.path}: {changed}; make it again: {remedy}")
    key = f"datasets.{job.dataset}"
    yield from outdated(folder.card, {key: card.spec}, {key: asdict(spec)}, remedy)


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
    yield from outdated(path, result.provenance.params, study.slice(list(job.keys)), command(study, path))


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
    yield from outdated(path, result.provenance.params, setting.slice(list(job.keys)), remedy)
