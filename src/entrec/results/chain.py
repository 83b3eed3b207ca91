"""The results of a run, each checked against those that it was made from: data, encoder, history and scores."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from entrec.errors import UserError
from entrec.paths import RunFolder, StudyPaths
from entrec.results.files import damaged, outdated, read_circumstances, read_result, require_digest
from entrec.results.model import Circumstances, Result
from entrec.results.studies import EvaluationResult, PretrainingResult, TransferResult

R = TypeVar("R", EvaluationResult, TransferResult)


@dataclass(frozen=True)
class RunResults:
    """The results of the run called `run` of the study called `study`, which lie in `folder`.

    Everything here raises `UserError` of one line, which names the files that are missing, damaged or do not belong
    together, and the command that makes it right.
    """

    study: str
    run: str
    folder: RunFolder

    @cached_property
    def pretraining(self) -> PretrainingResult:
        """What the pretraining says of itself."""
        path = self.folder.description
        return read_result(PretrainingResult, path, remedy=self._command(path), about={"run": self.run})

    def encoder(self) -> Path:
        """Return the path of the encoder that the pretraining wrote."""
        return self._written(self.folder.encoder, self.pretraining.encoder)

    def history(self) -> Path:
        """Return the path of the history that the pretraining wrote, which ends with the last step."""
        path = self._written(self.folder.history, self.pretraining.history)
        with path.open(newline="", encoding="utf-8") as file:
            *_, last = [{"step": "0"}, *csv.DictReader(file)]
        if last.get("step") != str(self.pretraining.steps):
            fault = f"ends with step {last.get('step')} of {self.pretraining.steps}"
            raise damaged(path, fault, self._command(path))
        return path

    def evaluation(self) -> EvaluationResult:
        """Return the scores of the run's encoder, on the data that it was trained on."""
        found = self._scores(EvaluationResult, self.folder.evaluation)
        if found.made_from.dataset != self.pretraining.made_from.dataset:
            raise self._foreign(self.folder.evaluation, "other data")
        return found

    def transfer(self, dataset: str, metric: str) -> TransferResult:
        """Return the scores of the run's encoder after fine-tuning on `dataset`."""
        return self._scores(TransferResult, self.folder.transfer(dataset), dataset=dataset, metric=metric)

    def require_settings(self, path: Path, result: Result, todays: Mapping[str, Any]) -> None:
        """Raise `UserError` unless `result`, read from `path`, was made with the settings `todays` of its step."""
        for fault in outdated(path, result.made_from.params, todays, self._command(path)):
            raise fault

    def require_data(self, path: Path, result: Result, card: Path, digest: str) -> None:
        """Raise `UserError` unless `result`, read from `path`, was made from the data whose `card` has this digest."""
        data = result.made_from.dataset
        if data is None or data.checksum != digest:
            raise damaged(path, f"made from other data than {card} describes", self._command(path))

    def circumstances(self, path: Path, result: Result) -> Circumstances | None:
        """Return the circumstances of `result`, read from `path`; None where none lie beside it."""
        return read_circumstances(path, result, self._command(path))

    def _scores(self, kind: type[R], path: Path, **about: str) -> R:
        found = read_result(kind, path, remedy=self._command(path), about={"run": self.run, **about})
        if found.encoder != self.pretraining.encoder:
            raise self._foreign(path, "another encoder")
        return found

    def _foreign(self, path: Path, what: str) -> UserError:
        return damaged(path, f"made from {what} than {self.folder.description} names", self._command(path))

    def _written(self, path: Path, digest: str) -> Path:
        return require_digest(path, digest, named_by=self.folder.description, remedy=self._command(path))

    def _command(self, path: Path) -> str:
        paths = StudyPaths(self.study)
        return paths.command(paths.run(self.run).folder / path.relative_to(self.folder.folder))
