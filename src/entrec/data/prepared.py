"""Open a prepared dataset, after checking that its files are those of its card.

The digests of all files but shards are compared at every opening. Of shards, of which a dataset may have hundreds,
opening compares the length and the digest of both ends, which notices a shard that is missing, cut short or of another
dataset. `entrec verify` compares every byte, as does DVC before results are shared.
"""

import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import sha256
from entrec.data.images import ArrayImages, EncodedImages, Images
from entrec.data.splits import SPLITS, SplitName
from entrec.data.store import digest_of_ends, open_rows
from entrec.errors import UserError
from entrec.paths import DatasetFolder
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
    """Return the dataset in `folder`; raises `UserError` for a missing, truncated or altered file."""
    here = DatasetFolder(folder)
    card = read_card(here)
    for file, digest in card.files.items():
        if file in card.shards:
            _check_ends(here, file, card.shards[file])
        else:
            _check(here, file, digest)
    return Prepared(
        name=card.name,
        images=_open_images(here, encoded=bool(card.shards)),
        labels=np.load(here.labels),
        splits=np.load(here.splits),
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
        raise UserError(f"{folder}: holds {prepared.name!r}, not {name!r}; give its folder or rerun its preparation")
    if prepared.card.spec != asdict(spec):
        raise UserError(
            f"{folder}: prepared from {prepared.card.spec}, the study says {asdict(spec)};"
            f" {_remedy(DatasetFolder(folder))}"
        )
    return prepared


def _open_images(folder: DatasetFolder, *, encoded: bool) -> Images:
    return EncodedImages(open_rows(folder.shards)) if encoded else ArrayImages(np.load(folder.array, mmap_mode="r"))


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
        return path.stat()
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; {_remedy(dataset)}") from error


def _altered(dataset: DatasetFolder, path: Path) -> UserError:
    return UserError(f"{path}: truncated or altered since its preparation; {_remedy(dataset)}")


def _remedy(dataset: DatasetFolder) -> str:
    return f"delete the folder and make it again: {preparation(dataset)}"


@lru_cache
def _digest(path: Path, inode: int, mtime_ns: int, size: int) -> str:
    """Return the file's SHA-256, computed once in a process as long as the file does not change."""
    return sha256(path)
