"""The card of a prepared dataset: what it says, and how it is written with the files whose digests it holds."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import replacing_all, sha256
from entrec.data.source import Labelled
from entrec.data.splits import SPLITS
from entrec.errors import UserError
from entrec.paths import DatasetFolder
from entrec.results import Card, ClassCounts, SplitCounts, sealed_text
from entrec.settings import Colour, Dataset

# the deviation of channels without any difference: rounding of CIE's constants gives greys that much a and b
GREY: dict[Colour, float] = {"rgb": 0.0, "lab": 0.01}


def describe(
    name: str, spec: Dataset, images: Labelled, labels: NDArray[np.int64], splits: NDArray[np.uint8],
    mean: list[float], std: list[float],
) -> dict[str, Any]:  # fmt: skip
    """Return the fields of every card, for a dataset whose stored images have these `labels` (N,) and `splits` (N,).

    Raises `UserError` where `std` shows that a channel is the same in every pixel.
    """
    if min(std) <= GREY[spec.colour]:
        raise UserError(f"datasets.{name}: a channel is the same in every training pixel; nothing can be learnt")
    by_class = {
        split: tuple(np.bincount(labels[splits == number], minlength=len(images.classes)).tolist())
        for number, split in enumerate(SPLITS)
    }
    return {
        "description": images.description,
        "origin": images.origin,
        "licence": images.licence,
        "classes": tuple(images.classes),
        "counts": SplitCounts(**{split: sum(counts) for split, counts in by_class.items()}),
        "class_counts": ClassCounts(**by_class),
        "name": name,
        "size": spec.size,
        "channels": spec.channels,
        "colour": spec.colour,
        "mean": tuple(mean),
        "std": tuple(std),
        "spec": asdict(spec),
        "left_out": images.left_out,
    }


def write_with_card(
    folder: DatasetFolder, arrays: Mapping[Path, NDArray[Any]], fields: Mapping[str, Any], *,
    originals: str | None = None, others: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write arrays, the list of the original files if there is one, and the card of the `fields`.

    The card has the SHA-256 of each array, of the list, and of `others`, which exist already.

    Everything is written to scratch files before any file is replaced, so that a full disk leaves an older dataset as
    it was. The card is replaced last: if the process ends in between, the new files do not match the old card.
    """
    paths = [*arrays, *([] if originals is None else [folder.originals])]
    with replacing_all([*paths, folder.card]) as (*scratch, described):
        for path, array in zip(scratch, arrays.values(), strict=False):
            with path.open("wb") as file:  # given a path, numpy would append .npy to it
                np.save(file, array, allow_pickle=False)
        if originals is not None:  # the names of files may be any bytes
            scratch[-1].write_text(originals, encoding="utf-8", errors="surrogateescape", newline="")
        digests = {path.name: sha256(written) for path, written in zip(paths, scratch, strict=True)}
        card = Card(**fields, files=digests | dict(others or {}))
        described.write_text(sealed_text(card), encoding="utf-8")
