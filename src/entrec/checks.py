"""What a study's values must be to each other; each fault is one line with key, value and what is allowed."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from entrec.methods.registry import METHODS
from entrec.settings import Dataset, EitherName, EncodedName, Network, PackagedName, Resources
from entrec.study import Step, Study

STEMS = {"ResNet": ("3x3", "7x7"), "Vision Transformer": ("2x2", "4x4", "8x8", "16x16")}
NARROWEST_HEAD = 8


def faults(study: Study) -> Iterator[str]:
    """The faults of a study whose values are each in range; a later check counts on the earlier ones."""
    yield from _methods(study)
    yield from _datasets(study)
    yield from _repeated(study)
    yield from _columns(study)
    yield from _steps(study)
    yield from _local_views(study)
    yield from _colours(study)
    yield from _network(study.network)
    yield from _transformer(study)


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
        yield from _storage(f"datasets.{name}", dataset)
        if dataset.channels != study.datasets[study.dataset].channels:
            yield f"datasets.{name}.channels: {dataset.channels}; the backbone takes what {study.dataset} has"


def _storage(key: str, dataset: Dataset) -> Iterator[str]:
    """Whether the source has what the path and the kind of storage say."""
    packaged, encoded = dataset.source in get_args(PackagedName), dataset.source in get_args(EncodedName)
    if packaged and dataset.path is not None:
        outside = ", ".join(get_args(EitherName) + get_args(EncodedName))
        yield f"{key}.path: {dataset.path!r}; {dataset.source} ships inside a package; allowed: with {outside}"
    if not packaged and not dataset.path:
        yield f"{key}.path: {dataset.path!r}; {dataset.source} needs the folder of its files; allowed: a folder"
    if packaged and dataset.short_side is not None:
        yield f"{key}.short_side: {dataset.short_side}; {dataset.source} is kept as one array; allowed: null"
    if encoded and dataset.short_side is None:
        yield f"{key}.short_side: null; {dataset.source} is kept as encoded images; allowed: whole numbers from 1"
    if dataset.encoded and dataset.channels != 3:
        yield f"{key}.channels: {dataset.channels}; encoded images are in colour; allowed: 3"
    if dataset.broken == "skip" and not dataset.encoded:
        yield f"{key}.broken: 'skip'; only encoded images are skipped; allowed: 'fatal', or a short_side"


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
    if study.training.chunk is not None and study.training.compile:
        yield "training.compile: True, but chunks are computed twice, which the compiler does not see; allowed: False"
    for step in get_args(Step):
        if step not in study.resources:
            yield f"resources.{step}: missing; this key is required"
        elif step != "pretrain" and study.resources[step].processes > 1:
            yield from _one_process(step, study.resources[step])
    if "pretrain" in study.resources:
        yield from _shares(study)


def _one_process(step: Step, asked: Resources) -> Iterator[str]:
    for key, value in {"gpus": asked.gpus, "nodes": asked.nodes}.items():
        if value > 1:
            yield f"resources.{step}.{key}: {value}, but this step is one process; allowed: up to 1"


def _shares(study: Study) -> Iterator[str]:
    asked = study.resources["pretrain"]
    if asked.nodes > 1 and not asked.gpus:
        yield f"resources.pretrain.nodes: {asked.nodes} without GPUs; allowed: 1, or gpus from 1 on"
    for i, batch_size in enumerate(study.batch_sizes):
        if batch_size % asked.processes:
            processes = f"{asked.processes} processes of resources.pretrain (gpus x nodes)"
            yield f"batch_sizes.{i}: {batch_size} is not divisible by the {processes}; allowed: its multiples"


def _local_views(study: Study) -> Iterator[str]:
    size = study.datasets[study.dataset].size
    if study.local_views is not None and study.local_views.size > size:
        yield f"local_views.size: {study.local_views.size} is more than the {size} of the views; allowed: up to {size}"
    for name, raw in study.methods.items():
        if study.local_views is None and raw.get("local_crops"):
            yield f"methods.{name}.local_crops: {raw['local_crops']!r}, but local_views is null; allowed: 0"


def _colours(study: Study) -> Iterator[str]:
    colour = study.datasets[study.dataset].colour
    for name, dataset in study.datasets.items():
        if dataset.colour == "lab" and dataset.channels == 1:
            yield f"datasets.{name}.colour: 'lab' of grey images; allowed: 'rgb', or channels 3"
        if dataset.colour != colour:
            yield f"datasets.{name}.colour: {dataset.colour!r}; the backbone takes what {study.dataset} has, {colour!r}"
    for name in study.methods:
        if METHODS[name].needs_lab and colour != "lab":
            yield f"methods.{name}: its views are channels of Lab; allowed: with datasets.{study.dataset}.colour 'lab'"


def _network(network: Network) -> Iterator[str]:
    kind = "Vision Transformer" if network.transformer else "ResNet"
    if network.stem not in STEMS[kind]:
        yield f"network.stem: {network.stem!r}; allowed for {network.backbone}, a {kind}: {', '.join(STEMS[kind])}"
    if network.transformer:
        heads = network.transformer.heads
        if network.width % heads or network.width < NARROWEST_HEAD * heads:
            allowed = f"multiples of its {heads} heads from {NARROWEST_HEAD * heads} on"
            yield f"network.width: {network.width}; allowed for {network.backbone}: {allowed}"


def _transformer(study: Study) -> Iterator[str]:
    if not study.network.transformer:
        return
    for name in study.methods:
        if METHODS[name].needs_maps:
            yield f"methods.{name}: a {study.network.backbone} has no maps of local features; allowed: with a ResNet"
    sizes = {f"datasets.{name}.size": dataset.size for name, dataset in study.datasets.items()}
    if study.local_views is not None:
        sizes["local_views.size"] = study.local_views.size
    patch = study.network.patch
    for key, size in sizes.items():
        if size % patch:
            yield f"{key}: {size} is not a number of whole patches of {patch}; allowed: multiples of {patch}"
