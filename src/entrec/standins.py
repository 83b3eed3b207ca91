"""Tiny datasets in the official formats, made of the photographs that scikit-image and scikit-learn ship.

Every file lies where the makers' archives put it and says what theirs say, with fewer classes and images, so that a
rehearsal reads them by the very code that reads the real ones. A marker beside them keeps them from passing for these.
"""

import io
import pickle
import tarfile
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from entrec.artefacts import write_json, write_text
from entrec.data import imagenet
from entrec.data.packaged import packaged_file
from entrec.data.pixels import BILINEAR
from entrec.data.stand_in import MARKER
from entrec.data.textures import PHOTOGRAPHS
from entrec.data.transfer_sets import CALTECH_TRAIN

SPAN = 0.6  # of a photograph's sides: what a picture shows of it
FLOWERS = 102  # classes, which are written into torchvision


class Amount(NamedTuple):
    """How much to make: `classes`, `images` of each in every part, of `side` pixels in height or width and more."""

    classes: int
    images: int
    side: int


class Picture(NamedTuple):
    """Image `number` of class `label`, of size `(width, height)`."""

    label: int
    number: int
    size: tuple[int, int]

    def pixels(self) -> Image.Image:
        """A part of the class's photograph, turned for classes beyond the first ten."""
        photograph = _photograph(list(PHOTOGRAPHS)[self.label % len(PHOTOGRAPHS)])
        left, top = (1 - SPAN) * np.random.default_rng([self.label, self.number]).random(2)
        box = np.array([left, top, left + SPAN, top + SPAN]) * np.tile(photograph.size, 2)
        turned = photograph.resize(self.size, BILINEAR, box=tuple(box))
        return turned.rotate(37 * (self.label // len(PHOTOGRAPHS)), BILINEAR)

    def jpeg(self) -> bytes:
        """As cameras write it."""
        buffer = io.BytesIO()
        self.pixels().save(buffer, "JPEG", quality=90)
        return buffer.getvalue()


def stand_in(name: str, root: Path, amount: Amount) -> None:
    """Write a stand-in in the format `name`, one of `FORMATS`, below `root`, the folder that a study calls `path`."""
    digested = FORMATS[name](root, amount)
    write_json(root / MARKER, {"md5": {path.name: md5(path.read_bytes()).hexdigest() for path in digested}})


def imagenet_tars(root: Path, amount: Amount) -> list[Path]:
    """A tar of tars, a tar, and the development kit that says which label belongs to which file of the second."""
    wnids = _wnids(amount)
    classes = {f"{w}.tar": _tar({f"{w}_{p.number}.JPEG": p.jpeg() for p in ps}) for w, ps in _train(wnids, amount)}
    _put(root / imagenet.TRAIN, _tar(classes))
    shown = sorted(_pictures(amount, part=1), key=lambda picture: picture.number)  # classes take turns, as there
    files = {f"ILSVRC2012_val_{i:08d}.JPEG": picture.jpeg() for i, picture in enumerate(shown, start=1)}
    _put(root / imagenet.VALIDATION, _tar(files))
    official = {label: amount.classes - label for label in range(amount.classes)}  # numbers that no name gives away
    leaves = [(official[label], wnid, 0) for label, wnid in enumerate(wnids)]
    fields = [("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)]
    synsets = np.array([*leaves, (amount.classes + 1, "n00001740", amount.classes)], dtype=fields)
    truth = "".join(f"{official[picture.label]}\n" for picture in shown)
    kit = {imagenet.SYNSETS: _mat(synsets=synsets), imagenet.TRUTH: truth.encode()}
    packed = _tar({f"ILSVRC2012_devkit_t12/{file}": content for file, content in kit.items()}, "w:gz")
    _put(root / imagenet.DEVKIT, packed)
    return []


def imagenet_folders(root: Path, amount: Amount) -> list[Path]:
    """The folders `train` and `val`, in each one folder for each class."""
    wnids = _wnids(amount)
    for part, folder in enumerate(("train", "val")):
        for p in _pictures(amount, part=part):
            _put(root / folder / wnids[p.label] / f"{wnids[p.label]}_{p.number}.JPEG", p.jpeg())
    return []


def imagenet_arrow(root: Path, amount: Amount) -> list[Path]:
    """What `DatasetDict.save_to_disk` writes."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features
    from datasets import Image as Encoded

    features = Features({"image": Encoded(), "label": ClassLabel(names=_wnids(amount))})

    def split(part: int) -> Any:
        rows = [{"image": {"bytes": p.jpeg(), "path": None}, "label": p.label} for p in _pictures(amount, part=part)]
        return Dataset.from_list(rows, features=features)

    DatasetDict({"train": split(0), "validation": split(1)}).save_to_disk(str(root))
    return []


def food101(root: Path, amount: Amount) -> list[Path]:
    """Images by class, and a list of them for each part."""
    names = _names(amount)
    for part, file in enumerate(("train", "test")):
        listed: dict[str, list[str]] = {name: [] for name in names}
        for p in _pictures(amount, part=part):
            listed[names[p.label]].append(f"{names[p.label]}/{p.number}")
            _put(root / "food-101" / "images" / names[p.label] / f"{p.number}.jpg", p.jpeg())
        write_json(root / "food-101" / "meta" / f"{file}.json", listed)
    return []


def cifar10(root: Path, amount: Amount) -> list[Path]:
    """Five training batches, a test batch and the classes' names, each a pickle."""
    folder = root / "cifar-10-batches-py"
    train, test = list(_pictures(amount, part=0)), list(_pictures(amount, part=1))
    batches = {f"data_batch_{i + 1}": train[i::5] for i in range(5)} | {"test_batch": test}
    contents: dict[str, Any] = {file: _batch(pictures, "labels") for file, pictures in batches.items()}
    return _pickled(folder, contents | {"batches.meta": {"label_names": _names(amount)}})


def cifar100(root: Path, amount: Amount) -> list[Path]:
    """One training and one test batch, with the classes' names."""
    batches = {file: _batch(list(_pictures(amount, part=i)), "fine_labels") for i, file in enumerate(("train", "test"))}
    return _pickled(root / "cifar-100-python", batches | {"meta": {"fine_label_names": _names(amount)}})


def sun397(root: Path, amount: Amount) -> list[Path]:
    """Images by first letter and class, some classes of two words, and the lists of the first partition."""
    names = [f"/{name[0]}/{name}{'/outdoor' if label % 2 else ''}" for label, name in enumerate(_names(amount))]
    write_text(root / "SUN397" / "ClassName.txt", "".join(f"{name}\n" for name in names))
    for part, file in enumerate(("Training_01.txt", "Testing_01.txt")):
        listed = {f"{names[p.label]}/sun_{p.number:04d}.jpg": p for p in _pictures(amount, part=part)}
        for path, picture in listed.items():
            _put(root / f"SUN397{path}", picture.jpeg())
        write_text(root / "Partitions" / file, "".join(f"{path}\n" for path in listed))
    return []


def stanford_cars(root: Path, amount: Amount) -> list[Path]:
    """Images by part, and MATLAB's files that say which class each is."""
    folder = root / "stanford_cars"
    names = np.array([f"{name.title()} Sedan 2012" for name in _names(amount)], dtype=object)
    lists = {"cars_train": "devkit/cars_train_annos.mat", "cars_test": "cars_test_annos_withlabels.mat"}
    _put(folder / "devkit" / "cars_meta.mat", _mat(class_names=names))
    for part, (images, file) in enumerate(lists.items()):
        listed = {f"{i:05d}.jpg": p for i, p in enumerate(_pictures(amount, part=part), start=1)}
        for image, picture in listed.items():
            _put(folder / images / image, picture.jpeg())
        annotations = [(image, picture.label + 1) for image, picture in listed.items()]
        _put(folder / file, _mat(annotations=np.array(annotations, dtype=[("fname", object), ("class", object)])))
    return []


def fgvc_aircraft(root: Path, amount: Amount) -> list[Path]:
    """Images in one folder, and for each part a list of them with their variants."""
    data = root / "fgvc-aircraft-2013b" / "data"
    names = [f"{name.title()} 707" for name in _names(amount)]
    write_text(data / "variants.txt", "".join(f"{name}\n" for name in names))
    for part, split in enumerate(("train", "val", "test")):
        listed = {f"{p.label:03d}{p.number:04d}": p for p in _pictures(amount, part=part)}
        for image, picture in listed.items():
            _put(data / "images" / f"{image}.jpg", picture.jpeg())
        lines = [f"{image} {names[picture.label]}\n" for image, picture in listed.items()]
        write_text(data / f"images_variant_{split}.txt", "".join(lines))
    return []


def dtd(root: Path, amount: Amount) -> list[Path]:
    """Images by class, and a list of them for each part of the first split."""
    folder, names = root / "dtd" / "dtd", _names(amount)
    for part, split in enumerate(("train", "val", "test")):
        listed = {f"{names[p.label]}/{names[p.label]}_{p.number:04d}.jpg": p for p in _pictures(amount, part=part)}
        for path, picture in listed.items():
            _put(folder / "images" / path, picture.jpeg())
        write_text(folder / "labels" / f"{split}1.txt", "".join(f"{path}\n" for path in listed))
    return []


def oxford_pets(root: Path, amount: Amount) -> list[Path]:
    """Images in one folder, named by breed, and a list for each part: name, class, species, breed of the species."""
    folder, names = root / "oxford-iiit-pet", _names(amount)
    for part, split in enumerate(("trainval", "test")):
        lines = []
        for p in _pictures(amount, part=part):
            _put(folder / "images" / f"{names[p.label]}_{p.number}.jpg", p.jpeg())
            lines.append(f"{names[p.label]}_{p.number} {p.label + 1} {1 + p.label % 2} {1 + p.label // 2}\n")
        write_text(folder / "annotations" / f"{split}.txt", "".join(lines))
    return []


def caltech101(root: Path, amount: Amount) -> list[Path]:
    """A folder for each class, with as many images more as train, and one of background."""
    names = _names(amount)
    folder = root / "caltech101" / "101_ObjectCategories"
    for p in _pictures(amount._replace(images=CALTECH_TRAIN + amount.images), part=0):
        _put(folder / names[p.label] / f"image_{p.number + 1:04d}.jpg", p.jpeg())
    _put(folder / "BACKGROUND_Google" / "image_0001.jpg", next(_pictures(amount, part=1)).jpeg())
    return []


def flowers102(root: Path, amount: Amount) -> list[Path]:
    """Images in one folder, their classes and their parts; always 102 classes."""
    folder = root / "flowers-102"
    parts = [list(_pictures(amount._replace(classes=FLOWERS), part=part)) for part in range(3)]
    pictures = [picture for part in parts for picture in part]
    for i, picture in enumerate(pictures, start=1):
        _put(folder / "jpg" / f"image_{i:05d}.jpg", picture.jpeg())
    sizes = np.cumsum([len(part) for part in parts])[:-1]
    ids = dict(zip(("trnid", "valid", "tstid"), np.split(np.arange(1, len(pictures) + 1), sizes), strict=True))
    _put(folder / "imagelabels.mat", _mat(labels=np.array([picture.label + 1 for picture in pictures])))
    _put(folder / "setid.mat", _mat(**ids))
    return [folder / "imagelabels.mat", folder / "setid.mat"]


# what writes each; returns the files whose digests their readers compare
FORMATS: dict[str, Callable[[Path, Amount], list[Path]]] = {
    "imagenet": imagenet_tars,
    "imagenet_folders": imagenet_folders,
    "imagenet_arrow": imagenet_arrow,
    "food101": food101,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "sun397": sun397,
    "stanford_cars": stanford_cars,
    "fgvc_aircraft": fgvc_aircraft,
    "dtd": dtd,
    "oxford_pets": oxford_pets,
    "caltech101": caltech101,
    "flowers102": flowers102,
}


def _put(path: Path, content: bytes) -> None:
    """Without the flush that artefacts have: what a rehearsal makes may be lost."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@cache
def _photograph(name: str) -> Image.Image:
    package, file, _ = PHOTOGRAPHS[name]
    return Image.open(packaged_file(package, file)).convert("RGB")


def _pictures(amount: Amount, *, part: int) -> Iterator[Picture]:
    """The images of a part, class after class; upright and lying ones take turns, parts have different numbers."""
    short, long = amount.side, amount.side * 5 // 4
    for label in range(amount.classes):
        for number in range(part * amount.images, (part + 1) * amount.images):
            yield Picture(label, number, (long, short) if number % 2 else (short, long))


def _train(wnids: list[str], amount: Amount) -> Iterator[tuple[str, list[Picture]]]:
    pictures = list(_pictures(amount, part=0))
    for label, wnid in enumerate(wnids):
        yield wnid, [picture for picture in pictures if picture.label == label]


def _names(amount: Amount) -> list[str]:
    """Names of classes, in order."""
    turns = range(-(-amount.classes // len(PHOTOGRAPHS)))
    return sorted(f"{name}_{turn}" for turn in turns for name in PHOTOGRAPHS)[: amount.classes]


def _wnids(amount: Amount) -> list[str]:
    return [f"n{1440764 + 1000 * label:08d}" for label in range(amount.classes)]


def _batch(pictures: list[Picture], labels: str) -> dict[str, Any]:
    """As CIFAR has it: rows of 3,072 values, channel after channel of 32x32 pixels."""
    images = np.stack([np.asarray(picture._replace(size=(32, 32)).pixels()) for picture in pictures])
    return {"data": images.transpose(0, 3, 1, 2).reshape(-1, 3072), labels: [picture.label for picture in pictures]}


def _pickled(folder: Path, contents: dict[str, Any]) -> list[Path]:
    for file, content in contents.items():
        _put(folder / file, pickle.dumps(content))
    return [folder / file for file in contents]


def _mat(**arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, arrays)
    return buffer.getvalue()


def _tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
