"""What would stop a study later on: folders that are missing, and settings that its datasets are too small for.

The images are counted if a dataset is prepared, or else as its makers publish them; a user's own images are not counted
before they are prepared.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from entrec.data.sources.folder import image_files
from entrec.errors import UserError, shown
from entrec.paths import StudyPaths
from entrec.plan.sizes import as_published
from entrec.results import read_card
from entrec.settings import Dataset
from entrec.sources import SOURCES
from entrec.strict import Fault
from entrec.study import Study


def obstacles(study: Study) -> Iterator[Fault]:
    """Yield what a study asks of its datasets and does not find; raises `UserError` for a damaged card."""
    for name, spec in study.datasets.items():
        yield from _folder(name, spec)
    own, transfer = study.dataset, study.evaluation.transfer
    train = images_to_train(study, own)
    if train is not None:
        yield from _batches(study, train)
        neighbours = study.evaluation.knn.neighbours
        if neighbours > train:
            yield _too_many("evaluation.knn.neighbours", neighbours, train, own)
    for name in transfer.datasets:
        train = images_to_train(study, name)
        if train is not None and transfer.batch_size > train:
            yield _too_many("evaluation.transfer.batch_size", transfer.batch_size, train, name)


def remarks(study: Study) -> Iterator[str]:
    """Yield what a user may want to know: files of makers that are not there yet, which a preparation may download."""
    for name, spec in study.datasets.items():
        if (
            SOURCES[spec.source].supply == "makers"
            and not _is_prepared(study, name)
            and not Path(spec.path or "").is_dir()
        ):
            yield f"datasets.{name}.path: {shown(spec.path)} is not there yet; the preparation downloads it if it can"


def images_to_train(study: Study, name: str) -> int | None:
    """Return the images of a dataset's training split, at most; None where nobody knows before the preparation."""
    spec = study.datasets[name]
    published = SOURCES[spec.source].published
    if _is_prepared(study, name):
        return read_card(StudyPaths(study.name).dataset(name)).counts.train
    # the shares are rounded class by class, by less than one image in each of two splits
    return as_published(spec, published).train + 2 * published.classes if published else None


def _is_prepared(study: Study, name: str) -> bool:
    """Return whether the dataset is prepared as the study says now."""
    folder = StudyPaths(study.name).dataset(name)
    return folder.card.is_file() and read_card(folder).spec == asdict(study.datasets[name])


def _folder(name: str, spec: Dataset) -> Iterator[Fault]:
    key, path = f"datasets.{name}.path", Path(spec.path or "")
    if SOURCES[spec.source].supply != "own":
        if spec.path is not None and path.exists() and not path.is_dir():
            yield Fault(key, f"{shown(spec.path)}: not a folder", "a folder")
    elif not path.is_dir():
        yield Fault(key, f"{shown(spec.path)}: no such folder", "a folder of images")
    else:
        try:
            image_files(path)
        except UserError as error:
            yield Fault(key, str(error))


def _batches(study: Study, train: int) -> Iterator[Fault]:
    for i, batch_size in enumerate(study.batch_sizes):
        if batch_size > train:
            yield _too_many(f"batch_sizes.{i}", batch_size, train, study.dataset)
    seen = min((train // batch_size * batch_size for batch_size in study.batch_sizes), default=0)
    for name in study.methods:
        clusters = study.method(name).clusters
        if 0 < seen < clusters:
            yield _too_many(f"methods.{name}.prototypes", clusters, seen, study.dataset)


def _too_many(key: str, value: int, train: int, dataset: str) -> Fault:
    return Fault(key, f"{value} is more than the training images of {dataset}", f"up to {train}")
