"""Reads result files of a setting, and refuses those that do not hold what the study asks for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd

from entrec.errors import UserError
from entrec.pipeline.recording import command
from entrec.pipeline.theory_jobs import ResultJob
from entrec.results import Circumstances, Result, Section, damaged, read_circumstances, read_result
from entrec.theory.study import Setting

R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Found(Generic[R]):
    """The result of a job, the `path` that it was read from, and the command `remedy` that makes it again."""

    job: ResultJob
    path: Path
    remedy: str
    result: R

    @property
    def file(self) -> str:
        """The path below the results of the setting."""
        return str(self.job.result)

    @property
    def circumstances(self) -> Circumstances | None:
        """The circumstances of the result; None where none lie beside it."""
        return read_circumstances(self.path, self.result, self.remedy)

    def damaged(self, fault: str) -> UserError:
        """Return the error that names the file, the fault and the command that makes the file again."""
        return damaged(self.path, fault, self.remedy)

    def require_rows(self, key: str, rows: Sequence[Section], expected: Sequence[Mapping[str, float | str]]) -> None:
        """Raise `UserError` unless there are as many `rows` under `key` as `expected`, with the expected values."""
        if len(rows) != len(expected):
            raise self.damaged(f"{key} has {len(rows)} of {len(expected)} rows")
        for i, (row, wanted) in enumerate(zip(rows, expected, strict=True)):
            values = {field: getattr(row, field) for field in wanted}
            if values != wanted:
                raise self.damaged(f"{key}.{i} has {_written(values)}, which should be {_written(wanted)}")


def read(kind: type[R], setting: Setting, jobs: Iterable[ResultJob], results: Path) -> list[Found[R]]:
    """Return the results of `jobs`, of class `kind`, in the folder `results` of the setting.

    Raises `UserError` for a file that is missing or damaged, or that is about another setting or job.
    """
    found = []
    for job in jobs:
        path, remedy = results / job.result, command(setting, job.outputs[0])
        result = read_result(kind, path, remedy=remedy, about={"setting": setting.name, **job.about})
        found.append(Found(job, path, remedy, result))
    return found


def tidy(files: Iterable[Found[R]], key: str, columns: list[str]) -> pd.DataFrame:
    """Return one row for each entry under `key` of the results, beside the result's own values and its `file`.

    A column that neither has is empty.
    """
    rows = [
        found.result.model_dump(include={*columns}) | {"file": found.file} | entry.model_dump()
        for found in files
        for entry in getattr(found.result, key)
    ]
    return pd.DataFrame(rows, columns=columns)


def _written(values: Mapping[str, float | str]) -> str:
    """Write for instance `kappa 5, samples 64, estimator info_nce`."""
    return ", ".join(f"{key} {value if isinstance(value, str) else f'{value:g}'}" for key, value in values.items())
