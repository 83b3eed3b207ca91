"""A study file becomes frozen settings, or one line that says what is wrong with it.

Read by Snakemake's and DVC's side alike, so it imports neither torch nor pandas.
"""

import json
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from entrec.errors import UserError
from entrec.methods.registry import METHODS
from entrec.runs import Run
from entrec.settings import (
    Dataset,
    Diagnostics,
    Evaluation,
    Natural,
    Network,
    Resources,
    Seeds,
    Training,
    View,
    settings,
)
from entrec.yaml_reader import read_yaml

Step = Literal["prepare", "pretrain", "evaluate", "transfer", "tables", "report"]


@settings
class Study:
    """One file of `params/`: what to run. The first batch size and epoch budget are the main column."""

    name: str
    title: str
    description: str
    dataset: str
    datasets: dict[str, Dataset]
    seeds: Seeds
    batch_sizes: Annotated[tuple[Natural, ...], Field(min_length=1)]
    epochs: Annotated[tuple[Natural, ...], Field(min_length=1)]
    network: Network
    views: Annotated[tuple[View, ...], Field(min_length=2, max_length=2)]
    training: Training
    diagnostics: Diagnostics
    evaluation: Evaluation
    methods: dict[str, dict[str, Any]]
    resources: dict[Step, Resources]
    notes: dict[str, str]

    @property
    def columns(self) -> list[tuple[int, int]]:
        """(batch size, epochs) of every column: the main one, then the two sweeps."""
        batch_size, epochs = self.batch_sizes[0], self.epochs[0]
        return [(b, epochs) for b in self.batch_sizes] + [(batch_size, e) for e in self.epochs[1:]]

    @property
    def runs(self) -> list[Run]:
        """Every pretraining of the study, in the order of the tables."""
        runs = []
        for method in self.methods:
            columns = self.columns[:1] if METHODS[method].baseline else self.columns
            for column in columns:
                seeds = self.seeds.main if column == self.columns[0] else self.seeds.sweep
                runs += [Run(method, *column, seed) for seed in seeds]
        return runs

    @property
    def main_runs(self) -> list[Run]:
        """The runs of the main column: the ones that transfer."""
        return [run for run in self.runs if (run.batch_size, run.epochs) == self.columns[0]]

    def method(self, name: str) -> Any:
        """The validated settings of one method."""
        return _validated(METHODS[name].settings, self.methods[name])

    def slice(self, keys: list[str]) -> dict[str, Any]:
        """The parts of the study under dotted `keys`, as plain values: what a step depends on."""
        plain = json.loads(TypeAdapter(Study).dump_json(self))
        return {key: _at(plain, key) for key in keys}


# What each step reads of its study. Snakemake's rerun trigger and DVC's params are both made of this.
def prepare_keys(dataset: str) -> list[str]:
    """Keys that a prepared dataset depends on."""
    return [f"datasets.{dataset}"]


def pretrain_keys(study: Study, method: str) -> list[str]:
    """Keys that a pretraining depends on, beside the batch size, epochs and seed of its name."""
    return [f"datasets.{study.dataset}", "network", "views", "training", "diagnostics", f"methods.{method}"]


def evaluate_keys() -> list[str]:
    """Keys that linear and nearest-neighbour evaluation depend on."""
    return ["network", "training.precision", "evaluation.linear", "evaluation.knn"]


def transfer_keys(dataset: str) -> list[str]:
    """Keys that one fine-tuning depends on."""
    recipe = [f"evaluation.transfer.{key}" for key in ("epochs", "batch_size", "lr", "weight_decay", "view")]
    return ["network", "training.precision", "training.channels_last", *recipe, f"datasets.{dataset}"]


def table_keys() -> list[str]:
    """Keys that a table's layout depends on; its numbers come from results."""
    return ["title", "dataset", "seeds", "batch_sizes", "epochs", "notes", "evaluation.transfer.datasets"]


def report_keys() -> list[str]:
    """Keys that the page shows, beside those of its tables."""
    shown = ["description", "datasets", "network", "views", "training", "diagnostics", "evaluation", "methods"]
    return [*table_keys(), *shown]


def load_study(path: Path) -> Study:
    """Read and check a study file; raises `UserError` with file, key, value and what is allowed."""
    from entrec.checks import faults  # which knows `Study` from here

    raw = read_yaml(path)
    try:
        study: Study = _validated(Study, {**raw, "name": path.stem})
        if fault := next(faults(study), None):
            raise _Invalid(fault)
        for name, method in study.methods.items():
            _validated(METHODS[name].settings, method, prefix=f"methods.{name}.")
    except _Invalid as problem:
        raise UserError(f"{path}: {problem}") from None
    return study


class _Invalid(Exception):
    """A value out of range, before the file's name is known."""


def _validated(kind: type, raw: Any, prefix: str = "") -> Any:
    # JSON mode, strict: lists become tuples and whole numbers floats, but "8" never becomes 8
    try:
        return TypeAdapter(kind).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise _Invalid(prefix + _one_line(kind, error)) from None


def _one_line(kind: type, error: ValidationError) -> str:
    # a misspelt key is both unknown and missing: the unknown one says more
    first = min(error.errors(include_url=False), key=lambda e: e["type"] != "unexpected_keyword_argument")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "unexpected_keyword_argument":
        allowed = ", ".join(_keys_at(kind, first["loc"][:-1]))
        return f"{key}: unknown key (value {first['input']!r}); allowed here: {allowed or 'nothing'}"
    if first["type"] == "missing":
        return f"{key}: missing; this key is required"
    return f"{key}: {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"


def _keys_at(kind: Any, location: tuple[str | int, ...]) -> list[str]:
    """Field names of the settings class found by walking `location` down from `kind`."""
    for part in location:
        while get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        kind = get_type_hints(kind, include_extras=True)[str(part)] if is_dataclass(kind) else get_args(kind)[-1]
    return [name for name in get_type_hints(kind) if name != "name" or kind is not Study]


def _at(plain: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        plain = plain[part]
    return plain
