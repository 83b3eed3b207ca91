"""ImageNet (ILSVRC 2012; Russakovsky et al., arXiv:1409.0575) from its tars, from folders or from Arrow.

The official validation images are the test split here, since papers report on them; the images of the official test
split have no labels. Classes are WordNet's identifiers in order of name, which is torchvision's numbering.

Which training images validate follows from the names of their files, so that tars and folders give the same splits
whatever the order in which they are read. Arrow gives the same splits where its rows keep these names; where they do
not, or where two rows have one name, the choice follows from the row numbers.
"""

import io
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from entrec.data.class_folders import by_class, few
from entrec.data.left_out import summary
from entrec.data.names import shown
from entrec.data.reasons import reason
from entrec.data.source import EncodedImage, Listing
from entrec.data.splits import groups_by_name
from entrec.data.stand_in import Amount, mat_file, origin_of, pictures, write_file
from entrec.data.store import image_column
from entrec.errors import UserError
from entrec.progress import progress
from entrec.regular import regular
from entrec.settings import Dataset

TRAIN, VALIDATION = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
SYNSETS, TRUTH = "data/meta.mat", "data/ILSVRC2012_validation_ground_truth.txt"
LARGEST = 100_000_000  # bytes of a file of the kit that is read, far above those of the makers
ADVICE = (
    f"put {TRAIN}, {VALIDATION} and {DEVKIT} there (ImageNet's site, page 'ILSVRC 2012', needs an account),"
    " or the folders train and val with a folder for each class, or what `DatasetDict.save_to_disk` wrote"
)


def listing(spec: Dataset) -> Listing:
    """List the training images, then the validation images, in whichever of the three forms `spec.path` has them.

    Raises `UserError` where a file is missing or damaged.
    """
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


