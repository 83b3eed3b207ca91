"""Prepare a dataset: its images, labels and splits, and a card that holds the SHA-256 of these files.

Small datasets become one array of images of the study's size; large ones stay encoded (`prepare_encoded`).
"""

from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from entrec.data import decoding, left_out
from entrec.data.card import describe, write_with_card
from entrec.data.contract import loaded
from entrec.data.moments import statistics
from entrec.data.originals import list_of, read_steadily, remember
from entrec.data.pixels import with_channels, with_size
from entrec.data.prepare_encoded import prepare_encoded
from entrec.data.splits import TRAIN, split
from entrec.paths import DatasetFolder
from entrec.settings import Dataset


def prepare(name: str, spec: Dataset, folder: Path) -> None:
    """Write the dataset into `folder`, its card last; encoded images are made by as many threads as torch has.

    Raises `UserError` where the source is missing or faulty; `folder` then stays as it was.
    """
    if spec.encoded:
        prepare_encoded(name, spec, folder, threads=torch.get_num_threads())
    else:
        prepare_array(name, spec, folder)


def prepare_array(name: str, spec: Dataset, folder: Path) -> None:
    """Write `images.npy`, `labels.npy`, `splits.npy` and last `card.json` into `folder`."""
    source, files = read_steadily(spec, loaded)
    left_out.report(name, source.left_out)
    decoding.report(name, source.conversions)
    splits = split(source, spec, name)
    images = with_size(with_channels(source.images, spec.channels), spec.size)
    mean, std = statistics(images[splits == TRAIN], spec.colour)
    here = DatasetFolder(folder)
    arrays: dict[Path, NDArray[Any]] = {here.array: images, here.labels: source.labels, here.splits: splits}
    fields = describe(name, spec, source, source.labels, splits, mean, std) | {"conversions": source.conversions}
    write_with_card(here, arrays, fields, originals=list_of(spec, files))
    remember(spec, here, files)
