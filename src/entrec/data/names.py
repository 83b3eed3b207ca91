"""Names of files as text: bytes that are no UTF-8, and characters that would end a line, are written as escapes."""

import os
import re
from collections.abc import Iterable

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # of a terminal, or the end of a line


def shown(path: str | os.PathLike[str]) -> str:
    r"""Return `path` as text that any file and any terminal can hold, in one line: a lone byte 0xE9 becomes `\xe9`.

    The text follows from the bytes of the name alone, in every locale.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names of files in the order of their bytes, which is the same in every locale."""
    return sorted(names, key=os.fsencode)
