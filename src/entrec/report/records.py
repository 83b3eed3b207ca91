"""One JSON file of the results, read with suspicion: a fault names the file and the command that makes it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.artefacts import read_json
from entrec.errors import UserError
from entrec.runs import Run
from entrec.study import Study


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
        return self._number(key, self.get(key))

    def rows(self, key: str, numbers: Sequence[str], words: Sequence[str] = ()) -> list[dict[str, Any]]:
        """A list of rows that have these fields and no empty one, as `numbers` and `words`; `UserError` otherwise."""
        rows = self.get(key)
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise self.damaged(f"{key} is no list of rows")
        for i, row in enumerate(rows):
            missing = [field for field in [*numbers, *words] if field not in row]
            if missing:
                raise self.damaged(f"{key}.{i} has no {missing[0]}")
        return [
            {name: self._number(f"{key}.{i}.{name}", row[name]) for name in numbers}
            | {name: str(row[name]) for name in words}
            for i, row in enumerate(rows)
        ]

    def _number(self, key: str, value: Any) -> float:
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
    return existing(path, remedy(study, target))


def existing(path: Path, remedy: str) -> Path:
    """`path` if it is a file; raises `UserError` with the command `remedy` otherwise."""
    if not path.is_file():
        raise UserError(f"{path}: missing; make it: {remedy}")
    return path


def read_record(study: Study, results: Path, run: Run, name: str) -> Record:
    """The file `name` of `run` in `results`, the folder `results/<study>`; it must be about that run."""
    target = f"results/{study.name}/{run}/{name}"
    return open_record(results / str(run) / name, remedy(study, target), {"run": str(run)})


def open_record(path: Path, remedy: str, about: Mapping[str, object]) -> Record:
    """The file `path`, which the command `remedy` makes; its keys must have the values of `about`."""
    existing(path, remedy)
    record = Record(path, remedy, {})
    try:
        contents = read_json(path)
    except UserError as error:
        raise record.damaged("not valid JSON") from error
    if not isinstance(contents, dict):
        raise record.damaged(f"holds a {type(contents).__name__}, expected keys and values")
    record = Record(path, remedy, contents)
    for key, expected in about.items():
        if record.get(key) != expected:
            raise record.damaged(f"is about {record.get(key)!r}, expected {expected!r}")
    return record
