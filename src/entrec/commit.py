"""The commit of the code that runs: results record it, and `entrec --version` says it."""

import subprocess
from pathlib import Path
from typing import NamedTuple

# what a computation and its publication write: nothing is computed from these files
RECORDS = ("record", "**/dvc.lock", "reports/published")


class Commit(NamedTuple):
    """A commit, and whether tracked files other than `RECORDS` were changed since; None where git cannot say it."""

    commit: str | None
    dirty: bool | None

    def __str__(self) -> str:
        if self.commit is None:
            return "commit unknown"
        return f"commit {self.commit}{' with changes' if self.dirty else ''}"


def commit_of(folder: Path) -> Commit:
    """Return the commit of the repository that `folder` lies in."""
    commit = _git(folder, "rev-parse", "HEAD")
    others = [f":(top,exclude,glob){path}" for path in RECORDS]
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ":(top)", *others)
    return Commit(commit, None if commit is None or changes is None else bool(changes))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        # without optional locks: a killed `git status` would leave index.lock, which stops the user's next commit
        command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
