"""Prepare a dataset too large for one array: JPEG bytes in Arrow, made once, with labels, parts and a card.

What is finished lies in a folder beside the dataset's until all of it is, and is then moved: the disk holds every image
once, and a preparation that was stopped goes on from its last whole shard. Images that cannot be read end it, or are
left out and counted, as the study says. Mean and deviation are those of at most `MEASURED` training images as stored,
evenly spread over them, each pixel counted alike; the card says how many they are.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import read_json, sha256, write_json
from entrec.data import cifar, folder, imagenet, transfer_sets
from entrec.data.card import describe, write_with_card
from entrec.data.encoding import QUALITY
from entrec.data.official import check_complete
from entrec.data.source import Listing
from entrec.data.splits import TRAIN, check_all_parts, split
from entrec.data.store import SHARD, Shard, total_moments, write_shards
from entrec.errors import UserError
from entrec.settings import Dataset

LISTINGS: dict[str, Callable[[Dataset], Listing]] = {
    "folder": folder.listing,
    "cifar10": cifar.listing,
    "cifar100": cifar.listing,
    "imagenet": imagenet.listing,
    **dict.fromkeys(transfer_sets.SETS, transfer_sets.listing),
}

MEASURED = 50_000  # images; of ImageNet every 24th, which settles means to 1e-3


def prepare_encoded(name: str, spec: Dataset, folder: Path, *, threads: int) -> None:
    """Write `images/`, `labels.npy`, `parts.npy` and last `card.json` into `folder`.

    Raises `UserError` for whatever is wrong with the source; `folder` is then left as it was.
    """
    listing = LISTINGS[spec.source](spec)
    check_complete(name, spec, listing)
    parts = split(listing, spec, name)
    measured = _measured(parts)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    _take_on(unfinished, folder, _plan(listing, parts, spec))
    shards = write_shards(
        listing.images, spec, measured=measured, folder=unfinished / "images", notes=unfinished / "notes",
        threads=threads,
    )  # fmt: skip
    kept = _kept(shards, len(parts), name)
    labels, parts = listing.labels[kept], parts[kept]
    for label, class_name in enumerate(listing.classes):
        check_all_parts(parts[labels == label], class_name, name)
    moments = total_moments(shards)
    card = describe(name, spec, listing, labels, parts, moments.mean, moments.std) | {
        "measured": moments.images,
        "skipped": [fault for shard in shards for fault in shard.broken.values()],
        "bytes": sum(shard.bytes for shard in shards),
        "shards": {f"images/{shard.file}": {"bytes": shard.bytes, "ends": shard.ends} for shard in shards},
    }
    digests = {f"images/{shard.file}": shard.sha256 for shard in shards}
    digests |= {f"images/{path.name}": sha256(path) for path in sorted((unfinished / "images").glob("*.json"))}
    write_with_card(unfinished, {"labels.npy": labels, "parts.npy": parts}, card, others=digests)
    _move(unfinished, folder)
    shutil.rmtree(unfinished)


def _measured(parts: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which images (N,) mean and deviation are made of."""
    train = np.flatnonzero(parts == TRAIN)
    measured = np.zeros(len(parts), dtype=bool)
    measured[train[:: -(-len(train) // MEASURED)]] = True
    return measured


def _plan(listing: Listing, parts: NDArray[np.uint8], spec: Dataset) -> dict[str, Any]:
    """What shards made before must have been made for: the same images, wherever their folder lies by now."""
    digest = hashlib.sha256(listing.labels.tobytes() + parts.tobytes())
    for image in listing.images:
        digest.update(image.name.removeprefix(str(Path(spec.path or ""))).encode() + b"\0")
    made_as = {"short_side": spec.short_side, "colour": spec.colour, "quality": QUALITY, "shard": SHARD}
    return made_as | {"listing": digest.hexdigest()}


def _take_on(unfinished: Path, folder: Path, plan: dict[str, Any]) -> None:
    """Leave what was made for the same plan, but for what a kill left half written; start afresh otherwise.

    Images that `_move` had put in place when it was stopped are taken back.
    """
    images, moved = unfinished / "images", folder / "images"
    if (unfinished / "card.json").exists() and moved.exists() and not images.exists():
        os.replace(moved, images)
    path = unfinished / "plan.json"
    if not path.exists() or read_json(path) != plan:
        shutil.rmtree(unfinished, ignore_errors=True)
        write_json(path, plan)
    for scratch in unfinished.rglob(".*"):
        scratch.unlink()


def _kept(shards: list[Shard], count: int, name: str) -> NDArray[np.bool_]:
    """Which images (N,) of the source are stored; says on stderr how many are not."""
    broken = {row: fault for shard in shards for row, fault in shard.broken.items()}
    if broken:
        first = next(iter(broken.values()))
        print(f"{name}: {len(broken)} of {count} images cannot be read and are left out, as {first}", file=sys.stderr)
    kept = np.ones(count, dtype=bool)
    kept[list(broken)] = False
    return kept


def _move(made: Path, folder: Path) -> None:
    """Put a finished set in an old one's place, whose card goes first since it would not vouch for the new images."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in ("card.json", "images.npy"):
            (folder / old).unlink(missing_ok=True)
        if (folder / "images").exists():
            shutil.rmtree(folder / "images")
        for new in ("images", "labels.npy", "parts.npy", "card.json"):
            os.replace(made / new, folder / new)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror or error}); fix access, then rerun") from error
