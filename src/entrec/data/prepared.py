"""Open a prepared dataset, after checking that its files are those of its card.

The digests of all files but shards are compared at every opening. Of shards, of which a dataset may have hundreds,
opening compares the length and the digest of both ends, which notices a shard that is missing, cut short or of another
dataset. `entrec verify` compares every byte, as does DVC before results are shared.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import sha256
from entrec.data.images import ArrayImages, EncodedImages, Images
from entrec.data.reasons import reason
from entrec.data.splits import SPLITS, SplitName
from entrec.data.store import digest_of_ends, open_rows
from entrec.errors import UserError, shown
from entrec.paths import DatasetFolder
from entrec.regular import regular
from entrec.results import Card, ShardEnds, preparation, read_card
from entrec.settings import Colour, Dataset


@dataclass(frozen=True, eq=False)
class Prepared:
    """A prepared dataset: N `images`, their `labels` (N,) and `splits` (N,), indices into `classes` and `SPLITS`.

    Networks see squares of `size` pixels with `channels`, whatever the size of the stored images. `mean` and `std` are
    those of each channel of `colour` over the training split, with pixels in [0, 1]. `checksum` is the digest of the
    card, which names the digests of all files.
    """

    name: str
    images: Images
    labels: NDArray[np.int64]
    splits: NDArray[np.uint8]
    classes: list[str]
    size: int
    channels: int
    card: Card
    checksum: str
    colour: Colour
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def indices(self, split: SplitName) -> NDArray[np.int64]:
        """Return the numbers of the images of a split, in ascending order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))


def open_prepared(folder: Path) -> Prepared:
    """Return the dataset in `folder`.

    Raises `UserError` for a missing, truncated or altered file, and for one whose contents are not what the card says:
    whoever publishes a dataset writes its digests too.
    """
    here = DatasetFolder(folder)
    card = read_card(here)
    for file, digest in card.files.items():
        if file in card.shards:
            _check_ends(here, file, card.shards[file])
        else:
            _check(here, file, digest)
    return Prepared(
        name=card.name,
        images=_open_images(here, card),
        labels=_numbers(here, here.labels, card, np.dtype(np.int64), below=len(card.classes)),
        splits=_numbers(here, here.splits, card, np.dtype(np.uint8), below=len(SPLITS)),
        classes=list(card.classes),
        size=card.size,
        channels=card.channels,
        card=card,
        checksum=card.digest,
        colour=card.colour,
        mean=card.mean,
        std=card.std,
    )


def open_as(folder: Path, name: str, spec: Dataset) -> Prepared:
    """Return the dataset in `folder`; raises `UserError` unless it is `name`, prepared as `spec` says."""
    prepared = open_prepared(folder)
    if prepared.name != name:
        raise UserError(
            f"{folder}: holds {shown(prepared.name)}, not {shown(name)}; give its folder or rerun its preparation"
        )
    if prepared.card.spec != asdict(spec):
        raise UserError(
            f"{folder}: prepared from {prepared.card.spec}, the study says {asdict(spec)};"
            f" {_remedy(DatasetFolder(folder))}"
        )
    return prepared


def _open_images(folder: DatasetFolder, card: Card) -> Images:
    if not card.shards:
        shape = (card.images, card.size, card.size, card.channels)
        return ArrayImages(_array(folder, folder.array, np.dtype(np.uint8), shape))
    with _as_the_card_says(folder, folder.shards):
        rows = open_rows(folder.shards)
        if len(rows) != card.images or rows.column.null_count:
            raise ValueError(f"it has {len(rows) - rows.column.null_count} images, its card says {card.images}")
        return EncodedImages(rows)


def _numbers(folder: DatasetFolder, path: Path, card: Card, kind: "np.dtype[Any]", *, below: int) -> NDArray[Any]:
    """Return the number (N,) that `path` has for each image, from 0 and less than `below`."""
    numbers = np.array(_array(folder, path, kind, (card.images,)))
    with _as_the_card_says(folder, path):
        if numbers.min(initial=0) < 0 or numbers.max(initial=0) >= below:
            raise ValueError(f"it has numbers from {numbers.min()} to {numbers.max()}, allowed are 0 to {below - 1}")
    return numbers


def _array(folder: DatasetFolder, path: Path, kind: "np.dtype[Any]", shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the array in `path`, mapped, so that one which claims to be larger than its file is refused."""
    with _as_the_card_says(folder, path):
        array = np.lib.format.open_memmap(path, mode="r")
        if (array.dtype, array.shape) != (kind, shape):
            raise ValueError(f"it is {array.dtype} of shape {array.shape}, its card says {kind} of {shape}")
        return array


@contextmanager
def _as_the_card_says(folder: DatasetFolder, path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the readers of numpy and `datasets` have no exception in common
        raise UserError(f"{path}: not what its card says ({reason(error)}); {_remedy(folder)}") from error


def _check_ends(dataset: DatasetFolder, file: str, shard: ShardEnds) -> None:
    path = dataset.folder / file
    if _status(dataset, path).st_size != shard.bytes or digest_of_ends(path) != shard.ends:
        raise _altered(dataset, path)


def _check(dataset: DatasetFolder, file: str, digest: str) -> None:
    path = dataset.folder / file
    status = _status(dataset, path)
    if _digest(path.resolve(), status.st_ino, status.st_mtime_ns, status.st_size) != digest:
        raise _altered(dataset, path)


def _status(dataset: DatasetFolder, path: Path) -> os.stat_result:
    try:
        return regular(path).stat()
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; {_remedy(dataset)}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {_remedy(dataset)}") from error


def _altered(dataset: DatasetFolder, path: Path) -> UserError:
    return UserError(f"{path}: truncated or altered since its preparation; {_remedy(dataset)}")


def _remedy(dataset: DatasetFolder) -> str:
    return f"delete the folder and make it again: {preparation(dataset)}"


@lru_cache
def _digest(path: Path, inode: int, mtime_ns: int, size: int) -> str:
    """Return the file's SHA-256, computed once in a process as long as the file does not change."""
    return sha256(path)
