"""What the Snakefile asks of the package: which study a command line means, and the theory study."""

import os
import sys
from pathlib import Path
from typing import Any

from entrec.errors import UserError
from entrec.study import Study, load_study
from entrec.theory.study import TheoryStudy, load_theory


def read_study(config_settings: Any, *, default: str) -> tuple[str, Study]:
    """The study file, relative to the working folder, and the study of Snakemake's `--configfile`.

    A fault ends the process with one line: Snakemake would show a traceback of its own otherwise.
    """
    try:
        path = _study_file(config_settings, default)
        return str(path), load_study(path)
    except UserError as error:
        sys.exit(f"entrec: {error}")


def read_theory(path: str) -> TheoryStudy:
    """The theory study in the file `path`; a fault ends the process with one line."""
    try:
        return load_theory(Path(path))
    except UserError as error:
        sys.exit(f"entrec: {error}")


def _study_file(config_settings: Any, default: str) -> Path:
    files = list(config_settings.configfiles) or [Path(default)]
    if len(files) > 1:
        raise UserError(
            f"--configfile: got {', '.join(map(str, files))};"
            " one study at a time, and targets stand before it or after --"
        )
    if config_settings.config:
        raise UserError(f"--config {config_settings.config}: not read; copy the study file and edit it instead")
    return Path(os.path.relpath(files[0]))
