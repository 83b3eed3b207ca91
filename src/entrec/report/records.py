"""One JSON file of the results, read with suspicion: a fault names the file and the command that makes it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.artefacts import read_json
from entrec.errors import UserError
from entrec.params import Study
from entrec.runs import Run


@dataclass(frozen=True)
class Record:
    """The contents of `path`; values are reached by dotted keys such as `linear.test`."""

    path: Path
    remedy: str
    contents: dict[str, Any]

    def get(self, key: str) -> Any:
        """The value under `key`; raises `UserError` when there is none."""
        value: Any = self.contents
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise self.damaged(f"has no {key}")
            value = value[part]
        return value

    def number(self, key: str) -> float:
        """A finite number, or `UserError`."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.damaged(f"{key} is {value!r}, expected a number")
        return float(value)

    def percent(self, key: str) -> float:
        """A fraction between 0 and 1, in percent; `UserError` when it is anything else."""
        value = self.number(key)
        if not 0 <= value <= 1:
            raise self.damaged(f"{key} is {value}, expected a fraction between 0 and 1")
        return 100 * value

    def damaged(self, reason: str) -> UserError:
        """The error to raise when the contents are not what they should be."""
        return UserError(f"{self.path}: damaged ({reason}); delete it and make it again: {self.remedy}")


def remedy(study: Study, target: str) -> str:
    """The command that makes `target`."""
    return f"snakemake {target} --configfile params/{study.name}.yaml"


def present(study: Study, path: Path, target: str) -> Path:
    """`path` if it is a file; raises `UserError` with the command that makes it otherwise."""
    if not path.is_file():
        raise UserError(f"{path}: missing; make it: {remedy(study, target)}")
    return path


def read_record(study: Study, results: Path, run: Run, name: str) -> Record:
    """The file `name` of `run` in `results`, the folder `results/<study>`; it must be about that run."""
    target = f"results/{study.name}/{run}/{name}"
    path = present(study, results / str(run) / name, target)
    record = Record(path, remedy(study, target), {})
    try:
        contents = read_json(path)
    except UserError as error:
        raise record.damaged("not valid JSON") from error
    if not isinstance(contents, dict):
        raise record.damaged(f"holds a {type(contents).__name__}, expected keys and values")
    record = Record(path, record.remedy, contents)
    if record.get("run") != str(run):
        raise record.damaged(f"is about {record.get('run')!r}, expected {str(run)!r}")
    return record
