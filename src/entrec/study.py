"""A study file becomes frozen settings, or one line that says what is wrong with it.

Read by Snakemake's and DVC's side alike, so it imports neither torch nor pandas.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from entrec.errors import UserError, one_line, shown
from entrec.methods.registry import METHODS
from entrec.paths import StudyPaths
from entrec.runs import Run
from entrec.settings import (
    Arithmetic,
    Dataset,
    Diagnostics,
    Distinct,
    Evaluation,
    LocalViews,
    Name,
    Natural,
    Network,
    Resources,
    Seeds,
    Several,
    StudyName,
    Training,
    View,
    settings,
)
from entrec.sources import SOURCES
from entrec.strict import Fault, at, check, faults_below, missing, named_after, plain, refuse, unknown, validated
from entrec.yaml_reader import Document, read_document

Step = Literal["prepare", "pretrain", "evaluate", "transfer", "tables", "report"]
Claim = Literal["C1", "C4", "C5", "C6", "C7"]  # those that a study of methods can speak of


def _methods(methods: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Refuse methods that are not registered, settings that they cannot have, and a study without any method."""
    if not methods:
        refuse([Fault("", "{}; a study needs at least one method", ", ".join(METHODS))])
    refuse(fault for name, raw in methods.items() for fault in _faults_of_method(name, raw))
    return methods


def _faults_of_method(name: str, raw: dict[str, Any]) -> Iterable[Fault]:
    if name not in METHODS:
        return [unknown(name, name, METHODS, what="method")]
    return faults_below(name, METHODS[name].settings, raw)


def _overlap(path: str, written: Path) -> str | None:
    """Return in words how a folder of original files and a folder of results lie one in the other, if they do."""
    above, below = _holds(path, written), _holds(written, path)
    if not (above or below):
        return None
    where = "is" if above and below else "holds" if above else "lies in"
    return f"{where} the folder {written}, into which this study writes"


def _holds(outer: str | Path, inner: str | Path) -> bool:
    """Whether the folder `inner` is `outer` or lies in it, wherever links lead."""
    return Path(os.path.realpath(inner)).is_relative_to(os.path.realpath(outer))


