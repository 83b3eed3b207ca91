"""Encoded images on disk: Arrow shards that `datasets` writes and maps, made so that a preparation can be resumed.

`datasets.load_from_disk` opens the folder; its column is `image`. Shards are written one after another, the images of a
shard by several threads, since Pillow releases the interpreter lock while it decodes and encodes. A sidecar, written
after its shard, holds the shard's SHA-256 and says which files its images were; matching shards are reused.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from entrec.artefacts import read_json, replacing, sha256, write_json
from entrec.data.decoding import Unreadable, colours, total
from entrec.data.encoding import encoded
from entrec.data.moments import NOTHING, Moments, moments
from entrec.data.source import EncodedImage
from entrec.errors import UserError
from entrec.progress import progress
from entrec.results import digest_of
from entrec.settings import Dataset

if TYPE_CHECKING:
    from pyarrow import ChunkedArray

SHARD = 4096  # images, and so the most that a stopped preparation makes again
END = 1 << 16  # bytes at either end of a shard whose digest is compared at every opening


@dataclass(frozen=True)
class Shard:
    """What is known of a finished shard: its sidecar's content.

    `ends` is the digest of the file's two ends, and `origin` that of the sizes and times of its images' own files.
    `broken` says why images are left out, by their number in the source.
    `conversions` counts the images whose pixels needed one, by its name.
    """

    file: str
    bytes: int
    sha256: str
    ends: str
    origin: str
    broken: dict[int, str]
    conversions: dict[str, int]
    moments: Moments


class Stored(NamedTuple):
    """An image to store, the conversions that it needed and, if it is measured, its moments; or why it is not read."""

    content: bytes
    conversions: tuple[str, ...]
    moments: Moments
    fault: str = ""


def write_shards(
    images: Sequence[EncodedImage], spec: Dataset, *, measured: NDArray[np.bool_], folder: Path, sidecars: Path,
    threads: int, origin: Callable[[Sequence[EncodedImage]], str],
) -> list[Shard]:  # fmt: skip
    """Write the `images` to shards in `folder` and their sidecars to `sidecars`, reusing finished shards.

    `origin` returns a digest that changes with the files of some images; a shard is reused only where it is the same.
    Moments are those of the images `measured` (N,), as stored. Raises `UserError` for an image that cannot be read,
    unless the study skips such images.
    """
    count = -(-len(images) // SHARD)
    files = [f"data-{number:05d}-of-{count:05d}.arrow" for number in range(count)]
    origins = [origin(images[start : start + SHARD]) for start in range(0, len(images), SHARD)]
    shards = list(_finished(files, origins, folder, sidecars, skip=spec.broken == "skip"))
    rows = range(min(len(shards) * SHARD, len(images)), len(images))
    batch: list[Stored] = []
    made: Iterator[Stored] = iter(())

    def encode(row: int) -> Stored:
        return _encode(images[row], spec, measured=bool(measured[row]))

    with ThreadPoolExecutor(threads) as pool:
        for row in progress(rows, f"images of {spec.source}", start=rows.start):
            if row % SHARD == 0:
                made = pool.map(encode, range(row, min(row + SHARD, len(images))))
            batch.append(next(made))
            if len(batch) == SHARD or row + 1 == len(images):
                number, start = len(shards), row + 1 - len(batch)
                shards.append(_write_shard(folder / files[number], sidecars, batch, start, origins[number]))
                batch = []
    _describe(folder, shards)
    return shards


def total_moments(shards: Sequence[Shard]) -> Moments:
    """Return the moments of all measured images."""
    return reduce(add, (shard.moments for shard in shards), NOTHING)


def total_conversions(shards: Sequence[Shard]) -> dict[str, int]:
    """Return how many of all images needed each conversion."""
    return dict(reduce(add, (Counter(shard.conversions) for shard in shards), Counter()))


class Rows(Sequence[bytes]):
    """Encoded images by number, mapped from disk; any number of threads may read at once."""

    def __init__(self, column: "ChunkedArray") -> None:
        self.column = column

    def __len__(self) -> int:
        return len(self.column)

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> list[bytes]: ...
    def __getitem__(self, row: int | slice) -> bytes | list[bytes]:
        found = self.column[row]
        return found.to_pylist() if isinstance(row, slice) else found.as_py()


def open_rows(folder: Path) -> Rows:
    """Return the images of a folder of shards; each is read from disk when it is asked for."""
    from datasets import load_from_disk  # imported here because it takes a second, and arrays do not need it

    return Rows(image_column(load_from_disk(str(folder)), "bytes"))


def image_column(dataset: Any, field: Literal["bytes", "path"]) -> "ChunkedArray":
    """Return a column of a `datasets.Dataset` of images: the encoded bytes of each, or the path that it had."""
    column = dataset.data.column("image")
    return column.flatten()[column.type.get_field_index(field)]


def digest_of_ends(path: Path) -> str:
    """Return the SHA-256, in hexadecimal, of the first and last `END` bytes of a file."""
    with path.open("rb") as file:
        first = file.read(END)
        file.seek(max(0, path.stat().st_size - END))
        return hashlib.sha256(first + file.read()).hexdigest()


def _finished(
    files: Sequence[str], origins: Sequence[str], folder: Path, sidecars: Path, *, skip: bool
) -> Iterator[Shard]:
    """Yield the finished shards, up to the first that is missing or whose digests are not those in its sidecar.

    A shard that leaves out broken images counts as finished only where the study is to `skip` such images.
    """
    for file, origin in zip(files, origins, strict=True):
        path, sidecar = folder / file, sidecars / f"{file}.json"
        if not path.exists():
            return
        values = _read_sidecar(sidecar)
        if values is None or values["origin"] != origin or sha256(path) != values["sha256"]:
            return
        if values["broken"] and not skip:
            return
        broken = {int(row): fault for row, fault in values["broken"].items()}
        yield Shard(**values | {"broken": broken, "moments": Moments.read(values["moments"])})


def _read_sidecar(path: Path) -> dict[str, Any] | None:
    """Return what a sidecar says, or None where it is missing or its digest is not that of its contents."""
    try:
        values = read_json(path)
    except UserError:
        return None
    return values if isinstance(values, dict) and values.pop("digest", "") == digest_of(values) else None


def _encode(image: EncodedImage, spec: Dataset, *, measured: bool) -> Stored:
    try:
        read = image.read()
    except OSError as error:  # a fault of the disk, which may pass, and not of the image, so it is never skipped
        raise UserError(
            f"{image.name}: cannot be read from disk ({error.strerror or error}); fix access, then rerun"
        ) from error
    try:
        content, conversions = encoded(read, spec.short_side or 0)
        return Stored(content, conversions, moments(colours(content), spec.colour) if measured else NOTHING)
    except Unreadable as error:
        if spec.broken == "fatal":
            advice = "repair or remove it, or leave such images out with `broken: skip`"
            raise UserError(f"{image.name}: cannot be read as an image ({error}); {advice}") from error
        return Stored(b"", (), NOTHING, f"{image.name}: {error}")


def _write_shard(path: Path, sidecars: Path, batch: Sequence[Stored], start: int, origin: str) -> Shard:
    """Write one file of the images that could be read, and then its sidecar; `start` is the first image's number."""
    from datasets import Features
    from datasets import Image as ImageFeature
    from datasets.arrow_writer import ArrowWriter

    column = Features({"image": ImageFeature()})
    with replacing(path) as scratch, ArrowWriter(path=str(scratch), features=column) as writer:
        for image in batch:
            if not image.fault:
                writer.write({"image": {"bytes": image.content, "path": None}})
        writer.finalize()
    shard = Shard(
        file=path.name,
        bytes=path.stat().st_size,
        sha256=sha256(path),
        ends=digest_of_ends(path),
        origin=origin,
        broken={start + i: image.fault for i, image in enumerate(batch) if image.fault},
        conversions=total(image.conversions for image in batch),
        moments=reduce(add, (image.moments for image in batch), NOTHING),
    )
    write_json(sidecars / f"{path.name}.json", asdict(shard) | {"digest": digest_of(asdict(shard))})
    return shard


def _describe(folder: Path, shards: Sequence[Shard]) -> None:
    """Write the two files by which `datasets.load_from_disk` recognises a folder."""
    state: dict[str, Any] = {
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
    }
    content = hashlib.sha256("".join(shard.sha256 for shard in shards).encode()).hexdigest()
    named = {"_data_files": [{"filename": shard.file} for shard in shards], "_fingerprint": content[:16]}
    write_json(folder / "state.json", state | named | {"_split": None})
    write_json(folder / "dataset_info.json", {"features": {"image": {"_type": "Image"}}})
