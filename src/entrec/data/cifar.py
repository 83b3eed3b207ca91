"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), 32x32 in colour, with their official test parts."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from entrec.data.encoding import png
from entrec.data.source import Entry, Listing, Source
from entrec.data.stand_in import origin_of
from entrec.data.torchvision_set import fetched
from entrec.settings import Dataset

KINDS = {"cifar10": "CIFAR10", "cifar100": "CIFAR100"}
ARCHIVES = {"cifar10": "cifar-10-python.tar.gz", "cifar100": "cifar-100-python.tar.gz"}


def load(spec: Dataset) -> Source:
    """The 50,000 training and 10,000 test images as one array, from `spec.path` or else by download into it."""
    root = Path(spec.path or "")
    advice = f"put {ARCHIVES[spec.source]}, extracted, there (Alex Krizhevsky's page 'The CIFAR-10 dataset')"
    train, test = (fetched(KINDS[spec.source], root, advice, train=train) for train in (True, False))
    labels = np.array([*train.targets, *test.targets], dtype=np.int64)
    return Source(
        images=np.concatenate([train.data, test.data]),
        labels=labels,
        classes=list(train.classes),
        description=f"Photographs of {len(train.classes)} kinds of things, 32x32 pixels.",
        licence="not stated",
        origin=origin_of(root, f"CIFAR-{KINDS[spec.source].removeprefix('CIFAR')} (Krizhevsky 2009)"),
        official_test=np.arange(len(labels)) >= len(train.targets),
    )


def listing(spec: Dataset) -> Listing:
    """The same images one by one, each a PNG."""
    source = load(spec)
    images = [Entry(f"{spec.source}:{row}", partial(_png, image)) for row, image in enumerate(source.images)]
    return Listing(images=images, **source.facts())


def _png(image: NDArray[np.uint8]) -> bytes:
    return png(Image.fromarray(image))