def stand_in(root: Path, amount: Amount) -> None:
    """Write a tar of tars, a tar, and the development kit that holds the labels of the second tar's images."""
    wnids = [f"n{1440764 + 1000 * label:08d}" for label in range(amount.classes)]
    files_of: dict[str, dict[str, bytes]] = {wnid: {} for wnid in wnids}
    for picture in pictures(amount, split=0):
        wnid = wnids[picture.label]
        files_of[wnid][f"{wnid}_{picture.number}.JPEG"] = picture.jpeg()
    write_file(root / TRAIN, _tar({f"{wnid}.tar": _tar(files) for wnid, files in files_of.items()}))
    # as in the makers' tar, the classes take turns
    shown = sorted(pictures(amount, split=1), key=lambda picture: picture.number)
    files = {f"ILSVRC2012_val_{i:08d}.JPEG": picture.jpeg() for i, picture in enumerate(shown, start=1)}
    write_file(root / VALIDATION, _tar(files))
    official = {label: amount.classes - label for label in range(amount.classes)}  # not the order of the names
    leaves = [(official[label], wnid, 0) for label, wnid in enumerate(wnids)]
    fields = [("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)]
    synsets = np.array([*leaves, (amount.classes + 1, "n00001740", amount.classes)], dtype=fields)
    truth = "".join(f"{official[picture.label]}\n" for picture in shown)
    kit = {SYNSETS: mat_file(synsets=synsets), TRUTH: truth.encode()}
    write_file(root / DEVKIT, _tar({f"ILSVRC2012_devkit_t12/{name}": content for name, content in kit.items()}, "w:gz"))


def _from_folders(root: Path) -> Listing:
    found = by_class([root / "train", root / "val"])
    labelled = list(zip(found.images, found.labels.tolist(), strict=True))
    left_out = summary(found.unused, root)
    return _listing(root, labelled, found.classes, trained=found.sizes[0], left_out=left_out)


def _listing(
    root: Path, labelled: list[tuple[EncodedImage, int]], classes: list[str], *, trained: int, **known: Any
) -> Listing:
    return Listing(
        images=[image for image, _ in labelled],
        labels=np.array([label for _, label in labelled], dtype=np.int64),
        classes=classes,
        description=f"Photographs of {len(classes)} kinds of objects; the official validation images test.",
        licence="ImageNet's terms of access: research and education, not commercial",
        origin=origin_of(root, "ImageNet, ILSVRC 2012 (Russakovsky et al. 2015)"),
        official_test=np.arange(len(labelled)) >= trained,
        groups=groups_by_name(Path(image.name).name for image, _ in labelled),
        **known,
    )


def _from_tars(root: Path) -> tuple[list[tuple[EncodedImage, int]], list[tuple[EncodedImage, int]], list[str]]:
    """Return the labelled images of both splits, by their places in the tars, and the classes; extracts nothing."""
    wnids, truth = _read_devkit(root / DEVKIT)
    classes = sorted(wnids.values())
    train = list(_training_images(root / TRAIN, classes))
    images = sorted(_members(root / VALIDATION), key=lambda entry: entry.name)
    if len(images) != len(truth):
        raise UserError(
            f"{root / DEVKIT}: {TRUTH} has {len(truth)} labels for the {len(images)} images of {VALIDATION};"
            " download both files again"
        )
    number = {identifier: classes.index(wnid) for identifier, wnid in wnids.items()}
    return train, [(image, number[label]) for image, label in zip(images, truth, strict=True)], classes


def _read_devkit(path: Path) -> tuple[dict[int, str], list[int]]:
    """Return the WordNet identifier of each official number, and the official number of each validation image."""
    from scipy.io import loadmat

    try:
        with tarfile.open(regular(path)) as tar:
            members = {member.name: member for member in tar.getmembers()}
            contents = [_content(tar, members, ending) for ending in (SYNSETS, TRUTH)]
        synsets = np.atleast_1d(loadmat(io.BytesIO(contents[0]), squeeze_me=True)["synsets"])
        leaves = [synset for synset in synsets if int(synset["num_children"]) == 0]
        truth = [int(word) for word in contents[1].split()]
        wnids = {int(leaf["ILSVRC2012_ID"]): str(leaf["WNID"]) for leaf in leaves}
    except Exception as error:  # the readers of gzip, tar and MATLAB raise many kinds for damaged bytes
        raise UserError(
            f"{path}: damaged or not ImageNet's development kit ({reason(error)}); download it again"
        ) from error
    if unknown := set(truth) - wnids.keys():
        raise UserError(f"{path}: {TRUTH} names class {min(unknown)}, which {SYNSETS} lacks; download it again")
    return wnids, truth


def _content(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], ending: str) -> bytes:
    """Return the content of the file whose path ends with `ending`.

    Raises `KeyError` where there is none, and `ValueError` where it is too large.
    """
    name = next((name for name in members if name.endswith(ending)), ending)
    if members[name].size > LARGEST:
        raise ValueError(f"{name} has {members[name].size:,} bytes")
    file = tar.extractfile(members[name])
    return b"" if file is None else file.read()


def _training_images(path: Path, classes: list[str]) -> Iterator[tuple[EncodedImage, int]]:
    """Yield the labelled images of a tar that holds one tar for each class."""
    try:
        with tarfile.open(regular(path), "r:") as outer:
            tars = {Path(member.name).stem: member for member in outer.getmembers() if member.isfile()}
            if odd := tars.keys() ^ set(classes):
                raise UserError(
                    f"{path}: its classes are not those of {DEVKIT} (different: {few(odd)}); download both again"
                )
            for label, name in enumerate(progress(classes, f"listing {path.name}")):
                member = tars[name]
                for entry in _members(path, start=member.offset_data, inner=outer.extractfile(member)):
                    yield entry, label
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{path}: damaged ({reason(error)}); download it again") from error


def _members(path: Path, *, start: int = 0, inner: Any = None) -> Iterator[EncodedImage]:
    """Yield the files of a tar, or of the tar `inner` that starts at byte `start` of it."""
    try:
        with tarfile.open(regular(path), "r:", fileobj=inner) as tar:
            for member in tar:
                if member.isfile():
                    yield EncodedImage(
                        shown(f"{path}/{member.name}"), partial(_span, path, start + member.offset_data, member.size)
                    )
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{path}: damaged ({reason(error)}); download it again") from error


def _span(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def _from_arrow(root: Path) -> tuple[list[tuple[EncodedImage, int]], list[tuple[EncodedImage, int]], list[str]]:
    """Return the labelled images of the splits `train` and `validation`, columns `image` and `label`, and classes."""
    from datasets import load_from_disk  # imported here because it takes a second

    try:
        saved = load_from_disk(str(root))
    except Exception as error:  # `datasets`, and the readers that it calls, have no exception in common
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


def _rows(folder: Path, saved: Any, classes: int) -> list[tuple[EncodedImage, int]]:
    """Return the labelled images of one split, named by their files where each has a file name of its own."""
    column, paths = image_column(saved, "bytes"), image_column(saved, "path").to_pylist()
    labels = saved.data.column("label").to_pylist()
    for row, label in enumerate(labels):
        if label not in range(classes):
            raise UserError(f"{folder}: row {row} has label {label}; allowed: 0 to {classes - 1}")
    named = len(set(paths) - {None}) == len(paths)
    names = [folder / path if named else f"{folder}:{row}" for row, path in enumerate(paths)]
    return [
        (EncodedImage(str(name), partial(_row, column, row)), label)
        for row, (name, label) in enumerate(zip(names, labels, strict=True))
    ]


def _row(column: Any, row: int) -> bytes:
    content = column[row].as_py()
    if content is None:
        raise OSError("the Arrow file names a file instead of holding its bytes")
    return content


def _tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
