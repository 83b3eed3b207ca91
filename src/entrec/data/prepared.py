"""Open a prepared dataset, after checking that its files are those of its card.

The digests of all files but shards are compared at every opening. Of shards, of which a dataset may have hundreds,
opening compares the length and the digest of both ends, which notices a shard that is missing, cut short or of another
dataset. `verify` compares every byte, as does DVC before results are shared.
"""

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import read_json, sha256
from entrec.data.images import ArrayImages, EncodedImages, Images
from entrec.data.splits import SPLITS, SplitName
from entrec.data.store import digest_of_ends, open_rows
from entrec.errors import UserError
from entrec.progress import progress
from entrec.settings import Colour, Dataset

REMEDY = "delete the folder and rerun the preparation"


@dataclass(frozen=True, eq=False)
class Prepared:
    """A prepared dataset: N `images`, their `labels` (N,) and `splits` (N,), indices into `classes` and `SPLITS`.

    Networks see squares of `size` pixels with `channels`, whatever the size of the stored images. `mean` and `std` are
    those of each channel of `colour` over the training split, with pixels in [0, 1]. `checksum` is a digest of the
    digests of all files.
    """

    name: str
    images: Images
    labels: NDArray[np.int64]
    splits: NDArray[np.uint8]
    classes: list[str]
    size: int
    channels: int
    card: dict[str, Any]
    checksum: str
    colour: Colour
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def indices(self, split: SplitName) -> NDArray[np.int64]:
        """Return the numbers of the images of a split, in ascending order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))


def open_prepared(folder: Path) -> Prepared:
    """Return the dataset in `folder`; raises `UserError` for a missing, truncated or altered file."""
    card = read_json(folder / "card.json")
    try:
        digests: dict[str, str] = dict(card["files"])
        shards: dict[str, dict[str, Any]] = card.get("shards", {})
        if missing := {"labels.npy", "splits.npy", *(shards or ["images.npy"])} - digests.keys():
            raise KeyError(*missing)
        name, classes = str(card["name"]), list(card["classes"])
        size, channels = int(card["size"]), int(card["channels"])
        colour: Colour = card.get("colour", "rgb")  # what a card that does not say it was made for
        mean, std = tuple(map(float, card["mean"])), tuple(map(float, card["std"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{folder / 'card.json'}: not the card of a prepared dataset ({error!r}); {REMEDY}") from error
    for file, digest in digests.items():
        if file in shards:
            _check_ends(folder / file, **shards[file])
        else:
            _check(folder / file, digest)
    return Prepared(
        name=name,
        images=_open_images(folder, encoded=bool(shards)),
        labels=np.load(folder / "labels.npy"),
        splits=np.load(folder / "splits.npy"),
        classes=classes,
        size=size,
        channels=channels,
        card=card,
        checksum=hashlib.sha256("".join(digests.values()).encode()).hexdigest(),
        colour=colour,
        mean=mean,
        std=std,
    )


def verify(folder: Path) -> int:
    """Compare every byte of a prepared dataset with its card; returns the number of its files.

    Raises `UserError` for a file that differs.
    """
    files = open_prepared(folder).card["files"]
    for file in progress(list(files), f"verifying {folder}"):
        _check(folder / file, files[file])
    return len(files)


def open_as(folder: Path, name: str, spec: Dataset) -> Prepared:
    """Return the dataset in `folder`; raises `UserError` unless it is `name`, prepared as `spec` says."""
    prepared = open_prepared(folder)
    if prepared.name != name:
        raise UserError(f"{folder}: holds {prepared.name!r}, not {name!r}; give its folder or rerun its preparation")
    found = prepared.card.get("spec")
    if found != asdict(spec):
        raise UserError(f"{folder}: prepared from {found}, the study says {asdict(spec)}; {REMEDY}")
    return prepared


def _open_images(folder: Path, *, encoded: bool) -> Images:
    if encoded:
        return EncodedImages(open_rows(folder / "images"))
    return ArrayImages(np.load(folder / "images.npy", mmap_mode="r"))


def _check_ends(path: Path, *, bytes: int, ends: str) -> None:
    if not path.exists():
        raise UserError(f"{path}: missing; {REMEDY}")
    if path.stat().st_size != bytes or digest_of_ends(path) != ends:
        raise UserError(f"{path}: truncated or altered since its preparation; {REMEDY}")


def _check(path: Path, digest: str) -> None:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; {REMEDY}") from error
    if _digest(path.resolve(), status.st_ino, status.st_mtime_ns, status.st_size) != digest:
        raise UserError(f"{path}: truncated or altered since its preparation; {REMEDY}")


@lru_cache
def _digest(path: Path, inode: int, mtime_ns: int, size: int) -> str:
    """Return the file's SHA-256, computed once in a process as long as the file does not change."""
    return sha256(path)
