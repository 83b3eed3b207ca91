"""Prepare a dataset: images, labels, parts, and a card that vouches for them.

Small sets become one array of images at the study's size; large ones stay encoded (`prepare_encoded`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from entrec.data import cifar, digits, faces, fashion_mnist, folder, textures
from entrec.data.card import describe, write_with_card
from entrec.data.colour import lab
from entrec.data.pixels import with_channels, with_size
from entrec.data.prepare_encoded import prepare_encoded
from entrec.data.source import Source
from entrec.data.splits import TRAIN, split
from entrec.settings import Dataset

SOURCES: dict[str, Callable[[Dataset], Source]] = {
    "digits": digits.load,
    "faces": faces.load,
    "textures": textures.load,
    "fashion_mnist": fashion_mnist.load,
    "folder": folder.load,
    "cifar10": cifar.load,
    "cifar100": cifar.load,
}

CHUNK = 1024  # images turned to Lab at once; bounds memory, not results


def prepare(name: str, spec: Dataset, folder: Path) -> None:
    """Write the dataset, its card last, into `folder`; as many threads as torch has share the work on encoded images.

    Raises `UserError` for whatever is wrong with the source; `folder` is then left as it was.
    """
    if spec.encoded:
        prepare_encoded(name, spec, folder, threads=torch.get_num_threads())
    else:
        prepare_array(name, spec, folder)


def prepare_array(name: str, spec: Dataset, folder: Path) -> None:
    """Write `images.npy`, `labels.npy`, `parts.npy` and last `card.json` into `folder`."""
    source = SOURCES[spec.source](spec)
    parts = split(source, spec, name)
    images = with_size(with_channels(source.images, spec.channels), spec.size)
    train = images[parts == TRAIN]
    mean, std = lab_statistics(train) if spec.colour == "lab" else statistics(train)
    arrays: dict[str, NDArray[Any]] = {"images.npy": images, "labels.npy": source.labels, "parts.npy": parts}
    write_with_card(folder, arrays, describe(name, spec, source, source.labels, parts, mean, std))


def statistics(images: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of (N, h, w, C), in units of [0, 1]."""
    # from histograms: exact, and no float copy of the images
    levels = np.arange(256) / 255
    shares = [np.bincount(images[..., c].ravel(), minlength=256) / images[..., c].size for c in range(images.shape[3])]
    means = [float(share @ levels) for share in shares]
    return means, [float(np.sqrt(share @ (levels - mean) ** 2)) for share, mean in zip(shares, means, strict=True)]


def lab_statistics(images: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of CIE Lab of colour images (N, h, w, 3)."""
    pixels = images[0, ..., 0].size * len(images)
    first, second = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for start in range(0, len(images), CHUNK):
        channels = lab(torch.from_numpy(images[start : start + CHUNK]).permute(0, 3, 1, 2).double() / 255)
        first += channels.sum(dim=(0, 2, 3))
        second += channels.square().sum(dim=(0, 2, 3))
    mean = first / pixels
    return mean.tolist(), (second / pixels - mean**2).clamp(min=0).sqrt().tolist()
