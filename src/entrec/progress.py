"""What a step says on stderr: single lines, and its progress as a bar on a terminal or as lines in a log."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0
CONCLUSION = "result: "  # begins the line of a log that says what a step has found


def say(text: str) -> None:
    """Write a text and the end of its line to stderr in one piece, so that lines of several processes do not mix.

    `print` and `sys.exit` write the end of a line by itself where Python does not buffer its output.
    """
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def conclude(text: str) -> None:
    """Say what the step has found. Snakemake's line about the job repeats it (`snakemake_logger_plugin_entrec`)."""
    say(f"{CONCLUSION}{text}")


def conclusion_of(log: Path) -> str | None:
    """Return what a step has concluded in its log; None where it has concluded nothing, or there is no log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    said = [line.removeprefix(CONCLUSION) for line in lines if line.startswith(CONCLUSION)]
    return ", ".join(said) or None


def progress(items: Iterable[T], description: str, *, start: int = 0) -> Iterator[T]:
    """Yield `items` and report the progress on stderr; `start` items were done before."""
    total = start + len(items) if isinstance(items, Sized) else None
    if sys.stderr.isatty():
        yield from tqdm(items, desc=description, total=total, initial=start, leave=False)
    else:
        yield from _with_lines(items, description, start, total)


def _with_lines(items: Iterable[T], description: str, start: int, total: int | None) -> Iterator[T]:
    began = last = time.monotonic()
    done = start
    for done, item in enumerate(items, start=start + 1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            say(f"{description}: {done}/{total or '?'}, {now - began:.0f} s")
    say(f"{description}: {done}/{total or done} done in {time.monotonic() - began:.1f} s")
