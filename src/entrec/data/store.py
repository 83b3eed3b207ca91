"""Encoded images on disk: Arrow shards that `datasets` writes and maps, made so that a stopped preparation goes on.

The folder is one that `datasets.load_from_disk` opens, with a column `image`. Shards are made one after another; the
images of a shard by several threads, since Pillow lets go of the interpreter while it decodes and encodes. A shard's
note is written after it and vouches for it: whoever finds both takes the shard over after a check of its digest.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from entrec.artefacts import read_json, replacing, sha256, write_json
from entrec.data.encoding import UNREADABLE, kept
from entrec.data.faults import reason
from entrec.data.moments import NOTHING, Moments, moments
from entrec.data.source import Entry
from entrec.errors import UserError
from entrec.progress import progress
from entrec.settings import Dataset

if TYPE_CHECKING:
    from pyarrow import ChunkedArray

SHARD = 4096  # images; what a stopped preparation makes again at most
END = 1 << 16  # bytes at either end of a shard that opening looks at


@dataclass(frozen=True)
class Shard:
    """What is known of a finished shard. `broken` says of images left out, by number in the source, what they lack."""

    file: str
    bytes: int
    sha256: str
    ends: str
    broken: dict[int, str]
    moments: Moments


class Kept(NamedTuple):
    """An image to store and, if it was asked for, its moments; or why it cannot be read."""

    content: bytes
    moments: Moments
    fault: str = ""


def write_shards(
    entries: Sequence[Entry], spec: Dataset, *, measured: NDArray[np.bool_], folder: Path, notes: Path, threads: int
) -> list[Shard]:  # fmt: skip
    """Write `entries` to shards in `folder` and their notes to `notes`, taking over what is there already.

    Moments are those of the images `measured` (N,), as stored. Raises `UserError` for an image that cannot be read,
    unless the study skips such.
    """
    count = -(-len(entries) // SHARD)
    files = [f"data-{number:05d}-of-{count:05d}.arrow" for number in range(count)]
    shards = list(_finished(files, folder, notes, skip=spec.broken == "skip"))
    rows = range(min(len(shards) * SHARD, len(entries)), len(entries))
    batch: list[Kept] = []
    made: Iterator[Kept] = iter(())

    def keep(row: int) -> Kept:
        return _keep(entries[row], spec, measured=bool(measured[row]))

    with ThreadPoolExecutor(threads) as pool:
        for row in progress(rows, f"images of {spec.source}", start=rows.start):
            if row % SHARD == 0:
                made = pool.map(keep, range(row, min(row + SHARD, len(entries))))
            batch.append(next(made))
            if len(batch) == SHARD or row + 1 == len(entries):
                shards.append(_write_shard(folder / files[len(shards)], notes, batch, row + 1 - len(batch)))
                batch = []
    _describe(folder, shards)
    return shards


def total_moments(shards: Sequence[Shard]) -> Moments:
    """Those of all measured images."""
    return reduce(add, (shard.moments for shard in shards), NOTHING)


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
    """The images of a folder of shards, without reading them."""
    from datasets import load_from_disk  # here: takes a second to import, and arrays do without

    return Rows(image_column(load_from_disk(str(folder)), "bytes"))


def image_column(dataset: Any, field: Literal["bytes", "path"]) -> "ChunkedArray":
    """Of a `Dataset` with a column `image`, the encoded bytes of each or the path that it had."""
    column = dataset.data.column("image")
    return column.flatten()[column.type.get_field_index(field)]


def digest_of_ends(path: Path) -> str:
    """Hex digest of the first and last `END` bytes of a file."""
    with path.open("rb") as file:
        first = file.read(END)
        file.seek(max(0, path.stat().st_size - END))
        return hashlib.sha256(first + file.read()).hexdigest()


def _finished(files: Sequence[str], folder: Path, notes: Path, *, skip: bool) -> Iterator[Shard]:
    """The shards made before, up to the first that is missing or not what its note says.

    One that leaves out broken images counts as made only where the study is to `skip` such.
    """
    for file in files:
        path, note = folder / file, notes / f"{file}.json"
        if not (path.exists() and note.exists()):
            return
        values = read_json(note)
        if sha256(path) != values["sha256"] or (values["broken"] and not skip):
            return
        broken = {int(row): fault for row, fault in values["broken"].items()}
        yield Shard(**values | {"broken": broken, "moments": Moments.read(values["moments"])})


def _keep(entry: Entry, spec: Dataset, *, measured: bool) -> Kept:
    try:
        read = entry.read()
    except OSError as error:  # a fault of the disk, which may pass, and not of the image: never skipped
        raise UserError(
            f"{entry.name}: cannot be read from disk ({error.strerror or error}); mend that, then rerun"
        ) from error
    try:
        content = kept(read, spec.short_side or 0)
        return Kept(content, _moments(content, spec) if measured else NOTHING)
    except UNREADABLE as error:
        if spec.broken == "fatal":
            advice = "repair or remove it, or leave such out with `broken: skip`"
            raise UserError(f"{entry.name}: cannot be read as an image ({reason(error)}); {advice}") from error
        return Kept(b"", NOTHING, f"{entry.name}: {reason(error)}")


def _moments(content: bytes, spec: Dataset) -> Moments:
    with Image.open(io.BytesIO(content)) as image:
        return moments(np.asarray(image.convert("RGB")), spec.colour)


def _write_shard(path: Path, notes: Path, batch: Sequence[Kept], start: int) -> Shard:
    """One file of the images that could be read, flushed and moved into place, then its note."""
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
        broken={start + i: image.fault for i, image in enumerate(batch) if image.fault},
        moments=reduce(add, (image.moments for image in batch), NOTHING),
    )
    write_json(notes / f"{path.name}.json", asdict(shard))
    return shard


def _describe(folder: Path, shards: Sequence[Shard]) -> None:
    """The two files by which `datasets.load_from_disk` knows a folder."""
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
