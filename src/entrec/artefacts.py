"""Reading and writing of files. A file is written beside its place, flushed, then moved: it is whole or not there.

The scratch file beside `NAME` is `.NAME.HOST-PID.scratch`. A process that is killed leaves its scratch files; the next
process that writes into their folder removes them. Git and DVC ignore the name.
"""

import csv
import fcntl
import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from entrec.errors import UserError
from entrec.regular import regular

# Whether a process of another machine still lives cannot be seen; its scratch file is removed after so many seconds
# without a change.
ABANDONED_AFTER = 24 * 3600


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`; on success it replaces `path`, which otherwise stays as it was."""
    with replacing_all([path]) as (scratch,):
        yield scratch


@contextmanager
def replacing_all(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield a scratch path beside each of `paths`; on success they replace `paths`, on failure they are removed.

    Nothing is moved before every scratch file is on disk: a disk that is full or not writable leaves all `paths` as
    they were. The files are moved one by one in the order given, so that a file which proves the others complete comes
    last. Raises `UserError` when a file cannot be written or moved.
    """
    scratches = [path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.scratch") for path in paths]
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(path.parent.resolve())
        yield scratches
        for scratch in scratches:
            with scratch.open("rb") as file:
                os.fsync(file.fileno())
        for scratch, path in zip(scratches, paths, strict=True):
            os.replace(scratch, path)
    except OSError as error:
        raise UserError(
            f"{', '.join(map(str, paths))}: cannot be written ({error.strerror or error}); "
            "free space or fix access, then rerun"
        ) from error
    finally:
        for scratch in scratches:
            with suppress(OSError):  # it may not exist, nor its folder
                scratch.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically; raises `UserError` as `replacing_all` does."""
    with replacing(path) as scratch:
        scratch.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` in UTF-8 to `path` atomically."""
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON atomically; raises `ValueError` for NaN and infinity, which JSON does not have."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the contents of a JSON file; raises `UserError` when it is missing, not readable or damaged."""
    try:
        return json.loads(regular(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; rerun the step that makes it") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); fix access, then rerun") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON ({error}); delete it and rerun the step that makes it") from error


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str] = ()) -> None:
    """Write `rows` as CSV atomically: first `columns`, then the other keys of the rows in order of appearance."""
    rows = list(rows)
    columns = list(dict.fromkeys([*columns, *(key for row in rows for key in row)]))
    with replacing(path) as scratch, scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def writable_folder(folder: Path) -> Path:
    """Return `folder`, which is made where it is missing; raises `UserError` unless files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror}); fix access or choose another place"
        ) from error


def writable_file(path: Path) -> Path:
    """Return `path`, whose folder is made where it is missing; raises `UserError` unless it can be a file."""
    if path.is_dir():
        raise UserError(f"{path}: a folder; this is to be a file")
    writable_folder(path.parent)
    return path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with regular(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made where it is missing, for this process; the hold ends with the block or the process.

    Raises `UserError` where another process holds it.
    """
    with _hold(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made where it is missing, as `alone_in` does, once no other process holds it."""
    with _hold(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def _hold(folder: Path, operation: int) -> Iterator[None]:
    busy = UserError(f"{folder}: another process is at work there; wait until it has ended, or stop it")
    with ExitStack() as stack:
        with suppress(OSError):  # a folder that cannot be made or read is a fault that the block will meet
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, operation)
            except BlockingIOError:
                raise busy from None
            except OSError:  # a file system that has no locks, as some that several machines share
                pass
            else:
                if not folder.exists() or not os.path.samestat(os.fstat(descriptor), folder.stat()):
                    raise busy  # which has just removed it
        yield


@cache  # once in a process, since a folder may be large and on a slow disk
def _remove_abandoned(folder: Path) -> None:
    """Remove the scratch files that killed processes left in `folder`."""
    for scratch in folder.glob(".*.scratch"):
        with suppress(OSError):  # another process may have removed it, and what cannot be removed does no harm
            if _abandoned(scratch):
                scratch.unlink()


def _abandoned(scratch: Path) -> bool:
    """Return whether the process that wrote a scratch file has ended."""
    own = re.search(rf"\.{re.escape(platform.node())}-(\d+)\.scratch$", scratch.name)
    if own is None:
        return time.time() - scratch.stat().st_mtime > ABANDONED_AFTER
    try:
        os.kill(int(own[1]), 0)  # sends nothing
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False  # it lives and belongs to another user
    return False
