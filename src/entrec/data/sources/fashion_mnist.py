"""Fashion-MNIST, 28x28 grey (Xiao, Rasul & Vollgraf, arXiv:1708.07747), with its official test split."""

import gzip
import os
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from entrec.data.reasons import reason
from entrec.data.source import Loaded
from entrec.data.torchvision_set import TorchvisionSet
from entrec.errors import UserError
from entrec.settings import Dataset

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist installs
REINSTALL = "reinstall the package dataset-fashion-mnist"
FILES = [f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
CLASSES = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
FASHION_MNIST = TorchvisionSet(
    reader="FashionMNIST",
    description="Photographs of articles of clothing, 28x28 pixels, grey.",
    licence="MIT",
    origin="Fashion-MNIST (Zalando Research 2017)",
    advice="install the Debian package dataset-fashion-mnist or connect to the network, then rerun",
)


def load(spec: Dataset) -> Loaded:
    """Return the 60,000 training and 10,000 test images, from Debian's package or else from the user's cache.

    The cache is `$XDG_CACHE_HOME/entrec` or `~/.cache/entrec`; files that it lacks are downloaded into it. Raises
    `UserError` for damaged files and where the download fails.
    """
    if DEBIAN.is_dir():
        folder, (train, test) = DEBIAN, _debian()
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "entrec"
        train, test = (FASHION_MNIST.read(folder, train=train) for train in (True, False))
    for found in (train, test):
        images, labels = len(found.data), found.targets
        if len(labels) != images or labels.max() >= len(CLASSES):
            raise UserError(
                f"{folder}: {len(labels)} labels up to {labels.max()} for {images} images of {len(CLASSES)} classes;"
                " delete or reinstall these files, then rerun"
            )
    return FASHION_MNIST.loaded(folder, train, test, CLASSES)


def _debian() -> list[Any]:
    """Read the files of Debian's package, unpacked, since torchvision reads no gzip."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "FashionMNIST" / "raw"
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_bytes(_unpacked(DEBIAN / f"{name}.gz"))
        try:
            return [FASHION_MNIST.from_files(Path(scratch), train=train) for train in (True, False)]
        except Exception as error:  # what torchvision raises for damaged files has no class in common
            raise UserError(f"{DEBIAN}: damaged ({reason(error)}); {REINSTALL}") from error


def _unpacked(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: missing or damaged ({reason(error)}); {REINSTALL}") from error
