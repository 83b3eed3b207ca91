"""Files that have an end: whoever opens a FIFO waits for its writer, and a device may give bytes for ever."""

import errno
import stat
from pathlib import Path


def regular(path: Path) -> Path:
    """Return `path` if it is a file, or a link to one; raises `OSError` otherwise.

    A folder is returned too, since opening one raises an `OSError` of its own.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return path
