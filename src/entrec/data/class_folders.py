"""Folders that hold one folder of images for each class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from entrec.data.source import EncodedImage
from entrec.errors import UserError

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def by_class(folders: Sequence[Path]) -> tuple[list[EncodedImage], NDArray[np.int64], list[str], list[int]]:
    """List the images of `folders`, one folder after another, each of which holds one folder for each class.

    Returns the images, their labels (N,), the classes in order of name, and how many images each of `folders` has.
    Raises `UserError` for a missing folder, for a class without images, and for one of `folders` whose classes are not
    those of the first.
    """
    listed = [_files_by_class(folder) for folder in folders]
    classes = list(listed[0])
    for folder, files in zip(folders, listed, strict=True):
        if list(files) != classes:
            odd = few(set(classes) ^ set(files))
            raise UserError(f"{folder}: its classes are not those of {folders[0]} (different: {odd}); make them equal")
    images = [EncodedImage.of_file(path) for files in listed for name in classes for path in files[name]]
    labels = [label for files in listed for label, name in enumerate(classes) for _ in files[name]]
    return images, np.array(labels, dtype=np.int64), classes, [sum(map(len, files.values())) for files in listed]


def few(names: set[str]) -> str:
    """Return at most five of the names, in order, and how many more there are."""
    return ", ".join(sorted(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


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
