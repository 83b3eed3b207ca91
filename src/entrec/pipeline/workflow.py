"""What the Snakefile asks of the package: the study that a command line names, and the theory study."""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from entrec.errors import UserError, said
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.study import Study, load_study
from entrec.theory.study import SETTINGS, load_theory


def read_study(config_settings: Any, *, default: str) -> tuple[str, Study]:
    """Return the study file that `--configfile` names, relative to the working folder, and the study in it.

    A fault ends the process with one line, because Snakemake would print a traceback of its own.
    """
    try:
        path = _study_file(config_settings, default)
        return str(path), load_study(path)
    except UserError as error:
        sys.exit(said(error))


def read_theory(path: str) -> dict[str, TheoryJobs]:
    """Return the jobs of each setting of the theory study in the file `path`.

    A fault ends the process with one line.
    """
    try:
        study = load_theory(Path(path))
    except UserError as error:
        sys.exit(said(error))
    return {name: TheoryJobs(study.setting(name)) for name in SETTINGS}


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
    return "|".join(map(str, names)) or "(?!)"


def _study_file(config_settings: Any, default: str) -> Path:
    files = list(config_settings.configfiles) or [Path(default)]
    if len(files) > 1:
        raise UserError(
            f"--configfile: got {', '.join(map(str, files))};"
            " one study at a time, with the targets before --configfile or after --"
        )
    if config_settings.config:
        raise UserError(
            f"--config {config_settings.config}: this option is not supported; copy the study file and edit the copy"
        )
    return Path(os.path.relpath(files[0]))
