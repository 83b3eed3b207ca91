"""The original files of a dataset, which are those that its source reads in the folder `path` of the study.

A prepared dataset holds a list of its original files with their sizes and SHA-256, `originals.csv`. Two more files lie
beside its folder and belong to this machine. `.NAME.seen.json` says for which sizes and times of the files their
contents are known to be those of the list, so that nothing is read again before one of them changes. `.NAME.changed` is
an input of Snakemake's preparation: its time is that at which a change was noticed, and 1970 where there is none.

Sizes and times are compared first. Beside the time of the last change of the content, which programs can set, there is
the time of the last change of the file's entry, which they cannot. Where only times differ, the contents decide: files
that were touched, or that were copied to another machine, are the same files. Nothing here imports torch.
"""

import csv
import hashlib
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from entrec.artefacts import read_json, sha256, write_json, write_text
from entrec.data.class_folders import Identity, entries, identity_of, unreadable
from entrec.data.formats import suffixes
from entrec.data.names import in_order, shown
from entrec.data.source import EncodedImage
from entrec.data.sources.folder import image_files
from entrec.errors import UserError
from entrec.paths import DatasetFolder
from entrec.progress import progress, say
from entrec.settings import Dataset
from entrec.sources import SOURCES

Read = TypeVar("Read")
THREADS = min(8, os.cpu_count() or 1)  # that read files; Python releases its lock while it computes a digest
BATCH = 4096  # files that wait for these threads
NEVER = (0, 0)  # the times of `.NAME.changed` as long as nothing has changed


class Located(Protocol):
    """What is asked of a dataset here: its source, and the folder of its original files if it has one."""

    @property
    def source(self) -> str: ...
    @property
    def path(self) -> str | None: ...


class Place(NamedTuple):
    """A source and its folder, as a card names them."""

    source: str
    path: str | None


class Original(NamedTuple):
    """A file with its path below the dataset's folder, its size in bytes, and its times in nanoseconds."""

    file: str
    bytes: int
    modified: int
    changed: int


class Row(NamedTuple):
    """One row of the list: a file with its path below the dataset's folder, its size in bytes and its SHA-256."""

    file: str
    bytes: int
    sha256: str


def originals(spec: Located) -> list[Original]:
    """Return the original files of a dataset in the order of their names' bytes; none where the folder is missing.

    Raises `UserError` where a folder cannot be read.
    """
    if spec.path is None or not os.path.isdir(spec.path):
        return []
    source = SOURCES[spec.source]
    wanted = suffixes() if source.supply == "own" else None
    found = {file.file: file for file in _below(spec.path, source.reads, wanted)}
    return [found[name] for name in in_order(found)]


