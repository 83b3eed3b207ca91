"""Stand-ins: tiny datasets in the makers' formats, made of ten photographs that ship inside Python packages.

Every file lies where the makers' archives put it and has the makers' format, with fewer classes and images, so that a
rehearsal reads stand-ins by the code that reads the real datasets. A marker file in the folder says that it is a
stand-in, and holds the MD5 of the files that the makers' readers compare with the official digests.
"""

import io
from collections.abc import Iterator
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from entrec.artefacts import read_json, write_json
from entrec.data import photographs
from entrec.data.photographs import PHOTOGRAPHS
from entrec.data.pixels import BILINEAR
from entrec.data.source import function_of

MARKER = "stand-in.json"
SHOWN = 0.6  # the share of a photograph's height and width that a picture shows


def stand_in_digests(root: Path) -> dict[str, str] | None:
    """Return the MD5 of a stand-in's files by name, or None where `root` holds the makers' own files."""
    return read_json(root / MARKER)["md5"] if (root / MARKER).exists() else None


def origin_of(root: Path, origin: str) -> str:
    """Return what a card says of where the images in `root` come from."""
    return origin if stand_in_digests(root) is None else f"stand-in for {origin}: tiny, for rehearsals"


class Amount(NamedTuple):
    """The size of a stand-in: `classes`, `images` of each class in each split, shorter `side` in pixels."""

    classes: int
    images: int
    side: int


class Picture(NamedTuple):
    """Image `number` of class `label`, of size `(width, height)` in pixels."""

    label: int
    number: int
    size: tuple[int, int]

    def pixels(self) -> Image.Image:
        """Return a random part of the class's photograph, rotated for the classes beyond the first ten."""
        photograph = _photograph(list(PHOTOGRAPHS)[self.label % len(PHOTOGRAPHS)])
        left, top = (1 - SHOWN) * np.random.default_rng([self.label, self.number]).random(2)
        box = np.array([left, top, left + SHOWN, top + SHOWN]) * np.tile(photograph.size, 2)
        resized = photograph.resize(self.size, BILINEAR, box=tuple(box))
        return resized.rotate(37 * (self.label // len(PHOTOGRAPHS)), BILINEAR)

    def jpeg(self) -> bytes:
        """Return the picture as a JPEG of quality 90."""
        buffer = io.BytesIO()
        self.pixels().save(buffer, "JPEG", quality=90)
        return buffer.getvalue()


def write_stand_in(source: str, root: Path, amount: Amount) -> None:
    """Write a stand-in for `source` and its marker into `root`, the folder that a study calls `path`.

    The source's function `stand_in` returns the files whose digests its reader compares, or None.
    """
    root.mkdir(parents=True, exist_ok=True)
    compared = function_of(source, "stand_in")(root, amount) or []
    write_json(root / MARKER, {"md5": {path.name: md5(path.read_bytes()).hexdigest() for path in compared}})


def pictures(amount: Amount, *, split: int) -> Iterator[Picture]:
    """Yield the images of a split, class after class.

    Upright and lying images take turns, and no two splits (counted from 0) share a number.
    """
    short, long = amount.side, amount.side * 5 // 4
    for label in range(amount.classes):
        for number in range(split * amount.images, (split + 1) * amount.images):
            yield Picture(label, number, (long, short) if number % 2 else (short, long))


def class_names(amount: Amount) -> list[str]:
    """Return a name for each class, in alphabetical order."""
    turns = range(-(-amount.classes // len(PHOTOGRAPHS)))
    return sorted(f"{name}_{turn}" for turn in turns for name in PHOTOGRAPHS)[: amount.classes]


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file and its folder, without the flush that artefacts have: a stand-in may be lost and made again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def mat_file(**arrays: NDArray[Any]) -> bytes:
    """Return a MATLAB file of the arrays."""
    buffer = io.BytesIO()
    savemat(buffer, arrays)
    return buffer.getvalue()


@cache
def _photograph(name: str) -> Image.Image:
    return photographs.photograph(name)
