"""Caltech-101 (Fei-Fei, Fergus & Perona 2004): 101 kinds of things, without an official split.

As is customary, 30 images of each class train and the others test; a hash draws the 30, so that they are the same in
every run. The background class is left out, as in torchvision. Other protocols with 30 images draw other images.
"""

from pathlib import Path

import numpy as np

from entrec.data.source import Listing
from entrec.data.splits import shuffled
from entrec.data.stand_in import Amount, class_names, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet
from entrec.settings import Dataset

CALTECH101 = TorchvisionSet(
    reader="Caltech101",
    description="Photographs of 101 kinds of things.",
    licence="CC BY 4.0",
    origin="Caltech-101 (Fei-Fei, Fergus & Perona 2004)",
    advice="put caltech-101.zip, extracted, there: caltech101/101_ObjectCategories (CaltechDATA, 'Caltech 101')",
)
FOLDER = Path("caltech101", "101_ObjectCategories")
TRAINING = 30  # images of each class (Fei-Fei, Fergus & Perona 2004 onwards)


def listing(spec: Dataset) -> Listing:
    """List the images class after class; `TRAINING` images of each class, drawn at random, do not test."""
    root = Path(spec.path or "")
    read = CALTECH101.read(root)
    labels, classes = np.array(read.y), list(read.categories)
    files = [str(root / FOLDER / classes[y] / f"image_{i:04d}.jpg") for y, i in zip(read.y, read.index, strict=True)]
    tested = np.ones(len(files), dtype=bool)
    for label in range(len(classes)):
        tested[shuffled(np.flatnonzero(labels == label), label)[:TRAINING]] = False
    return CALTECH101.listed(root, list(zip(files, read.y, strict=True)), classes, official_test=tested)


def stand_in(root: Path, amount: Amount) -> None:
    """Write a folder of images for each class, `TRAINING` more than asked for, and one of background."""
    names = class_names(amount)
    for picture in pictures(amount._replace(images=TRAINING + amount.images), split=0):
        write_file(root / FOLDER / names[picture.label] / f"image_{picture.number + 1:04d}.jpg", picture.jpeg())
    background = next(pictures(amount, split=1))
    write_file(root / FOLDER / "BACKGROUND_Google" / "image_0001.jpg", background.jpeg())
