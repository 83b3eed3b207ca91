"""What the Snakefile asks of the package: the study that a command line names, and the theory study."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from entrec.allowed import did_you_mean
from entrec.artefacts import write_text
from entrec.errors import UserError, check_printable, listed, one_line, said
from entrec.paths import StudyPaths
from entrec.pipeline.jobs import Jobs
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.study import Study, load_study
from entrec.theory.study import SETTINGS, THEORY_FILE, load_theory


def check_command_line() -> None:
    """End the process with one line if `--configfile` names a file that is no study, or Snakemake cannot run here.

    The profile calls this before Snakemake reads the file, since Snakemake would print a traceback of its own.
    """
    try:
        check_printable(Path.cwd())
        if set("{}") & set(str(Path.cwd())):
            raise UserError(f"{Path.cwd()}: Snakemake does not run in a folder with braces in its path; rename it")
        for name in _configfiles(sys.argv[1:]):
            if not os.path.exists(name):
                raise UserError(_no_such_study(name))
            _load(Path(os.path.relpath(name)))
    except UserError as error:
        sys.exit(said(error))


def _configfiles(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the words that Snakemake takes for files of settings: all up to the next option."""
    reading = False
    for word in arguments:
        option, equals, value = word.partition("=")
        if word.startswith("-"):
            # argparse takes any beginning of an option's name that is not another option
            reading = option.startswith("--configf") and "--configfiles".startswith(option)
            if reading and equals:
                yield value
        elif reading:
            yield word


def _no_such_study(name: str) -> str:
    studies = sorted(str(path) for path in Path("params").glob("*.yaml") if path.name != Path(THEORY_FILE).name)
    meant = did_you_mean(name, studies)
    return (
        f"--configfile {one_line(name)}: no such file; {f'{meant} ' if meant else ''}studies: {listed(studies)};"
        " targets stand before --configfile or after --"
    )


def read_study(config_settings: Any, *, default: str) -> tuple[str, Study]:
    """Return the study file that `--configfile` names, relative to the working folder, and the study in it.

    A fault ends the process with one line, because Snakemake would print a traceback of its own.
    """
    try:
        path = _study_file(config_settings, default)
        study = _load(path)
        check_owner(path, study)
    except UserError as error:
        sys.exit(said(error))
    return str(path), study


@cache
def _load(path: Path) -> Study:
    return load_study(path)


def check_owner(path: Path, study: Study) -> None:
    """Raise `UserError` if the results of a study with this name are those of another file.

    The results belong to the file of which Snakemake made them, or else to the file in `params/`.
    """
    recorded = StudyPaths(study.name).logs.study_file
    owner = Path(recorded.read_text(encoding="utf-8") if recorded.is_file() else f"params/{study.name}.yaml")
    if owner.is_file() and not owner.samefile(path):
        raise UserError(
            f"{path}: results/{study.name} belong to {owner}, which has the same name; rename this file,"
            f" or delete all of that study: make clean STUDY={study.name}"
        )


def record_owner(path: str, study: Study) -> None:
    """Note that the results of the study are those of the file `path`."""
    write_text(StudyPaths(study.name).logs.study_file, path)


def check_targets(workflow: Any) -> None:
    """End the process with one line if a target without a folder is no rule: the line lists all that are."""
    if not workflow.is_main_process:  # the jobs' own targets are known to exist
        return
    rules = [rule.name for rule in workflow.rules if not rule.has_wildcards()]
    for target in _targets():
        if "/" not in target and not workflow.is_rule(target):
            meant = did_you_mean(target, rules)
            known = f"{meant} there are: {listed(rules)}".strip()
            sys.exit(f"entrec: {one_line(target)}: no such target; {known}")


def _targets() -> Sequence[str]:
    """Return the targets of the command line; Snakemake has them ready only after it has read the Snakefile."""
    from snakemake.cli import get_argument_parser  # imported here, because only Snakemake's own process needs it

    return get_argument_parser().parse_known_args(sys.argv[1:])[0].targets or []


def read_theory(path: str) -> dict[str, TheoryJobs]:
    """Return the jobs of each setting of the theory study in the file `path`.

    A fault ends the process with one line.
    """
    try:
        study = load_theory(Path(path))
    except UserError as error:
        sys.exit(said(error))
    return {name: TheoryJobs(study.setting(name)) for name in SETTINGS}


def watched_originals(jobs: Jobs, dataset: str) -> list[Path]:
    """Return the input by which the preparation of a dataset notices that its original files have changed.

    Files that cannot be read end the process with one line.
    """
    from entrec.data.originals import watched  # imported here because Pillow and numpy take a while

    try:
        return watched(jobs.study.datasets[dataset], jobs.paths.dataset(dataset))
    except UserError as error:
        sys.exit(said(error))


def setting_pattern(settings: Iterable[TheoryJobs]) -> str:
    """Return a regular expression that matches the name of a setting in the path of one of its own results.

    The settings do not have the same seeds and cases, so that a result of one may be no result of the other.
    """
    patterns = []
    for jobs in settings:
        folder = jobs.paths.results.folder
        paths = [path.relative_to(folder) for job in jobs.results for path in job.outputs]
        patterns.append(f"{folder.name}(?=/(?:{'|'.join(re.escape(str(path)) for path in paths)})$)")
    return "|".join(patterns)


def one_of(names: Iterable[object]) -> str:
    """Return a regular expression that matches each of `names` and nothing else."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


def _study_file(config_settings: Any, default: str) -> Path:
    files = list(config_settings.configfiles) or [Path(default)]
    if len(files) > 1:
        raise UserError(
            f"--configfile: got {listed(files)}; one study at a time, with the targets before --configfile or after --"
        )
    if config_settings.config:
        raise UserError(
            f"--config {config_settings.config}: this option is not supported; copy the study file and edit the copy"
        )
    return Path(os.path.relpath(files[0]))
