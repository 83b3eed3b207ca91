"""What a study's values must be to each other; each fault is one line with key, value and what is allowed."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from entrec.methods.registry import METHODS
from entrec.params import Step, Study


def faults(study: Study) -> Iterator[str]:
    """The faults of a study whose values are each in range; a later check counts on the earlier ones."""
    yield from _methods(study)
    yield from _datasets(study)
    yield from _repeated(study)
    yield from _columns(study)
    yield from _steps(study)
    yield from _local_views(study)


def _methods(study: Study) -> Iterator[str]:
    for name, raw in study.methods.items():
        if name not in METHODS:
            yield f"methods.{name}: unknown method (value {raw!r}); allowed: {', '.join(METHODS)}"
    for name in study.notes:
        if name not in study.methods:
            yield f"notes.{name}: not a method of this study; allowed: {', '.join(study.methods)}"


def _datasets(study: Study) -> Iterator[str]:
    for name in study.datasets:
        if not re.fullmatch("[a-z0-9_]+", name):  # it becomes part of paths, of dotted keys and of DVC's stages
            yield f"datasets.{name}: {name!r} is no name for a dataset; allowed: lower-case letters, digits and _"
    transfer = study.evaluation.transfer.datasets
    references = {"dataset": study.dataset} | {f"evaluation.transfer.datasets.{i}": n for i, n in enumerate(transfer)}
    for key, name in references.items():
        if name not in study.datasets:
            yield f"{key}: {name!r} is not among this study's datasets; allowed: {', '.join(study.datasets)}"
    for name, dataset in study.datasets.items():
        if (dataset.source == "folder") != (dataset.path is not None):
            yield f"datasets.{name}.path: {dataset.path!r}; given exactly when source is 'folder'"
        if dataset.channels != study.datasets[study.dataset].channels:
            yield f"datasets.{name}.channels: {dataset.channels}; the backbone takes what {study.dataset} has"


def _repeated(study: Study) -> Iterator[str]:
    lists: dict[str, Sequence[Any]] = {
        "batch_sizes": study.batch_sizes,
        "epochs": study.epochs,
        "seeds.main": study.seeds.main,
        "seeds.sweep": study.seeds.sweep,
        "evaluation.transfer.datasets": study.evaluation.transfer.datasets,
    }
    for key, values in lists.items():
        for i, value in enumerate(values):
            if value in values[:i]:
                yield f"{key}.{i}: {value!r} given twice; allowed: each value once"


def _columns(study: Study) -> Iterator[str]:
    for key, values in {"batch_sizes": study.batch_sizes, "epochs": study.epochs}.items():
        if values[0] != max(values):
            yield f"{key}.0: {values[0]}; the first is the tables' main column; allowed: the largest, {max(values)}"
    for i, seed in enumerate(study.seeds.sweep):
        if seed not in study.seeds.main:  # a Δ compares the same seeds
            yield f"seeds.sweep.{i}: {seed} is not among seeds.main; allowed: {', '.join(map(str, study.seeds.main))}"


def _steps(study: Study) -> Iterator[str]:
    warmup, epochs = study.training.warmup_epochs, min(study.epochs)
    if warmup > epochs:
        yield f"training.warmup_epochs: {warmup:g} is longer than the shortest run; allowed: up to {epochs}"
    samples, batch_size = study.diagnostics.samples, min(study.batch_sizes)
    if samples > batch_size:
        yield f"diagnostics.samples: {samples} is more than the smallest batch; allowed: up to {batch_size}"
    for step in get_args(Step):
        if step not in study.resources:
            yield f"resources.{step}: missing; this key is required"


def _local_views(study: Study) -> Iterator[str]:
    size = study.datasets[study.dataset].size
    if study.local_views is not None and study.local_views.size > size:
        yield f"local_views.size: {study.local_views.size} is more than the {size} of the views; allowed: up to {size}"
    for name, raw in study.methods.items():
        if study.local_views is None and raw.get("local_crops"):
            yield f"methods.{name}.local_crops: {raw['local_crops']!r}, but local_views is null; allowed: 0"
