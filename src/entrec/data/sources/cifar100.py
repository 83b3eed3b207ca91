"""CIFAR-100 (Krizhevsky 2009): photographs of 100 kinds of things, 32x32 in colour, with an official test split."""

from functools import partial
from pathlib import Path

from entrec.data import cifar
from entrec.data.stand_in import Amount, class_names, pictures

CIFAR100 = cifar.cifar("CIFAR100", archive="cifar-100-python.tar.gz")
load, listing = partial(cifar.load, CIFAR100), partial(cifar.listing, CIFAR100)


def stand_in(root: Path, amount: Amount) -> list[Path]:
    """Write a training batch, a test batch and the names of the classes, each a pickle; returns the files."""
    batches = {"train": list(pictures(amount, split=0)), "test": list(pictures(amount, split=1))}
    contents = {file: cifar.batch(images, "fine_labels") for file, images in batches.items()}
    return cifar.write_pickles(
        root / "cifar-100-python", contents | {"meta": {"fine_label_names": class_names(amount)}}
    )
