"""Folders that hold one folder of images for each class: which files are images, and why all others are left out.

As in torchvision's `ImageFolder`, the images of a class are those in its folder and in all folders below, in the order
of their folders and then of their names; links are followed. Unlike there, names are ordered as bytes, which is one
order everywhere, and a folder that was read before in the same set is left out: no circle of links is endless, and no
link puts a folder into two classes or into two splits.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entrec.data.formats import suffixes
from entrec.data.left_out import Unused, said, summary
from entrec.data.names import in_order, shown
from entrec.data.source import EncodedImage
from entrec.errors import UserError

HIDDEN = "hidden"
SUFFIX = "no suffix of an image"
NO_FILE = "no regular file"  # a FIFO, a socket or a device, which may block whoever opens it
LINK = "a link that cannot be followed"
AGAIN = "a folder that is read already"
NO_CLASS = "an image in no class folder"

Identity = tuple[int, int]


class ByClass(NamedTuple):
    """The images of some folders of class folders, one folder after another, and the files that are no such images.

    `labels` (N,) are indices into `classes`, which are in the order of their bytes. `sizes` says how many images each
    of the folders has, and `deeper` how many images lie in folders below that of their class.
    """

    paths: list[str]
    labels: NDArray[np.int64]
    classes: list[str]
    sizes: list[int]
    deeper: int
    unused: list[Unused]

    @property
    def images(self) -> list[EncodedImage]:
        """The images, each of which is read when its `read` is called."""
        return [EncodedImage.of_file(path) for path in self.paths]


def by_class(folders: Sequence[Path]) -> ByClass:
    """List the images of `folders`, each of which holds one folder for each class; no file is opened.

    Raises `UserError` for a folder that is missing or cannot be read, for a class without images, and for one of
    `folders` whose classes are not those of the first.
    """
    roots = [folder.resolve() for folder in folders]
    seen = {identity_of(str(above)) for root in roots for above in (root, *root.parents) if above.exists()}
    unused: list[Unused] = []
    listed = [_files_by_class(folder, seen, unused) for folder in folders]
    names = list(listed[0])
    for folder, files in zip(folders, listed, strict=True):
        if list(files) != names:
            first, odd = shown(folders[0]), few(set(names) ^ set(files))
            raise UserError(
                f"{shown(folder)}: its classes are not those of {first} (different: {odd}); make them equal"
            )
    homes = {os.path.join(folder, name) for folder in folders for name in names}
    paths = [path for files in listed for name in names for path in files[name]]
    labels = [label for files in listed for label, name in enumerate(names) for _ in files[name]]
    return ByClass(
        paths=paths,
        labels=np.array(labels, dtype=np.int64),
        classes=[shown(name) for name in names],
        sizes=[sum(map(len, files.values())) for files in listed],
        deeper=sum(os.path.dirname(path) not in homes for path in paths),
        unused=unused,
    )


def few(names: set[str]) -> str:
    """Return at most five of the names, in order, and how many more there are."""
    first = map(shown, in_order(names)[:5])
    return ", ".join(first) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder, in the order of the names' bytes; raises `UserError` where it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise unreadable(folder, error) from error


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether `entry` is a folder that is not hidden, or a link to a folder."""
    return _leads_to_folder(entry) and not _is_hidden(entry)


def files_below(entry: os.DirEntry[str], reason: str) -> list[Unused]:
    """Return the entry, or all files below it where it is a folder, as left out for the `reason`; follows no links."""
    if not entry.is_dir(follow_symlinks=False):
        return [Unused(entry.path, reason)]
    below = ((here, name) for here, _, names in os.walk(entry.path) for name in in_order(names))
    return [Unused(os.path.join(here, name), reason) for here, name in below]


def _files_by_class(root: Path, seen: set[Identity], unused: list[Unused]) -> dict[str, list[str]]:
    """Return the paths of the images of each class of `root`, and add to `unused` the files that are no such images."""
    if not root.is_dir():
        raise UserError(f"{shown(root)}: no such folder; give one folder of images for each class under it")
    found = entries(str(root))
    folders = [entry for entry in found if is_folder(entry)]
    if not folders:
        raise UserError(f"{shown(root)}: holds no class folders; give one folder of images for each class under it")
    for entry in found:
        if entry not in folders:
            unused += files_below(entry, _fault(entry) or NO_CLASS)
    return {folder.name: _images(folder.path, seen, unused) for folder in folders}


def _images(folder: str, seen: set[Identity], unused: list[Unused]) -> list[str]:
    """Return the paths of the images in `folder` and in all folders below, real folders before those behind links."""
    images: dict[str, list[str]] = {}
    left: list[Unused] = []
    folders, links = [folder], list[str]()
    while folders or links:
        here = folders.pop() if folders else links.pop(0)
        if (identity := identity_of(here)) in seen:
            left.append(Unused(here, AGAIN))
            continue
        seen.add(identity)
        images[here] = []
        for entry in entries(here):
            if is_folder(entry):
                (links if entry.is_symlink() else folders).append(entry.path)
            elif reason := _fault(entry):
                left += files_below(entry, reason)
            else:
                images[here].append(entry.path)
    if not any(images.values()):
        others = f"; files left out: {said(summary(left, Path(folder)))}" if left else ""
        raise UserError(f"{shown(folder)}: no images{others}; add some or remove this class")
    unused += left
    return [path for here in in_order(images) for path in images[here]]


def _fault(entry: os.DirEntry[str]) -> str | None:
    """Return why an entry is neither a folder nor an image, or None for an image."""
    if _is_hidden(entry):
        return HIDDEN
    try:
        if not entry.is_file():
            return NO_FILE if os.path.exists(entry.path) else LINK
    except OSError:  # a circle of links, or a link into a folder that cannot be read
        return LINK
    return None if os.path.splitext(entry.name)[1].lower() in suffixes() else SUFFIX


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".") or entry.name == "__MACOSX"  # which archives from another system hold


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # as above
        return False


def identity_of(folder: str) -> Identity:
    """Return what tells a folder from all others, whatever links lead to it; raises `UserError` where it is missing."""
    try:
        status = os.stat(folder)
    except OSError as error:
        raise unreadable(folder, error) from error
    return status.st_dev, status.st_ino


def unreadable(path: str, error: OSError) -> UserError:
    """Return the error that says why a file or a folder cannot be read."""
    return UserError(f"{shown(path)}: cannot be read ({error.strerror}); fix access, then rerun")