@settings
class Study:
    """What one file of `params/` says: which methods are trained how, on what, and how they are evaluated.

    The first batch size and the first number of epochs are the headline setting; the others are sweeps. The settings
    of the methods stay plain values; `method` gives them as objects. `claims` are the paper's claims that the study was
    made to decide: the report gives no verdict on any other.
    """

    name: StudyName
    title: str
    description: str
    claims: Annotated[tuple[Claim, ...], Distinct]
    dataset: str
    datasets: dict[Name, Dataset]
    seeds: Seeds
    batch_sizes: Annotated[tuple[Several, ...], Field(min_length=1), Distinct]
    epochs: Annotated[tuple[Natural, ...], Field(min_length=1), Distinct]
    arithmetic: Arithmetic
    network: Network
    views: Annotated[tuple[View, ...], Field(min_length=2, max_length=2)]
    local_views: LocalViews | None
    training: Training
    diagnostics: Diagnostics
    evaluation: Evaluation
    methods: Annotated[dict[str, dict[str, Any]], AfterValidator(_methods)]
    resources: dict[Step, Resources | None]
    notes: dict[str, str]

    @check
    def _notes_on_methods(self) -> Iterator[Fault]:
        """Yield notes on methods that the study does not have."""
        for name in self.notes:
            if name not in self.methods:
                yield unknown(f"notes.{name}", name, self.methods, what="method of this study")

    @check
    def _known_datasets(self) -> Iterator[Fault]:
        """Yield names of datasets that the study does not have, and names that a file system may take for one."""
        transfer = self.evaluation.transfer.datasets
        references = [(f"evaluation.transfer.datasets.{i}", name) for i, name in enumerate(transfer)]
        for key, name in [("dataset", self.dataset), *references]:
            if name not in self.datasets:
                yield unknown(key, name, self.datasets, what="dataset")

    @check
    def _distinct_datasets(self) -> Iterator[Fault]:
        """Yield names of datasets that differ in their case alone, which some file systems take for one."""
        seen: dict[str, str] = {}
        for name in self.datasets:
            other = seen.setdefault(name.lower(), name)
            if other != name:
                yield Fault(f"datasets.{name}", f"differs from {shown(other)} in its case alone", "another name")

    @check
    def _folders_apart(self) -> Iterator[Fault]:
        """Yield folders whose files are all read and that hold the home folder, or hold or lie in what is written."""
        paths = StudyPaths(self.name)
        written = [*paths.written, *(paths.dataset(name).folder for name in self.datasets)]
        for name, dataset in self.datasets.items():
            if dataset.path and not SOURCES[dataset.source].reads:
                problem = next(filter(None, (_overlap(dataset.path, folder) for folder in written)), None)
                if problem is None and _holds(dataset.path, os.path.expanduser("~")):
                    problem = "holds the home folder"
                if problem is not None:
                    allowed = "a folder of the original files alone"
                    yield Fault(f"datasets.{name}.path", f"{shown(dataset.path)} {problem}", allowed)

    @check
    def _official_splits(self) -> Iterator[Fault]:
        """Yield shares beside the makers' split, and splits that neither the makers nor a share provide."""
        for name, dataset in self.datasets.items():
            source, published = dataset.source, SOURCES[dataset.source].published
            for key in ("validation", "test") if published else ():
                official, share = getattr(published, key), getattr(dataset, key)
                if official and share:
                    yield Fault(f"datasets.{name}.{key}", f"{share:g}; {source} has an official {key} split", "0")
                if not official and not share:
                    problem = f"0; {source} has no official {key} split"
                    yield Fault(f"datasets.{name}.{key}", problem, "a share above 0 and below 1")

    @check
    def _resources_of_every_step(self) -> Iterator[Fault]:
        """Yield steps without resources; those of `transfer` may be null."""
        yield from (missing(f"resources.{step}") for step in get_args(Step) if step not in self.resources)
        for step, asked in self.resources.items():
            if asked is None and step != "transfer":
                allowed = "a mapping; null only for transfer, which the jobs of evaluate then do too"
                yield Fault(f"resources.{step}", "null", allowed)

    @check
    def _headlines(self) -> Iterator[Fault]:
        """Yield a first batch size or number of epochs that is not the largest."""
        for key, values in {"batch_sizes": self.batch_sizes, "epochs": self.epochs}.items():
            if values[0] != max(values):
                problem = f"{values[0]}; the first value is the headline setting of the tables"
                yield Fault(f"{key}.0", problem, f"the largest, {max(values)}")

    @check
    def _claims_with_experiments(self) -> Iterator[Fault]:
        """Yield claims about a sweep, or about transfer, that the study does not have."""
        needed = {
            "C5": (len(self.evaluation.transfer.datasets), 1, "evaluation.transfer.datasets"),
            "C6": (len(self.batch_sizes), 2, "batch_sizes"),
            "C7": (len(self.epochs), 2, "epochs"),
        }
        for i, claim in enumerate(self.claims):
            if claim in needed:
                found, least, key = needed[claim]
                if found < least:
                    yield Fault(f"claims.{i}", f"{claim!r}, but {key} has {found}", f"with at least {least} of {key}")

    @check
    def _warmup(self) -> Iterator[Fault]:
        """Yield a warm-up that is longer than the shortest run."""
        warmup, epochs = self.training.warmup_epochs, min(self.epochs)
        if warmup > epochs:
            yield Fault("training.warmup_epochs", f"{warmup:g} is longer than the shortest run", f"up to {epochs}")

    @check
    def _samples(self) -> Iterator[Fault]:
        """Yield diagnostics of more than the smallest batch."""
        samples, batch_size = self.diagnostics.samples, min(self.batch_sizes)
        if samples > batch_size:
            yield Fault("diagnostics.samples", f"{samples} is more than the smallest batch", f"up to {batch_size}")

    @check
    def _single_processes(self) -> Iterator[Fault]:
        """Yield steps of one process that ask for several."""
        for step, asked in self.resources.items():
            for key, value in {"gpus": asked.gpus, "nodes": asked.nodes}.items() if asked else ():
                if step != "pretrain" and value > 1:
                    yield Fault(f"resources.{step}.{key}", f"{value}, but this step is one process", "up to 1")

    @check
    def _equal_shares(self) -> Iterator[Fault]:
        """Yield batches that the processes cannot share equally."""
        processes = self._processes()
        for i, batch_size in enumerate(self.batch_sizes):
            if batch_size % processes:
                problem = f"{batch_size} is not divisible by the {processes} processes of resources.pretrain"
                yield Fault(f"batch_sizes.{i}", problem, f"multiples of {processes}, which is gpus x nodes")

    def _processes(self) -> int:
        """Return the processes of a pretraining; 1 where the file does not say it, which is a fault of its own."""
        asked = self.resources.get("pretrain")
        return asked.processes if asked else 1

    @check
    def _same_channels(self) -> Iterator[Fault]:
        """Yield datasets whose images have other channels or colours than the backbone takes."""
        own = self.datasets.get(self.dataset)
        for name, dataset in self.datasets.items() if own else ():
            for key in ("channels", "colour"):
                value, expected = getattr(dataset, key), getattr(own, key)
                if value != expected:
                    problem = f"{value!r}; the backbone takes the {key} of {one_line(self.dataset)}"
                    yield Fault(f"datasets.{name}.{key}", problem, repr(expected))

    @check
    def _whole_patches(self) -> Iterator[Fault]:
        """Yield images that are no whole number of a Transformer's patches."""
        patch = self.network.patch
        for key, size in self._sizes() if self.network.transformer else ():
            if size % patch:
                yield Fault(key, f"{size} is not a whole number of patches of {patch}", f"multiples of {patch}")

    @check
    def _smaller_local_views(self) -> Iterator[Fault]:
        """Yield local views that are larger than the views."""
        own = self.datasets.get(self.dataset)
        if self.local_views is not None and own is not None and self.local_views.size > own.size:
            problem = f"{self.local_views.size} is more than the {own.size} of the views"
            yield Fault("local_views.size", problem, f"up to {own.size}")

    @check
    def _two_values_for_each_norm(self) -> Iterator[Fault]:
        """Yield chunks and batches in which a batch norm of the backbone would have one value of each channel."""
        chunk, processes = self.training.chunk, self._processes()
        own = [size for key, size in self._sizes() if key in (f"datasets.{self.dataset}.size", "local_views.size")]
        if chunk is not None and own and self.network.positions(min(own)) * processes < 2:
            shares = [-(-batch_size // processes) for batch_size in self.batch_sizes]
            if any(share // -(-share // chunk) < 2 for share in shares):
                problem = f"{chunk} makes chunks of one image, whose last map is one pixel; a batch norm needs two"
                yield Fault("training.chunk", problem, "null, or a number that leaves no single image over")

    def _sizes(self) -> Iterator[tuple[str, int]]:
        """Yield the key and the size of the images of every dataset, and of the local views."""
        yield from ((f"datasets.{name}.size", dataset.size) for name, dataset in self.datasets.items())
        if self.local_views is not None:
            yield "local_views.size", self.local_views.size

    @check
    def _local_crops(self) -> Iterator[Fault]:
        """Yield methods that take local crops, which this study does not have."""
        for name, raw in self.methods.items():
            if self.local_views is None and raw.get("local_crops"):
                yield Fault(f"methods.{name}.local_crops", f"{shown(raw['local_crops'])}, but local_views is null", "0")

    @check
    def _needs(self) -> Iterator[Fault]:
        """Yield methods that need colours or a backbone that this study does not have."""
        own = self.datasets.get(self.dataset)
        for name in self.methods.keys() & METHODS.keys():
            entry, key = METHODS[name], f"methods.{name}"
            if entry.needs_lab and own is not None and own.colour != "lab":
                allowed = f"with datasets.{one_line(self.dataset)}.colour 'lab'"
                yield Fault(key, "its views are channels of Lab", allowed)
            if entry.needs_maps and self.network.transformer:
                yield Fault(key, f"a {self.network.backbone} has no maps of local features", "with a ResNet")

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

    @property
    def transfers_apart(self) -> bool:
        """Whether each transfer is a job of its own; otherwise the job that evaluates an encoder transfers it too."""
        return self.resources["transfer"] is not None

    def asked(self, step: Step) -> Resources:
        """Return what the job that does a step asks for."""
        asked = self.resources[step] or self.resources["evaluate"]
        assert asked is not None  # checked above
        return asked

    def method(self, name: str) -> Any:
        """Return the settings of one method as an object of its class."""
        return validated(METHODS[name].settings, self.methods[name])

    def slice(self, keys: list[str]) -> dict[str, Any]:
        """Return the values under dotted `keys`, on which a step depends, as plain values."""
        values = plain(Study, self)
        return {key: at(values, key) for key in keys}


# What each step reads of its study. Snakemake's rerun trigger and DVC's params are both made of this.
def prepare_keys(dataset: str) -> list[str]:
    """Return the keys that a prepared dataset depends on."""
    return [f"datasets.{dataset}"]


def pretrain_keys(study: Study, method: str) -> list[str]:
    """Return the keys that a pretraining depends on, beside the batch size, epochs and seed of its name."""
    shared = ["arithmetic", "network", "views", "local_views", "training", "diagnostics"]
    return [f"datasets.{study.dataset}", *shared, f"methods.{method}"]


def evaluate_keys() -> list[str]:
    """Return the keys that linear and nearest-neighbour evaluation depend on."""
    return ["arithmetic", "network", "training.precision", "evaluation.linear", "evaluation.knn"]


def transfer_keys(dataset: str) -> list[str]:
    """Return the keys that one fine-tuning depends on."""
    recipe = [f"evaluation.transfer.{key}" for key in ("epochs", "batch_size", "lr", "weight_decay", "view")]
    return ["arithmetic", "network", "training.precision", "training.channels_last", *recipe, f"datasets.{dataset}"]


def table_keys() -> list[str]:
    """Return the keys that a table's layout depends on; its numbers come from results."""
    own = ["title", "dataset", "seeds", "batch_sizes", "epochs", "notes", "diagnostics"]
    return [*own, "evaluation.transfer.datasets"]


def report_keys() -> list[str]:
    """Return the keys that the page shows, beside those of its tables."""
    shown = [
        "claims",
        "description",
        "datasets",
        "arithmetic",
        "network",
        "views",
        "local_views",
        "training",
        "evaluation",
        "methods",
    ]
    return [*table_keys(), *shown]


def is_theory(document: Document) -> bool:
    """Return whether a file is that of the theory studies."""
    return "quick" in document.values and "methods" not in document.values


def load_study(path: Path) -> Study:
    """Read and check a study file; raises `UserError` with file, key, value and what is allowed."""
    document = read_document(path)
    if is_theory(document):
        raise UserError(f"{path}: the theory studies, not a study of methods; their target is `snakemake theory`")
    study: Study = named_after(document, Study)
    return study
