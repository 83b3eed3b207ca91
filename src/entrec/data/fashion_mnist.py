"""Fashion-MNIST, 28x28 grey (Xiao, Rasul & Vollgraf, arXiv:1708.07747), with its official test part."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from entrec.data.idx import read_idx
from entrec.data.source import Source
from entrec.errors import UserError
from entrec.settings import Dataset

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where the package dataset-fashion-mnist installs
CLASSES = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


def load(spec: Dataset) -> Source:
    """The 60,000 training and 10,000 test images, from Debian's package or else by download."""
    folder = DEBIAN if DEBIAN.is_dir() else download()
    train_images, train_labels = read_part(folder, "train")
    test_images, test_labels = read_part(folder, "t10k")
    labels = np.concatenate([train_labels, test_labels])
    return Source(
        images=np.concatenate([train_images, test_images])[..., None],
        labels=labels,
        classes=CLASSES,
        description="Photographs of articles of clothing, 28x28 pixels, grey.",
        licence="MIT",
        origin="Fashion-MNIST (Zalando Research 2017)",
        official_test=np.arange(len(labels)) >= len(train_labels),
    )


def read_part(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, h, w) and labels (n,) of `train` or `t10k`; raises `UserError` when they do not match."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", dimensions=3)
    path = folder / f"{part}-labels-idx1-ubyte.gz"
    labels = read_idx(path, dimensions=1)
    if len(labels) != len(images) or labels.max(initial=0) >= len(CLASSES):
        raise UserError(
            f"{path}: {len(labels)} labels up to {labels.max(initial=0)} for {len(images)} images"
            f" of {len(CLASSES)} classes; fetch the dataset again"
        )
    return images, labels.astype(np.int64)


def download() -> Path:
    """Fetch the files with torchvision into the user's cache, unless they lie there; returns their folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "entrec"
    from torchvision.datasets import FashionMNIST  # here: takes seconds to import

    try:
        FashionMNIST(str(cache), download=True)
    except (OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{DEBIAN}: missing, and the download failed ({reason});"
            " install the Debian package dataset-fashion-mnist or connect to the network, then rerun"
        ) from error
    return cache / "FashionMNIST" / "raw"
