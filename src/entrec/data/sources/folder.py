"""The user's own images: a folder of images for each class, optionally below the folders `train` and `test`."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from entrec.data.class_folders import by_class
from entrec.data.encoding import UNREADABLE, upright
from entrec.data.pixels import central_square
from entrec.data.reasons import reason
from entrec.data.source import EncodedImage, Listing, Loaded
from entrec.errors import UserError
from entrec.settings import Dataset


def load(spec: Dataset) -> Loaded:
    """Return the images of `listing`, each cut to its central square and resized to `spec.size`.

    Raises `UserError` for an image that cannot be read.
    """
    listed = listing(spec)
    return Loaded(images=np.stack([_square(image, spec.size) for image in listed.images]), **listed.facts())


def listing(spec: Dataset) -> Listing:
    """List the images below `spec.path`, classes in order of name.

    The folders `train` and `test`, where both exist, are the official splits. Raises `UserError` for a class without
    images.
    """
    root = Path(spec.path or "")
    splits = [root / "train", root / "test"]
    official = all(split.is_dir() for split in splits)
    images, labels, classes, sizes = by_class(splits if official else [root])
    return Listing(
        images=images,
        labels=labels,
        classes=classes,
        description=f"{len(images)} images in a folder for each of {len(classes)} classes.",
        licence="not stated",
        origin=f"folder {root.name}",
        official_test=np.arange(len(images)) >= sizes[0] if official else None,
    )


def _square(encoded: EncodedImage, size: int) -> NDArray[Any]:
    try:
        with Image.open(io.BytesIO(encoded.read())) as image:
            return central_square(upright(image), size)
    except UNREADABLE as error:
        raise UserError(f"{encoded.name}: cannot be read as an image ({reason(error)}); repair or remove it") from error
