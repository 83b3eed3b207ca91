"""The user's own images: a folder of images for each class, optionally below folders of the splits.

The splits are those of the makers where a folder for training stands beside one for validation or for testing. Their
names are those of `SPLIT_FOLDERS` in any case. Images of a split that has no folder are taken from the training images.
"""

from pathlib import Path

import numpy as np

from entrec.data.class_folders import ByClass, by_class, entries, files_below, is_folder
from entrec.data.decoding import Decoded, Unreadable, decoded, total
from entrec.data.left_out import summary
from entrec.data.names import shown
from entrec.data.pixels import central_square
from entrec.data.source import EncodedImage, Listing, Loaded
from entrec.errors import UserError
from entrec.progress import say
from entrec.settings import Dataset

SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
NO_SPLIT = "beside the folders of the splits"


def load(spec: Dataset) -> Loaded:
    """Return the images of `listing`, each cut to its central square and resized to `spec.size`.

    Raises `UserError` for an image that cannot be read.
    """
    listed = listing(spec)
    squares, conversions = [], []
    for image in listed.images:
        found = _decoded(image)
        squares.append(central_square(found.image, spec.size))
        conversions.append(found.conversions)
    return Loaded(images=np.stack(squares), conversions=total(conversions), **listed.facts())


def listing(spec: Dataset) -> Listing:
    """List the images below `spec.path`, classes in the order of their names' bytes.

    Raises `UserError` for a class without images.
    """
    root = Path(spec.path or "")
    splits, found = image_files(root)
    split = np.repeat(list(splits), found.sizes)
    description = _description(found, splits)
    if len(splits) == 2:  # one split is the user's and the other is not
        say(f"{shown(root)}: {description}")
    return Listing(
        images=found.images,
        labels=found.labels,
        classes=found.classes,
        description=description,
        licence="not stated",
        origin=f"folder {shown(root.name)}",
        official_validation=split == "validation" if "validation" in splits else None,
        official_test=split == "test" if "test" in splits else None,
        left_out=summary(found.unused, root),
    )


def image_files(root: Path) -> tuple[dict[str, Path], ByClass]:
    """Return the folders that are read below `root` by split, and their images and all other files; opens no file.

    Without folders of splits the only folder is `root` itself, under `train`. Raises `UserError` where a folder cannot
    be read, a class has no images, or the folders of the splits contradict each other.
    """
    splits = _split_folders(root)
    if not splits:
        found = by_class([root])
        if len(found.classes) == 1 and found.deeper:
            only = found.classes[0]
            raise UserError(
                f"{shown(root)}: its one class {only} holds folders; if they are the classes, give this folder"
            )
        return {"train": root}, found
    found = by_class(list(splits.values()))
    read = {folder.name for folder in splits.values()}
    beside = [
        unused for entry in entries(str(root)) if entry.name not in read for unused in files_below(entry, NO_SPLIT)
    ]
    return splits, found._replace(unused=found.unused + beside)


def _description(found: ByClass, splits: dict[str, Path]) -> str:
    said = [f"{len(found.paths)} images in a folder for each of {len(found.classes)} classes"]
    if found.deeper:
        said.append(f"{found.deeper} of them in folders below that of their class")
    if len(splits) > 1:
        said += [
            f"the {split} split is the folder {shown(splits[split].name)}"
            if split in splits
            else f"the {split} split is a share of the training images"
            for split in SPLIT_FOLDERS
        ]
    return "; ".join(said) + "."


def _split_folders(root: Path) -> dict[str, Path]:
    """Return the folder of each split that has one, or nothing where `root` has no folders of splits."""
    names = [entry.name for entry in entries(str(root)) if is_folder(entry)] if root.is_dir() else []
    found = {split: [name for name in names if name.casefold() in known] for split, known in SPLIT_FOLDERS.items()}
    found = {split: folders for split, folders in found.items() if folders}
    for split, folders in found.items():
        if len(folders) > 1:
            raise UserError(
                f"{shown(root)}: {' and '.join(folders)} are both the folder of the {split} split; keep one"
            )
    if "train" not in found:
        if found and len(found) == len(names):
            raise UserError(f"{shown(root)}: holds {' and '.join(names)} but no `train`; add the training images")
        return {}
    return {split: root / name for split, (name,) in found.items()} if len(found) > 1 else {}


def _decoded(image: EncodedImage) -> Decoded:
    try:
        return decoded(image.read())
    except Unreadable as error:
        raise UserError(f"{image.name}: cannot be read as an image ({error}); repair or remove it") from error
    except OSError as error:
        raise UserError(
            f"{image.name}: cannot be read from disk ({error.strerror or error}); fix access, then rerun"
        ) from error
