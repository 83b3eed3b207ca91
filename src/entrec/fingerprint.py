"""The fingerprint of the code that computes results: it tells whether a result was made by today's code.

Every step computes it, so that it must not take long. This module imports neither torch nor pandas.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

PACKAGE = Path(__file__).parent
Study = Literal["pretraining", "theory"]
# A change of these alters no number.
NOT_COMPUTING = {"report", "plan", "pipeline", "commands", "__main__.py", "results"}
# Pretraining depends on everything else, so that no new module is forgotten; the theory studies depend on little.
NOT_PRETRAINING = {"theory"}
THEORY = {"theory", "information", "arithmetic.py"} | {
    f"training/{name}.py" for name in ("checkpoint", "device", "eager", "interruption", "schedule")
}
# Python's own tokeniser and parser take twenty times as long as these expressions. A test compares the two.
STRING_OR_COMMENT = re.compile(
    r"""(?P<quotes>\"{3}|'{3}) (?:\\.|(?!(?P=quotes)).)* (?P=quotes)  # a string over several lines
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'  # a string within a line
    | \#[^\n]*""",
    re.DOTALL | re.VERBOSE,
)
DOCSTRING = re.compile(r"""(?:\A|(?<=:\n))\ *r?\"{3} (?:\\.|(?!\"{3}).)* \"{3} (?:\n|\Z)""", re.DOTALL | re.VERBOSE)


@lru_cache
def fingerprint(study: Study) -> str:
    """Return a digest of the code that computes a study, which are the modules that `computes` names.

    Docstrings and comments do not enter.
    """
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE).as_posix()
        if computes(relative, study):
            digest.update(f"{relative}\n{bare(path.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()[:16]


def computes(module: str, study: Study) -> bool:
    """Return whether an edit of `module`, a path within the package, can alter a number of that study."""
    part = module.split("/")[0]
    if study == "theory":
        return part in THEORY or module in THEORY
    return part not in NOT_COMPUTING | NOT_PRETRAINING


def bare(source: str) -> str:
    """Return the source without docstrings, comments and blank lines; every Python version returns the same.

    A docstring has three double quotes, and the line before it ends with a colon.
    """
    without_comments = STRING_OR_COMMENT.sub(lambda found: "" if found[0].startswith("#") else found[0], source)
    lines = (line.rstrip() for line in without_comments.splitlines())
    return DOCSTRING.sub("", "\n".join(line for line in lines if line)).rstrip("\n")
