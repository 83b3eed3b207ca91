"""What CIFAR-10 and CIFAR-100 (Krizhevsky 2009) share: 32x32 colour images in pickles, with an official test split."""

import io
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from entrec.data.encoding import png
from entrec.data.reasons import reason
from entrec.data.source import EncodedImage, Listing, Loaded
from entrec.data.stand_in import Picture, stand_in_digests, write_file
from entrec.data.torchvision_set import TorchvisionSet
from entrec.errors import UserError
from entrec.regular import regular
from entrec.settings import Dataset


def cifar(reader: str, *, archive: str) -> TorchvisionSet:
    """Return the set that torchvision calls `reader`."""
    return TorchvisionSet(
        reader=reader,
        description="Photographs of {classes} kinds of things, 32x32 pixels.",
        licence="not stated",
        origin=f"CIFAR-{reader.removeprefix('CIFAR')} (Krizhevsky 2009)",
        advice=f"put {archive}, extracted, there (Alex Krizhevsky's page 'The CIFAR-10 dataset')",
        digests=_digests,
    )


def load(kind: TorchvisionSet, spec: Dataset) -> Loaded:
    """Return the training images, then the test images, from `spec.path` or downloaded into it."""
    root = Path(spec.path or "")
    if stand_in_digests(root) is not None:
        _check_pickles(kind, root)
    train, test = (kind.read(root, train=train) for train in (True, False))
    return kind.loaded(root, train, test, list(train.classes))


def listing(kind: TorchvisionSet, spec: Dataset) -> Listing:
    """Return the images of `load`, each as a PNG."""
    loaded = load(kind, spec)
    images = [EncodedImage(f"{spec.source}:{row}", partial(_png, image)) for row, image in enumerate(loaded.images)]
    return Listing(images=images, **loaded.facts())


def batch(pictures: list[Picture], labels: str) -> dict[str, Any]:
    """Return a batch as the makers pickle it: rows of 3,072 values, channel after channel of 32x32 pixels."""
    images = np.stack([np.asarray(picture._replace(size=(32, 32)).pixels()) for picture in pictures])
    return {"data": images.transpose(0, 3, 1, 2).reshape(-1, 3072), labels: [picture.label for picture in pictures]}


def write_pickles(folder: Path, contents: dict[str, Any]) -> list[Path]:
    """Pickle each of `contents` into a file of `folder`; returns the files."""
    for file, content in contents.items():
        write_file(folder / file, pickle.dumps(content))
    return [folder / file for file in contents]


class PlainUnpickler(pickle.Unpickler):
    """Loads numbers, text, containers and numpy's arrays; refuses everything else, which could run code."""

    allowed = frozenset({("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}) | {
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (("multiarray", "_reconstruct"), ("numeric", "_frombuffer"))
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return a function that makes an array; raises `UnpicklingError` for any other name."""
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it would call {module}.{name}")
        return super().find_class(module, name)


def _check_pickles(kind: TorchvisionSet, root: Path) -> None:
    """Raise `UserError` for a pickle of a stand-in that holds more than arrays.

    torchvision loads what has the right digest, and the digests of a stand-in are those that its own folder states.
    """
    from torchvision import datasets  # imported here because it takes seconds

    reader = getattr(datasets, kind.reader)
    names = [file for file, _ in (*reader.train_list, *reader.test_list)] + [reader.meta["filename"]]
    for path in (root / reader.base_folder / name for name in names):
        try:
            PlainUnpickler(io.BytesIO(regular(path).read_bytes())).load()
        except Exception as error:  # damaged pickles raise many kinds
            raise UserError(f"{path}: no batch of a stand-in ({reason(error)}); write the stand-in again") from error


def _png(image: NDArray[np.uint8]) -> bytes:
    return png(Image.fromarray(image))


def _digests(reader: Any, md5: dict[str, str]) -> dict[str, Any]:
    lists = {name: [[file, md5[file]] for file, _ in getattr(reader, name)] for name in ("train_list", "test_list")}
    return {**lists, "meta": reader.meta | {"md5": md5[reader.meta["filename"]]}}
