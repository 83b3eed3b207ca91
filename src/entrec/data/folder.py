"""A folder of images for each class, optionally below `train` and `test`."""

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from entrec.data.encoding import UNREADABLE, upright
from entrec.data.faults import reason
from entrec.data.pixels import central_square
from entrec.data.source import Entry, Listing, Source
from entrec.errors import UserError
from entrec.settings import Dataset

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def load(spec: Dataset) -> Source:
    """The images of `listing`, cut to their central square of `spec.size`; raises `UserError` for an unreadable one."""
    listed = listing(spec)
    return Source(images=np.stack([_square(entry, spec.size) for entry in listed.images]), **listed.facts())


def listing(spec: Dataset) -> Listing:
    """The images below `spec.path`, classes in order of name; raises `UserError` for a class without images."""
    root = Path(spec.path or "")
    parts = [root / "train", root / "test"]
    official = all(part.is_dir() for part in parts)
    images, labels, classes, sizes = by_class(parts if official else [root])
    return Listing(
        images=images,
        labels=labels,
        classes=classes,
        description=f"{len(images)} images in a folder for each of {len(classes)} classes.",
        licence="not stated",
        origin=f"folder {root.name}",
        official_test=np.arange(len(images)) >= sizes[0] if official else None,
    )


def by_class(parts: Sequence[Path]) -> tuple[list[Entry], NDArray[np.int64], list[str], list[int]]:
    """Images and labels (N,) of folders that hold one folder for each class, part after part; classes; parts' sizes.

    Raises `UserError` for a missing folder and for a part that has not the classes of the first.
    """
    listed = [_files_by_class(part) for part in parts]
    classes = list(listed[0])
    for part, files in zip(parts, listed, strict=True):
        if list(files) != classes:
            odd = few(set(classes) ^ set(files))
            raise UserError(f"{part}: has not the classes of {parts[0]} (differs in {odd}); make them equal")
    images = [file_entry(path) for files in listed for name in classes for path in files[name]]
    labels = [label for files in listed for label, name in enumerate(classes) for _ in files[name]]
    return images, np.array(labels, dtype=np.int64), classes, [sum(map(len, files.values())) for files in listed]


def few(names: set[str]) -> str:
    """The first of some names, for a message of one line."""
    return ", ".join(sorted(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def file_entry(path: str | Path) -> Entry:
    """The image in a file."""
    return Entry(str(path), partial(_content, str(path)))


def _content(path: str) -> bytes:
    return Path(path).read_bytes()


def _files_by_class(root: Path) -> dict[str, list[str]]:
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give one folder of images for each class under it")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise UserError(f"{root}: holds no class folders; give one folder of images for each class under it")
    return {folder.name: _images(folder) for folder in folders}


def _images(folder: Path) -> list[str]:
    images = sorted(str(path) for path in folder.iterdir() if _is_image(path))
    if not images:
        raise UserError(f"{folder}: no images ({', '.join(sorted(SUFFIXES))}); add some or remove this class")
    return images


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _square(entry: Entry, size: int) -> NDArray[Any]:
    try:
        with Image.open(io.BytesIO(entry.read())) as image:
            return central_square(upright(image), size)
    except UNREADABLE as error:
        raise UserError(f"{entry.name}: cannot be read as an image ({reason(error)}); repair or remove it") from error
