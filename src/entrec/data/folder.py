"""A folder of images for each class, optionally below `train` and `test`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from entrec.data.pixels import central_square
from entrec.data.source import Source
from entrec.errors import UserError
from entrec.settings import Dataset

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def load(spec: Dataset) -> Source:
    """The images below `spec.path`, cut to their central square of `spec.size`; classes in order of name.

    Raises `UserError` for a missing folder, a class without images and an image that cannot be read.
    """
    root = Path(spec.path or "")
    parts = [root / "train", root / "test"]
    official = all(part.is_dir() for part in parts)
    files = [_files_by_class(part) for part in (parts if official else [root])]
    classes = list(files[0])
    if official and list(files[1]) != classes:
        odd = sorted(set(classes) ^ set(files[1]))
        raise UserError(f"{parts[1]}: has not the classes of {parts[0]} (differs in {', '.join(odd)}); make them equal")
    listed = [(path, label) for part in files for label, name in enumerate(classes) for path in part[name]]
    trained = sum(map(len, files[0].values()))
    return Source(
        images=np.stack([_read(path, spec.size) for path, _ in listed]),
        labels=np.array([label for _, label in listed], dtype=np.int64),
        classes=classes,
        description=f"{len(listed)} images in a folder for each of {len(classes)} classes.",
        licence="not stated",
        origin=f"folder {root.name}",
        official_test=np.arange(len(listed)) >= trained if official else None,
    )


def _files_by_class(root: Path) -> dict[str, list[Path]]:
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give one folder of images for each class under it")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise UserError(f"{root}: holds no class folders; give one folder of images for each class under it")
    return {folder.name: _images(folder) for folder in folders}


def _images(folder: Path) -> list[Path]:
    images = sorted(path for path in folder.iterdir() if _is_image(path))
    if not images:
        raise UserError(f"{folder}: no images ({', '.join(sorted(SUFFIXES))}); add some or remove this class")
    return images


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _read(path: Path, size: int) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return central_square(ImageOps.exif_transpose(image), size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: cannot be read as an image ({error}); repair or remove it") from error
