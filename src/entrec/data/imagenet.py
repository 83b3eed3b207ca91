"""ImageNet (ILSVRC 2012; Russakovsky et al., arXiv:1409.0575) from its tars, from folders or from Arrow.

Its official validation images are the test part here, since their labels are what papers report on; the images of
the official test part have none. Classes are WordNet's identifiers in order of name, torchvision's numbering.
"""

import io
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from entrec.data.folder import by_class, few
from entrec.data.source import Entry, Listing
from entrec.data.stand_in import origin_of
from entrec.data.store import image_bytes
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
    if any((root / file).exists() for file in (TRAIN, VALIDATION)):
        train, test, classes = _from_tars(root)
    elif (root / "train").is_dir() and (root / "val").is_dir():
        return _from_folders(root)
    elif (root / "dataset_dict.json").exists():
        train, test, classes = _from_arrow(root)
    else:
        raise UserError(f"{root}: holds no ImageNet; {ADVICE}")
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
    )


def _from_tars(root: Path) -> tuple[list[tuple[Entry, int]], list[tuple[Entry, int]], list[str]]:
    """Labelled images of both parts, by their places in the tars: nothing is extracted."""
    for file in (TRAIN, VALIDATION, DEVKIT):
        if not (root / file).exists():
            raise UserError(f"{root / file}: missing; {ADVICE}")
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
        raise UserError(f"{path}: damaged or not ImageNet's development kit ({error}); fetch it again") from error
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
        raise UserError(f"{path}: damaged ({error}); fetch it again") from error


def _members(path: Path, *, start: int = 0, inner: Any = None) -> Iterator[Entry]:
    """The files of a tar, or of the tar `inner` that starts at byte `start` of it."""
    try:
        with tarfile.open(path, "r:", fileobj=inner) as tar:
            for member in tar:
                if member.isfile():
                    yield Entry(f"{path}:{member.name}", partial(_span, path, start + member.offset_data, member.size))
    except tarfile.TarError as error:
        raise UserError(f"{path}: damaged ({error}); fetch it again") from error


def _span(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def _from_arrow(root: Path) -> tuple[list[tuple[Entry, int]], list[tuple[Entry, int]], list[str]]:
    """Labelled images of the splits `train` and `validation`, columns `image` and `label`."""
    from datasets import load_from_disk  # here: takes a second to import

    saved = load_from_disk(str(root))
    try:
        parts = [saved[split] for split in ("train", "validation")]
        classes = list(parts[0].features["label"].names)
        labels = [part["label"] for part in parts]
        columns = [image_bytes(part) for part in parts]
    except (KeyError, AttributeError) as error:
        raise UserError(
            f"{root}: lacks {error}; needs splits `train` and `validation` with encoded images as `image`"
            " and named classes as `label`"
        ) from error
    train, test = (
        [(Entry(f"{root}:{split}:{row}", partial(_row, column, row)), int(label)) for row, label in enumerate(found)]
        for split, column, found in zip(("train", "validation"), columns, labels, strict=True)
    )
    return train, test, classes


def _row(column: Any, row: int) -> bytes:
    content = column[row].as_py()
    if content is None:
        raise OSError("the Arrow file names a file instead of holding its bytes")
    return content
