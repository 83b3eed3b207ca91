"""How many images each part of a data set has and how many bytes it takes: prepared already, or as published."""

from dataclasses import dataclass
from pathlib import Path

from entrec.artefacts import read_json
from entrec.errors import UserError
from entrec.plan.assumptions import Published, encoded_bytes, published
from entrec.settings import Dataset
from entrec.study import Study


@dataclass(frozen=True)
class Size:
    """Images by part, classes, bytes of the makers' files and of the prepared set; `counted` in a prepared one."""

    train: int
    validation: int
    test: int
    classes: int
    raw_bytes: float
    prepared_bytes: float
    counted: bool

    @property
    def images(self) -> int:
        """Of all parts."""
        return self.train + self.validation + self.test


def size_of(study: Study, name: str, data: Path) -> Size:
    """Of the data set `name`, whose prepared form is or will be `data`/<study>/`name`.

    Raises `UserError` for one that is neither prepared nor known.
    """
    spec, folder = study.datasets[name], data / study.name / name
    known = published(spec.source)
    if (folder / "card.json").is_file():
        return _prepared(folder, raw_bytes=known.raw_bytes if known else 0)
    if known is None:
        raise UserError(
            f"datasets.{name}: nobody knows how many images {spec.path} has before it is prepared; make it first:"
            f" snakemake {folder}/card.json --configfile params/{study.name}.yaml"
        )
    return _as_published(spec, known)


def _prepared(folder: Path, *, raw_bytes: float) -> Size:
    card = read_json(folder / "card.json")
    kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    counts = {part: int(card["counts"][part]) for part in ("train", "validation", "test")}
    return Size(**counts, classes=len(card["classes"]), raw_bytes=raw_bytes, prepared_bytes=kept, counted=True)


def _as_published(spec: Dataset, known: Published) -> Size:
    """The official parts, and shares of the others as the study says; rounding by class is left out."""
    test = known.test or round(spec.test * known.train)
    validation = known.validation or round(spec.validation * (known.train - (test - known.test)))
    if spec.short_side is None:
        each: float = spec.size**2 * spec.channels
    else:
        each = encoded_bytes(min(spec.short_side, known.side or spec.short_side))
    return Size(
        train=known.images - test - validation,
        validation=validation,
        test=test,
        classes=known.classes,
        raw_bytes=known.raw_bytes,
        prepared_bytes=known.images * each,
        counted=False,
    )
