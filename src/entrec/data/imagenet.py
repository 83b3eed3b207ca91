"""ImageNet (ILSVRC 2012; Russakovsky et al., arXiv:1409.0575) from its tars, from folders or from Arrow.

Its official validation images are the test part here, since their labels are what papers report on; the images of
the official test part have none. Classes are WordNet's identifiers in order of name, torchvision's numbering.

Which training images validate follows from the names of their files, so that tars and folders give the same parts
whatever order they are read in. Arrow gives them too where its rows keep these names; where they keep none, or not
one for each image, rows go by their numbers.
"""

import io
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from entrec.data.faults import reason
from entrec.data.folder import by_class, few
from entrec.data.source import Entry, Listing
from entrec.data.splits import groups_by_name
from entrec.data.stand_in import origin_of
from entrec.data.store import image_column
from entrec.errors import UserError
from entrec.progress import progress
from entrec.settings import Dataset

TRAIN, VALIDATION = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
SYNSETS, TRUTH = "data/meta.mat", "data/ILSVRC2012_validation_ground_truth.txt"
ADVICE = (
    f"put {TRAIN}, {VALIDATION} and {DEVKIT} there (ImageNet's site, page 'ILSVRC 2012', needs an account),"
    " or the folders train and val with a folder for each class, or what `DatasetDict.save_to_disk` wrote"
)


def listing(spec: Dataset) -> Listing:
    """Training images, then validation images, in whichever form `spec.path` has them."""
    root = Path(spec.path or "")
    tars = [root / file for file in (TRAIN, VALIDATION, DEVKIT)]
    missing = [path for path in tars if not path.exists()]
    if not missing:
        train, test, classes = _from_tars(root)
    elif (root / "train").is_dir() and (root / "val").is_dir():
        return _from_folders(root)
    elif (root / "dataset_dict.json").exists():
        train, test, classes = _from_arrow(root)
    else:
        raise UserError(
            f"{root}: holds no ImageNet; {ADVICE}" if missing == tars else f"{missing[0]}: missing; {ADVICE}"
        )
    return _listing(root, [*train, *test], classes, trained=len(train))


def _from_folders(root: Path) -> Listing:
    images, labels, classes, (trained, _) = by_class([root / "train", root / "val"])
    return _listing(root, list(zip(images, labels.tolist(), strict=True)), classes, trained=trained)


def _listing(root: Path, labelled: list[tuple[Entry, int]], classes: list[str], *, trained: int) -> Listing:
    return Listing(
        images=[image for image, _ in labelled],
        labels=np.array([label for _, label in labelled], dtype=np.int64),
        classes=classes,
        description=f"Photographs of {len(classes)} kinds of objects; the official validation images test.",
        licence="ImageNet's terms of access: research and education, not commercial",
        origin=origin_of(root, "ImageNet, ILSVRC 2012 (Russakovsky et al. 2015)"),
        official_test=np.arange(len(labelled)) >= trained,
        groups=groups_by_name(Path(image.name).name for image, _ in labelled),
    )


def _from_tars(root: Path) -> tuple[list[tuple[Entry, int]], list[tuple[Entry, int]], list[str]]:
    """Labelled images of both parts, by their places in the tars: nothing is extracted."""
    wnids, truth = _read_devkit(root / DEVKIT)
    classes = sorted(wnids.values())
    train = list(_training_images(root / TRAIN, classes))
    images = sorted(_members(root / VALIDATION), key=lambda entry: entry.name)
    if len(images) != len(truth):
        raise UserError(
            f"{root / DEVKIT}: {TRUTH} has {len(truth)} labels for the {len(images)} images of {VALIDATION};"
            " fetch both files again"
        )
    number = {identifier: classes.index(wnid) for identifier, wnid in wnids.items()}
    return train, [(image, number[label]) for image, label in zip(images, truth, strict=True)], classes


