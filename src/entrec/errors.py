"""The errors that the command line shows as one line instead of a traceback."""

import re
from collections.abc import Iterable

WIDEST = 80  # characters of a value in a message
MOST_NAMES = 50  # in a list of what is allowed


class UserError(ValueError):
    """A mistake of the user or a fault outside the program; its text says the file or key, the value and the remedy.

    It is one line, or one line for each fault where a file of settings has several.
    """


class Missing(UserError):
    """A result that is not there, which is no damage: a command makes it."""


class Outdated(UserError):
    """A result that is whole, and was made with other settings, templates or published results than today's."""


class Interrupted(UserError):
    """The end of work that a signal asked to stop; what was done is saved."""


def shown(value: object) -> str:
    """Return a value as messages show it: on one line, and cut where it is long."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else cut(repr(value))


def cut(text: str, *, widest: int = WIDEST) -> str:
    """Return the beginning of a text that is too long for a message, and any other text as it is."""
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


def one_line(text: str, *, widest: int = WIDEST) -> str:
    """Return a text on one line: characters that cannot be printed as their escapes, and cut where it is long."""
    return cut("".join(c if c.isprintable() else repr(c)[1:-1] for c in text), widest=widest)


def listed(names: Iterable[object], *, most: int = MOST_NAMES) -> str:
    """Return names as messages list them: each cut where it is long, and at most `most` of them."""
    every = list(names)
    first = ", ".join(one_line(str(name)) for name in every[:most])
    return first if len(every) <= most else f"{first} and {len(every) - most} more"


def said(error: UserError) -> str:
    """Return what the program says of a mistake: every line begins with its name."""
    return "\n".join(f"entrec: {line}" for line in str(error).split("\n"))


def check_printable(name: object) -> None:
    """Raise `UserError` for a name that no message and no file of results can hold: control characters, bytes."""
    if re.search("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", str(name)):
        raise UserError(f"{shown(str(name))}: it has control characters, or bytes that are not UTF-8; rename it")
