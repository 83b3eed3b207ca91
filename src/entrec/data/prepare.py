"""Prepare a dataset: one array of images at the study's size, labels, parts, and a card that vouches for them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import replacing_all, sha256
from entrec.data import digits, faces, fashion_mnist, folder, textures
from entrec.data.pixels import with_channels, with_size
from entrec.data.source import Source
from entrec.data.splits import PARTS, TRAIN, split
from entrec.errors import UserError
from entrec.settings import Dataset

SOURCES: dict[str, Callable[[Dataset], Source]] = {
    "digits": digits.load,
    "faces": faces.load,
    "textures": textures.load,
    "fashion_mnist": fashion_mnist.load,
    "folder": folder.load,
}


def prepare(name: str, spec: Dataset, folder: Path) -> None:
    """Write `images.npy`, `labels.npy`, `parts.npy` and last `card.json` into `folder`.

    Raises `UserError` for whatever is wrong with the source; `folder` is then left as it was.
    """
    source = SOURCES[spec.source](spec)
    parts = split(source, spec, name)
    images = with_size(with_channels(source.images, spec.channels), spec.size)
    mean, std = statistics(images[parts == TRAIN])
    if min(std) == 0:
        raise UserError(f"datasets.{name}: a channel is the same in every training pixel; nothing can be learnt")
    arrays: dict[str, NDArray[Any]] = {"images.npy": images, "labels.npy": source.labels, "parts.npy": parts}
    card = _description(source, parts) | {
        "name": name,
        "size": spec.size,
        "channels": spec.channels,
        "mean": mean,
        "std": std,
        "spec": asdict(spec),
    }
    _write(folder, arrays, card)


def statistics(images: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of (N, h, w, C), in units of [0, 1]."""
    # from histograms: exact, and no float copy of the images
    levels = np.arange(256) / 255
    shares = [np.bincount(images[..., c].ravel(), minlength=256) / images[..., c].size for c in range(images.shape[3])]
    means = [float(share @ levels) for share in shares]
    return means, [float(np.sqrt(share @ (levels - mean) ** 2)) for share, mean in zip(shares, means, strict=True)]


def _description(source: Source, parts: NDArray[np.uint8]) -> dict[str, Any]:
    by_class = {
        part: np.bincount(source.labels[parts == code], minlength=len(source.classes)).tolist()
        for code, part in enumerate(PARTS)
    }
    return {
        "description": source.description,
        "origin": source.origin,
        "licence": source.licence,
        "classes": source.classes,
        "counts": {part: sum(counts) for part, counts in by_class.items()},
        "class_counts": by_class,
    }


def _write(folder: Path, arrays: dict[str, NDArray[Any]], card: dict[str, Any]) -> None:
    """Write everything beside before anything moves into place, so that a full disk leaves an old set whole.

    The card moves last: should a move fail or the process die between two, the old card refuses the new files.
    """
    with replacing_all([folder / file for file in (*arrays, "card.json")]) as (*scratch, described):
        for path, array in zip(scratch, arrays.values(), strict=True):
            with path.open("wb") as file:  # given a path, numpy would append .npy to it
                np.save(file, array, allow_pickle=False)
        card = card | {"files": {name: sha256(path) for name, path in zip(arrays, scratch, strict=True)}}
        described.write_text(json.dumps(card, indent=2, allow_nan=False) + "\n", encoding="utf-8")