def _read_devkit(path: Path) -> tuple[dict[int, str], list[int]]:
    """The WordNet identifier of each official number, and the official numbers of the validation images."""
    from scipy.io import loadmat  # here: other sources do without
    from scipy.io.matlab import MatReadError

    try:
        with tarfile.open(path) as tar:
            members = {member.name: member for member in tar.getmembers()}
            contents = [_content(tar, members, ending) for ending in (SYNSETS, TRUTH)]
        synsets = np.atleast_1d(loadmat(io.BytesIO(contents[0]), squeeze_me=True)["synsets"])
        leaves = [synset for synset in synsets if int(synset["num_children"]) == 0]
        truth = [int(word) for word in contents[1].split()]
        wnids = {int(leaf["ILSVRC2012_ID"]): str(leaf["WNID"]) for leaf in leaves}
    except (OSError, tarfile.TarError, MatReadError, ValueError, TypeError, KeyError, EOFError) as error:
        raise UserError(
            f"{path}: damaged or not ImageNet's development kit ({reason(error)}); fetch it again"
        ) from error
    if unknown := set(truth) - wnids.keys():
        raise UserError(f"{path}: {TRUTH} names class {min(unknown)}, which {SYNSETS} has not; fetch it again")
    return wnids, truth


def _content(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], ending: str) -> bytes:
    """Of the one file whose path ends so; raises `KeyError` without one."""
    name = next((name for name in members if name.endswith(ending)), ending)
    file = tar.extractfile(members[name])
    return b"" if file is None else file.read()


def _training_images(path: Path, classes: list[str]) -> Iterator[tuple[Entry, int]]:
    """The images of a tar of tars, one for each class."""
    try:
        with tarfile.open(path, "r:") as outer:
            tars = {Path(member.name).stem: member for member in outer.getmembers() if member.isfile()}
            if odd := tars.keys() ^ set(classes):
                raise UserError(f"{path}: has not the classes of {DEVKIT} (differs in {few(odd)}); fetch both again")
            for label, name in enumerate(progress(classes, f"listing {path.name}")):
                member = tars[name]
                for entry in _members(path, start=member.offset_data, inner=outer.extractfile(member)):
                    yield entry, label
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{path}: damaged ({reason(error)}); fetch it again") from error


def _members(path: Path, *, start: int = 0, inner: Any = None) -> Iterator[Entry]:
    """The files of a tar, or of the tar `inner` that starts at byte `start` of it."""
    try:
        with tarfile.open(path, "r:", fileobj=inner) as tar:
            for member in tar:
                if member.isfile():
                    yield Entry(f"{path}/{member.name}", partial(_span, path, start + member.offset_data, member.size))
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{path}: damaged ({reason(error)}); fetch it again") from error


def _span(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def _from_arrow(root: Path) -> tuple[list[tuple[Entry, int]], list[tuple[Entry, int]], list[str]]:
    """Labelled images of the splits `train` and `validation`, columns `image` and `label`."""
    from datasets import load_from_disk  # here: takes a second to import

    try:
        saved = load_from_disk(str(root))
    except Exception as error:  # it, and the readers it calls, have no exception in common
        raise UserError(
            f"{root}: damaged or not what `DatasetDict.save_to_disk` wrote ({reason(error)}); write it again"
        ) from error
    try:
        classes = list(saved["train"].features["label"].names)
        train, test = (_rows(root / split, saved[split], len(classes)) for split in ("train", "validation"))
    except (KeyError, AttributeError) as error:
        raise UserError(
            f"{root}: lacks {error}; needs splits `train` and `validation` with encoded images as `image`"
            " and named classes as `label`"
        ) from error
    return train, test, classes


def _rows(folder: Path, saved: Any, classes: int) -> list[tuple[Entry, int]]:
    """Labelled images of one split, called by the names of their files if each has one of its own."""
    column, paths = image_column(saved, "bytes"), image_column(saved, "path").to_pylist()
    labels = saved.data.column("label").to_pylist()
    for row, label in enumerate(labels):
        if label not in range(classes):
            raise UserError(f"{folder}: row {row} has label {label}; allowed: 0 to {classes - 1}")
    named = len(set(paths) - {None}) == len(paths)
    names = [folder / path if named else f"{folder}:{row}" for row, path in enumerate(paths)]
    return [
        (Entry(str(name), partial(_row, column, row)), label)
        for row, (name, label) in enumerate(zip(names, labels, strict=True))
    ]


def _row(column: Any, row: int) -> bytes:
    content = column[row].as_py()
    if content is None:
        raise OSError("the Arrow file names a file instead of holding its bytes")
    return content
