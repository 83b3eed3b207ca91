"""The images of each split of a dataset and the bytes that it takes, counted if it is prepared or else as published."""

from dataclasses import dataclass
from pathlib import Path

from entrec.errors import UserError
from entrec.paths import DatasetFolder
from entrec.plan.assumptions import GIGA, encoded_bytes
from entrec.results import read_card
from entrec.settings import Dataset
from entrec.sources import SOURCES, Published
from entrec.study import Study


@dataclass(frozen=True)
class Size:
    """The images of each split, the classes, and the bytes of the original files and of the prepared dataset.

    `counted` says whether they were counted in a prepared dataset.
    """

    train: int
    validation: int
    test: int
    classes: int
    raw_bytes: float
    prepared_bytes: float
    counted: bool

    @property
    def images(self) -> int:
        """The images of all splits."""
        return self.train + self.validation + self.test


def size_of(study: Study, name: str, data: Path) -> Size:
    """Return the size of the dataset `name`, whose prepared form is or will be `data`/<study>/`name`.

    Raises `UserError` for a dataset that is neither prepared nor published with its number of images.
    """
    spec, prepared = study.datasets[name], DatasetFolder(data / study.name / name)
    published = SOURCES[spec.source].published
    if prepared.card.is_file():
        return _prepared(prepared, raw_bytes=GIGA * published.gigabytes if published else 0)
    if published is None:
        raise UserError(
            f"datasets.{name}: the image count of {spec.path} is unknown until it is prepared; run"
            f" snakemake {prepared.card} --configfile params/{study.name}.yaml"
        )
    return as_published(spec, published)


def _prepared(prepared: DatasetFolder, *, raw_bytes: float) -> Size:
    card = read_card(prepared)
    stored = sum(path.stat().st_size for path in prepared.folder.rglob("*") if path.is_file())
    counts, classes = card.counts.model_dump(), len(card.classes)
    return Size(**counts, classes=classes, raw_bytes=raw_bytes, prepared_bytes=stored, counted=True)


def as_published(spec: Dataset, published: Published) -> Size:
    """Return the official splits, and shares of the others as the study says; the rounding by class is left out."""
    test = published.test or round(spec.test * published.train)
    validation = published.validation or round(spec.validation * (published.train - (test - published.test)))
    if spec.short_side is None:
        each: float = spec.size**2 * spec.channels
    else:
        each = encoded_bytes(min(spec.short_side, published.side or spec.short_side))
    return Size(
        train=published.images - test - validation,
        validation=validation,
        test=test,
        classes=published.classes,
        raw_bytes=GIGA * published.gigabytes,
        prepared_bytes=published.images * each,
        counted=False,
    )
