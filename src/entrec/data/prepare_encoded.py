"""Prepare a dataset that is too large for one array: encoded images in Arrow shards, labels, splits and a card.

Finished files are gathered in a hidden folder beside the dataset's and moved when all are finished: the disk holds
every image once, and a preparation that was stopped continues from its last complete shard, as long as the files of its
images have the same sizes and times. Images that cannot be read end the preparation, or are left out and counted, as
the study says. Mean and standard deviation are those of at most `MEASURED` training images as stored, evenly spaced
among them, every pixel counted alike.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import alone_in, read_json, sha256, write_json
from entrec.data import decoding, left_out
from entrec.data.card import describe, write_with_card
from entrec.data.contract import listed
from entrec.data.encoding import QUALITY
from entrec.data.names import shown
from entrec.data.originals import Original, list_of, made_of, read_steadily, remember
from entrec.data.source import Listing
from entrec.data.splits import TRAIN, check_all_splits, split
from entrec.data.stand_in import stand_in_digests
from entrec.data.store import SHARD, Shard, total_conversions, total_moments, write_shards
from entrec.errors import UserError
from entrec.paths import DatasetFolder
from entrec.progress import say
from entrec.results import ShardEnds
from entrec.settings import Dataset
from entrec.sources import SOURCES

MEASURED = 50_000  # images; of ImageNet every 24th, which determines the mean to 0.001


def prepare_encoded(name: str, spec: Dataset, folder: Path, *, threads: int) -> None:
    """Write `images/`, `labels.npy`, `splits.npy` and last `card.json` into `folder`.

    Raises `UserError` where the source is missing or faulty, and where another process prepares the same dataset;
    `folder` then stays as it was.
    """
    listing, files = read_steadily(spec, listed)
    left_out.report(name, listing.left_out)
    check_complete(name, spec, listing)
    splits = split(listing, spec, name)
    target = DatasetFolder(folder)
    with alone_in(target.unfinished.folder):
        _prepare(name, spec, listing, files, splits, target, threads=threads)


def _prepare(
    name: str, spec: Dataset, listing: Listing, files: Sequence[Original], splits: NDArray[np.uint8],
    target: DatasetFolder, *, threads: int,
) -> None:  # fmt: skip
    made = target.unfinished
    _continue(made, target, _plan(listing, splits, spec))
    shards = write_shards(
        listing.images, spec, measured=_measured(splits), folder=made.shards, sidecars=made.folder / "sidecars",
        threads=threads, origin=lambda images: made_of(images, files),
    )  # fmt: skip
    readable = _readable(shards, len(splits), name)
    labels, splits = listing.labels[readable], splits[readable]
    for label, class_name in enumerate(listing.classes):
        check_all_splits(splits[labels == label], class_name, name)
    moments, conversions = total_moments(shards), total_conversions(shards)
    decoding.report(name, conversions)
    fields = describe(name, spec, listing, labels, splits, moments.mean, moments.std) | {
        "conversions": conversions,
        "measured": moments.images,
        "skipped": tuple(fault for shard in shards for fault in shard.broken.values()),
        "bytes": sum(shard.bytes for shard in shards),
        "shards": {f"images/{shard.file}": ShardEnds(bytes=shard.bytes, ends=shard.ends) for shard in shards},
    }
    digests = {f"images/{shard.file}": shard.sha256 for shard in shards}
    digests |= {f"images/{path.name}": sha256(path) for path in sorted(made.shards.glob("*.json"))}
    arrays: dict[Path, NDArray[Any]] = {made.labels: labels, made.splits: splits}
    write_with_card(made, arrays, fields, originals=list_of(spec, files), others=digests)
    _move(made, target)
    remember(spec, target, files)
    shutil.rmtree(made.folder)


def check_complete(name: str, spec: Dataset, listing: Listing) -> None:
    """Raise `UserError` where images or classes of a published dataset are missing; a stand-in may have any number."""
    published, path = SOURCES[spec.source].published, Path(spec.path or "")
    if published is None or stand_in_digests(path) is not None:
        return
    images, classes = len(listing.images), len(listing.classes)
    if (images, classes) != (published.images, published.classes):
        raise UserError(
            f"datasets.{name}: {path} has {images} images of {classes} classes, the published dataset has"
            f" {published.images} of {published.classes}; extract or download it again"
        )


def _measured(splits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which images (N,) are measured for mean and standard deviation."""
    train = np.flatnonzero(splits == TRAIN)
    measured = np.zeros(len(splits), dtype=bool)
    measured[train[:: -(-len(train) // MEASURED)]] = True
    return measured


def _plan(listing: Listing, splits: NDArray[np.uint8], spec: Dataset) -> dict[str, Any]:
    """Return what determines the shards, so that shards made for the same plan can be reused.

    The folder of the images is left out: it may have moved since.
    """
    digest = hashlib.sha256(listing.labels.tobytes() + splits.tobytes())
    for image in listing.images:
        digest.update(image.name.removeprefix(shown(spec.path or "")).encode() + b"\0")
    made_as = {"short_side": spec.short_side, "colour": spec.colour, "quality": QUALITY, "shard": SHARD}
    made_as |= {"decoding": decoding.RULE}
    return made_as | {"listing": digest.hexdigest()}


def _continue(made: DatasetFolder, target: DatasetFolder, plan: dict[str, Any]) -> None:
    """Keep the finished shards that were made for the same plan, and delete everything else of a stopped preparation.

    Images that `_move` had already put in place are moved back first.
    """
    if made.card.exists() and target.shards.exists() and not made.shards.exists():
        os.replace(target.shards, made.shards)
    path = made.folder / "plan.json"
    if not path.exists() or read_json(path) != plan:
        for old in made.folder.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        write_json(path, plan)
    for scratch in made.folder.rglob(".*"):
        scratch.unlink()


def _readable(shards: list[Shard], count: int, name: str) -> NDArray[np.bool_]:
    """Return which images (N,) of the source are stored; reports on stderr how many are left out."""
    broken = {row: fault for shard in shards for row, fault in shard.broken.items()}
    if broken:
        first = next(iter(broken.values()))
        say(f"{name}: {len(broken)} of {count} images cannot be read and are left out, as {first}")
    readable = np.ones(count, dtype=bool)
    readable[list(broken)] = False
    return readable


def _move(made: DatasetFolder, target: DatasetFolder) -> None:
    """Move the finished dataset to the folder `target`, where it replaces an older one.

    The older card is deleted first, since its digests are not those of the new files.
    """
    try:
        target.folder.mkdir(parents=True, exist_ok=True)
        for old in (target.card, target.array):
            old.unlink(missing_ok=True)
        if target.shards.exists():
            shutil.rmtree(target.shards)
        for new in (made.shards, made.labels, made.splits, made.originals, made.card):
            if new.exists():  # a dataset without a folder has no list of original files
                os.replace(new, target.folder / new.name)
    except OSError as error:
        raise UserError(
            f"{target.folder}: cannot be written ({error.strerror or error}); fix access, then rerun"
        ) from error
