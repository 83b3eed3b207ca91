"""What a DVC stage runs: it makes the results that are not those of today's study, and leaves the others as they are.

DVC deletes nothing before a stage, since every output is persistent; so this module decides. A result that was made
with today's parameters from today's inputs is left for DVC to record, whoever made it. DVC's run cache may have an
earlier result of these parameters and inputs. Snakemake makes every other result again, also where it has no record of
it, as in a fresh clone.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from entrec.errors import UserError, one_line
from entrec.pipeline import run_cache
from entrec.pipeline.dvc import require_stages_of
from entrec.pipeline.jobs import Job, Jobs
from entrec.pipeline.theory_jobs import jobs_of
from entrec.pipeline.verify import faults
from entrec.results import drop_foreign_circumstances
from entrec.sources import SOURCES
from entrec.study import Study
from entrec.theory.study import Setting

LOCKS = Path(".snakemake/locks")  # where a running Snakemake lists the files that it reads and writes


def run_stage(study: Study | Setting, study_file: Path, targets: Sequence[str]) -> None:
    """Make each of `targets`, first outputs of jobs of one rule, that is missing or was made otherwise than today.

    Ends the process with Snakemake's code where Snakemake fails. Raises `UserError` for a target that the study does
    not have, where DVC's stages are not those of the study, for an input that is missing, and while Snakemake works on
    the same files.
    """
    _refuse_other_stages(study, study_file)
    jobs = [_job(study, study_file, target) for target in targets]
    for job in jobs:
        _refuse_while_snakemake_runs(job)
    drop_foreign(jobs)
    stale = [job for job in jobs if faults(job, study)]
    if stale and run_cache.restored(targets):
        drop_foreign(stale)
        restored = [job for job in stale if not faults(job, study)]
        stale = [job for job in stale if job not in restored]
        _show_to_snakemake(restored, study, study_file)
    for job in jobs:
        if job not in stale:
            print(f"{job.outputs[0]}: is what today's parameters and inputs make", flush=True)
    for job in stale:
        _require_inputs(job, study_file)
    if stale:
        _call(_snakemake(stale, study, study_file))
        run_cache.save(targets)


def adopt(study: Study, study_file: Path) -> None:
    """Prepare the datasets that no remote has, where they are missing, and drop what was made of other results.

    These are circumstances and the page of provenance, which no remote has. Raises `UserError` for original files that
    are missing.
    """
    jobs = Jobs(study)
    kept_here = [name for name, spec in study.datasets.items() if not SOURCES[spec.source].may_be_passed_on]
    for encoded in (False, True):
        cards = [str(jobs.paths.dataset(name).card) for name in jobs.datasets(encoded=encoded) if name in kept_here]
        run_stage(study, study_file, cards)
    drop_foreign(jobs)
    page = jobs.provenance()
    if faults(page, study):
        for path in page.outputs:
            path.unlink(missing_ok=True)


def drop_foreign(jobs: Iterable[Job]) -> None:
    """Remove the circumstances of results in whose place DVC, or a copy, has put others."""
    for path in (output for job in jobs for output in job.outputs if output.suffix == ".json"):
        drop_foreign_circumstances(path)


def _refuse_other_stages(study: Study | Setting, study_file: Path) -> None:
    """Raise `UserError` where DVC runs stages for other runs or datasets than the study has; do nothing without DVC."""
    name = os.environ.get("DVC_STAGE")
    if name is None:
        return
    written = Path(name.rpartition(":")[0] or "dvc.yaml")
    if written.exists():  # `dvc repro` in a folder below the root names its stages as if they were those of the root
        require_stages_of(study, study_file, written=written)


def _job(study: Study | Setting, study_file: Path, target: str) -> Job:
    for job in jobs_of(study):
        if job.outputs and str(job.outputs[0]) == target:
            return job
    raise UserError(
        f"{one_line(target)}: {study_file} has no such result; write its DVC stages again with the command in the first"
        " line of their dvc.yaml"
    )


def _refuse_while_snakemake_runs(job: Job) -> None:
    outputs, inputs = set(map(str, job.outputs)), set(map(str, job.inputs))
    for kind, claimed in (("input", outputs), ("output", inputs | outputs)):
        for lock in LOCKS.glob(f"*.{kind}.lock"):
            with suppress(FileNotFoundError):  # that Snakemake has just ended
                if not claimed.isdisjoint(lock.read_text(encoding="utf-8").splitlines()):
                    raise UserError(
                        f"{job.outputs[0]}: Snakemake is running in this folder; wait until it has ended."
                        " If none is running, one was killed: call snakemake --unlock"
                    )


def _require_inputs(job: Job, study_file: Path) -> None:
    for path in job.inputs:
        if not path.exists():
            raise UserError(
                f"{path}: missing, and {job.outputs[0]} needs it;"
                f" run the DVC stages before this one, or write the stages of {study_file} again if it was edited"
            )


def _show_to_snakemake(jobs: Sequence[Job], study: Study | Setting, study_file: Path) -> None:
    """Let Snakemake record that the outputs of `jobs` are today's; it would make them again otherwise."""
    if jobs:
        _call(_snakemake(jobs, study, study_file, "--quiet", "all", "--touch"))


def _snakemake(jobs: Sequence[Job], study: Study | Setting, study_file: Path, *options: str) -> list[str]:
    """Return the command that makes the outputs of `jobs`, of one rule, and of no job before them.

    Without `--allowed-rules`, a newer input would make Snakemake rebuild the stages before this one.
    """
    named = ["--configfile", str(study_file)] if isinstance(study, Study) else []
    rule, targets = jobs[0].rule, [str(job.outputs[0]) for job in jobs]
    only = ["--allowed-rules", rule, "--forcerun", rule]
    return [sys.executable, "-m", "snakemake", *named, *options, *only, "--", *targets]


def _call(command: Sequence[str]) -> None:
    """Run a command to its end, also after a signal, which it gets too; end this process with its code if it fails."""
    with subprocess.Popen(command) as process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        if code := process.wait():
            sys.exit(code)
