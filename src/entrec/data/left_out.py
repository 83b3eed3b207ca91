"""Files of a user's folder that are left out: they are counted and said, never passed over in silence."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from entrec.data.names import shown
from entrec.progress import say
from entrec.results import LeftOut

RECORDED, SAID = 10, 3  # names that a card and a message give of the files that are left out for one reason


class Unused(NamedTuple):
    """A file that is left out, or a folder that is not read, and why."""

    path: str
    reason: str


def summary(unused: Sequence[Unused], root: Path) -> dict[str, LeftOut]:
    """Return, for each reason, how many files below `root` are left out, and the first of their names."""
    paths: dict[str, list[str]] = {}
    for path, reason in unused:
        paths.setdefault(reason, []).append(path)
    return {
        reason: LeftOut(count=len(found), first=tuple(shown(os.path.relpath(path, root)) for path in found[:RECORDED]))
        for reason, found in sorted(paths.items())
    }


def said(left_out: Mapping[str, LeftOut]) -> str:
    """Return how many files are left out and why, in one phrase: "3 (hidden: a/.x; no suffix of an image: y, z)"."""
    names = {reason: ", ".join(group.first[:SAID]) for reason, group in left_out.items()}
    more = {reason: f" and {group.count - SAID} more" for reason, group in left_out.items() if group.count > SAID}
    groups = "; ".join(f"{reason}: {names[reason]}{more.get(reason, '')}" for reason in left_out)
    return f"{sum(group.count for group in left_out.values())} ({groups})"


def report(name: str, left_out: Mapping[str, LeftOut]) -> None:
    """Say on stderr what is left out of the dataset `name`, in one line, if anything is."""
    if left_out:
        say(f"{name}: files left out: {said(left_out)}")