def state(files: Iterable[Original]) -> str:
    """Return a digest of the names, sizes and times of files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(b"%s\0%d\0%d\0%d\n" % (os.fsencode(file.file), file.bytes, file.modified, file.changed))
    return digest.hexdigest()


def read_steadily(spec: Dataset, read: Callable[[Dataset], Read]) -> tuple[Read, list[Original]]:
    """Return what `read` returns of a dataset, and the original files, which did not change meanwhile.

    A source may download or extract files when it is first read, and is then read once more. Raises `UserError` where
    the files change again.
    """
    before = originals(spec)
    for _ in range(2):
        made, after = read(spec), originals(spec)
        if after == before:
            return made, after
        before = after
    raise _moving(spec)


def list_of(spec: Located, files: Sequence[Original]) -> str | None:
    """Return the text of the list of `files`, whose contents are read, or None for a dataset that has no folder.

    Raises `UserError` where a file cannot be read, or where the files are no longer those given.
    """
    if spec.path is None:
        return None
    digests = _digests(spec, [file.file for file in files])
    if originals(spec) != list(files):
        raise _moving(spec)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows((file.file, file.bytes, digest) for file, digest in zip(files, digests, strict=True))
    return table.getvalue()


def made_of(images: Iterable[EncodedImage], files: Iterable[Original]) -> str:
    """Return a digest of the sizes and times of the files that hold `images`.

    An image without a file of its own, as one inside a tar, depends on all the original `files` of its dataset.
    """
    whole, digest = state(files).encode(), hashlib.sha256()
    for image in images:
        with suppress(OSError):  # whoever reads the image says that its file is missing
            digest.update(whole if image.file is None else b"%d\0%d\0%d\n" % _content(os.stat(image.file)))
    return digest.hexdigest()


def remember(spec: Located, folder: DatasetFolder, files: Sequence[Original]) -> None:
    """Record that the contents of `files` are those of the list in `folder`."""
    if spec.path is not None:
        write_json(folder.seen, _seen(folder, files))


def changes(spec: Located, folder: DatasetFolder) -> str | None:
    """Return in words how the original files differ from those that the dataset in `folder` was prepared from.

    Returns None where they do not differ, and where there is nothing to compare: no dataset yet, or no original files
    on this machine. Raises `UserError` where a file cannot be read, for a folder that has lost all its files, and for a
    user's folder of which no preparation can be made, as one with a class without images.
    """
    if spec.path is None or not os.path.isdir(spec.path):
        return None
    if SOURCES[spec.source].supply == "own":
        image_files(Path(spec.path))
    if not folder.card.exists():
        return None
    files = originals(spec)
    if not files:
        raise UserError(
            f"{shown(spec.path)}: holds none of the files that {folder.folder} was prepared from; mount its disk, or"
            " remove this empty folder to keep what is prepared"
        )
    if not folder.originals.exists():
        return f"{folder.folder} was prepared without a list of its original files"
    if _is_seen(folder, files):
        return None
    found = _differences(spec, folder, files)
    if found is None:
        with suppress(UserError):  # a folder that others may only read
            remember(spec, folder, files)
    return found


def watched(spec: Located, folder: DatasetFolder) -> list[Path]:
    """Return the input by which Snakemake notices changes: a file that is newer than the dataset if there are any.

    A change is reported on stderr. A dataset without original files has no such input.
    """
    if spec.path is None:
        return []
    found, mark = changes(spec, folder), folder.changed
    if found is not None:
        say(f"{shown(spec.path)}: {found}")
        if not mark.exists() or mark.stat().st_mtime_ns <= folder.card.stat().st_mtime_ns:
            # the text differs each time, because Snakemake also compares it with the one of the last preparation
            write_text(mark, f"{found} ({time.time_ns()})\n")
    elif folder.card.exists() or not mark.exists():
        if not mark.exists():
            write_text(mark, "")
        if mark.stat().st_mtime_ns:
            os.utime(mark, ns=NEVER)
    return [mark]


def verify_originals(spec: Located, folder: DatasetFolder) -> int | None:
    """Compare every byte of the original files with the list in `folder`; returns the number of files.

    Returns None where the files are not on this machine, or were not recorded. Raises `UserError` where they differ.
    """
    files = originals(spec)
    if spec.path is None or not os.path.isdir(spec.path) or not folder.originals.exists():
        return None
    if (found := _differences(spec, folder, files)) is not None:
        raise UserError(f"{shown(spec.path)}: {found}; prepare it again")
    return len(files)


def _differences(spec: Located, folder: DatasetFolder, files: Sequence[Original]) -> str | None:
    """Return in words how `files` differ from the list in `folder`; reads them only where names and sizes agree."""
    rows = _read_list(folder)
    if rows is None:
        return f"{folder.originals} is damaged"
    before, now = {row.file: row for row in rows}, {file.file: file for file in files}
    altered = [name for name in now if name in before and now[name].bytes != before[name].bytes]
    if before.keys() == now.keys() and not altered:
        digests = _digests(spec, list(now))
        altered = [name for name, digest in zip(now, digests, strict=True) if digest != before[name].sha256]
    kinds = {
        "added": [name for name in now if name not in before],
        "removed": [name for name in before if name not in now],
        "altered": altered,
    }
    said = [f"{len(names)} {kind} ({_few(names)})" for kind, names in kinds.items() if names]
    return f"{', '.join(said)} since {folder.folder} was prepared" if said else None


def _few(names: Sequence[str]) -> str:
    first = shown(names[0])
    return first if len(names) == 1 else f"{first} and {len(names) - 1} more"


def _is_seen(folder: DatasetFolder, files: Sequence[Original]) -> bool:
    try:
        return folder.seen.exists() and read_json(folder.seen) == _seen(folder, files)
    except UserError:  # damaged: the contents are compared, and it is written again
        return False


def _seen(folder: DatasetFolder, files: Sequence[Original]) -> dict[str, str]:
    return {"files": state(files), "list": sha256(folder.originals)}


def _read_list(folder: DatasetFolder) -> list[Row] | None:
    """Return the rows of the list in `folder`, or None where it is damaged."""
    try:
        with folder.originals.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.reader(file)
            next(rows)
            return [Row(name, int(size), digest) for name, size, digest in rows]
    except (ValueError, StopIteration, csv.Error):
        return None


def _digests(spec: Located, names: Sequence[str]) -> list[str]:
    """Return the SHA-256 of the files `names` below the dataset's folder, which several threads read."""
    root = spec.path or ""
    paths = [os.path.join(root, name) for name in names]
    with ThreadPoolExecutor(THREADS) as pool:
        parts = (paths[start : start + BATCH] for start in range(0, len(paths), BATCH))
        found = chain.from_iterable(pool.map(_digest, part) for part in parts)
        return [next(found) for _ in progress(paths, f"digests of {shown(root)}")]


def _digest(path: str) -> str:
    try:
        return sha256(Path(path))
    except OSError as error:
        raise unreadable(path, error) from error


def _below(root: str, reads: Sequence[str], wanted: frozenset[str] | None) -> Iterator[Original]:
    """Yield the files of `root` whose suffix is among `wanted`, or all files; hidden ones are left out.

    Links are followed, each folder is read once, and only what `reads` names in `root` is read if it names anything.
    """
    folders, seen = [""], set[Identity]()
    while folders:
        below = folders.pop()
        folder = os.path.join(root, below)
        if (identity := identity_of(folder)) in seen:  # it was reached through another link
            continue
        seen.add(identity)
        inner = []
        for entry in entries(folder):
            name = os.path.join(below, entry.name)
            if entry.name.startswith(".") or (reads and not below and name not in reads):
                continue
            with suppress(OSError):  # a link that leads nowhere, or a file that was just deleted
                if entry.is_dir():
                    inner.append(name)
                elif entry.is_file() and (wanted is None or os.path.splitext(name)[1].lower() in wanted):
                    yield Original(name, *_content(entry.stat()))
        folders += reversed(inner)


def _content(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _moving(spec: Located) -> UserError:
    return UserError(f"{shown(spec.path or '')}: its files change while they are read; rerun when they are complete")
