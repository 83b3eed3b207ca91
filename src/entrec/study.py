"""A study file becomes frozen settings, or one line that says what is wrong with it.

Read by Snakemake's and DVC's side alike, so it imports neither torch nor pandas.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from entrec.errors import UserError
from entrec.methods.registry import METHODS
from entrec.runs import Run
from entrec.settings import (
    Dataset,
    Diagnostics,
    Evaluation,
    LocalViews,
    Natural,
    Network,
    Resources,
    Seeds,
    Training,
    View,
    settings,
)
from entrec.strict import Invalid, at, plain, validated
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
    local_views: LocalViews | None
    training: Training
    diagnostics: Diagnostics
    evaluation: Evaluation
    methods: dict[str, dict[str, Any]]
    resources: dict[Step, Resources]
    notes: dict[str, str]

    @property
    def settings(self) -> list[tuple[int, int]]:
        """Every setting as (batch size, epochs): the headline setting first, then both sweeps."""
        batch_size, epochs = self.headline
        return [(b, epochs) for b in self.batch_sizes] + [(batch_size, e) for e in self.epochs[1:]]

    @property
    def headline(self) -> tuple[int, int]:
        """The headline setting of the tables: the largest batch size and the largest number of epochs."""
        return self.batch_sizes[0], self.epochs[0]

    @property
    def runs(self) -> list[Run]:
        """Every pretraining of the study, in the order of the tables."""
        runs = []
        for method in self.methods:
            settings = [self.headline] if METHODS[method].baseline else self.settings
            for setting in settings:
                seeds = self.seeds.main if setting == self.headline else self.seeds.sweep
                runs += [Run(method, *setting, seed) for seed in seeds]
        return runs

    @property
    def headline_runs(self) -> list[Run]:
        """The runs of the headline setting, whose encoders are transferred to other datasets."""
        return [run for run in self.runs if (run.batch_size, run.epochs) == self.headline]

    def method(self, name: str) -> Any:
        """The validated settings of one method."""
        return validated(METHODS[name].settings, self.methods[name])

    def slice(self, keys: list[str]) -> dict[str, Any]:
        """The parts of the study under dotted `keys`, as plain values: what a step depends on."""
        values = plain(Study, self)
        return {key: at(values, key) for key in keys}


# What each step reads of its study. Snakemake's rerun trigger and DVC's params are both made of this.
def prepare_keys(dataset: str) -> list[str]:
    """Keys that a prepared dataset depends on."""
    return [f"datasets.{dataset}"]


def pretrain_keys(study: Study, method: str) -> list[str]:
    """Keys that a pretraining depends on, beside the batch size, epochs and seed of its name."""
    shared = ["network", "views", "local_views", "training", "diagnostics"]
    return [f"datasets.{study.dataset}", *shared, f"methods.{method}"]


def evaluate_keys() -> list[str]:
    """Keys that linear and nearest-neighbour evaluation depend on."""
    return ["network", "training.precision", "evaluation.linear", "evaluation.knn"]


def transfer_keys(dataset: str) -> list[str]:
    """Keys that one fine-tuning depends on."""
    recipe = [f"evaluation.transfer.{key}" for key in ("epochs", "batch_size", "lr", "weight_decay", "view")]
    return ["network", "training.precision", "training.channels_last", *recipe, f"datasets.{dataset}"]


def table_keys() -> list[str]:
    """Keys that a table's layout depends on; its numbers come from results."""
    return [
        "title",
        "dataset",
        "seeds",
        "batch_sizes",
        "epochs",
        "notes",
        "diagnostics",
        "evaluation.transfer.datasets",
    ]


def report_keys() -> list[str]:
    """Keys that the page shows, beside those of its tables."""
    shown = ["description", "datasets", "network", "views", "local_views", "training", "evaluation", "methods"]
    return [*table_keys(), *shown]


def load_study(path: Path) -> Study:
    """Read and check a study file; raises `UserError` with file, key, value and what is allowed."""
    from entrec.checks import faults  # which knows `Study` from here

    raw = read_yaml(path)
    if "quick" in raw and "methods" not in raw:
        raise UserError(f"{path}: the theory studies, not a study of methods; their target is `snakemake theory`")
    try:
        study: Study = validated(Study, {**raw, "name": path.stem}, given=("name",))
        if fault := next(faults(study), None):
            raise Invalid(fault)
        for name, method in study.methods.items():
            validated(METHODS[name].settings, method, prefix=f"methods.{name}.")
    except Invalid as problem:
        raise UserError(f"{path}: {problem}") from None
    return study
