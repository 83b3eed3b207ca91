"""The card of a prepared dataset: what it says, and how it comes to vouch for the files beside it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import replacing_all, sha256
from entrec.data.source import Labelled
from entrec.data.splits import PARTS
from entrec.errors import UserError
from entrec.settings import Colour, Dataset

GREY: dict[Colour, float] = {"rgb": 0.0, "lab": 0.01}  # CIE's constants give greys that much a and b


def describe(
    name: str, spec: Dataset, source: Labelled, labels: NDArray[np.int64], parts: NDArray[np.uint8],
    mean: list[float], std: list[float],
) -> dict[str, Any]:  # fmt: skip
    """What every card says of a set with these `labels` (N,) and `parts` (N,).

    Raises `UserError` where `std` says that nothing can be learnt.
    """
    if min(std) <= GREY[spec.colour]:
        raise UserError(f"datasets.{name}: a channel is the same in every training pixel; nothing can be learnt")
    by_class = {
        part: np.bincount(labels[parts == code], minlength=len(source.classes)).tolist()
        for code, part in enumerate(PARTS)
    }
    return {
        "description": source.description,
        "origin": source.origin,
        "licence": source.licence,
        "classes": source.classes,
        "counts": {part: sum(counts) for part, counts in by_class.items()},
        "class_counts": by_class,
        "name": name,
        "size": spec.size,
        "channels": spec.channels,
        "colour": spec.colour,
        "mean": mean,
        "std": std,
        "spec": asdict(spec),
    }


def write_with_card(
    folder: Path, arrays: Mapping[str, NDArray[Any]], card: dict[str, Any], *, others: Mapping[str, str] | None = None
) -> None:
    """Write arrays and the card, which vouches for them and for the `others`, files with their digests.

    Everything is written beside before anything moves into place, so that a full disk leaves an old set whole. The
    card moves last: should a move fail or the process die between two, the old card refuses the new files.
    """
    with replacing_all([folder / file for file in (*arrays, "card.json")]) as (*scratch, described):
        for path, array in zip(scratch, arrays.values(), strict=True):
            with path.open("wb") as file:  # given a path, numpy would append .npy to it
                np.save(file, array, allow_pickle=False)
        digests = {name: sha256(path) for name, path in zip(arrays, scratch, strict=True)}
        card = card | {"files": digests | dict(others or {})}
        described.write_text(json.dumps(card, indent=2, allow_nan=False) + "\n", encoding="utf-8")
