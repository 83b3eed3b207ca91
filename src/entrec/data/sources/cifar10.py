"""CIFAR-10 (Krizhevsky 2009): photographs of ten kinds of things, 32x32 in colour, with an official test split."""

from functools import partial
from pathlib import Path

from entrec.data import cifar
from entrec.data.stand_in import Amount, class_names, pictures

CIFAR10 = cifar.cifar("CIFAR10", archive="cifar-10-python.tar.gz")
load, listing = partial(cifar.load, CIFAR10), partial(cifar.listing, CIFAR10)


def stand_in(root: Path, amount: Amount) -> list[Path]:
    """Write five training batches, a test batch and the names of the classes, each a pickle; returns the files."""
    train, test = list(pictures(amount, split=0)), list(pictures(amount, split=1))
    batches = {f"data_batch_{i + 1}": train[i::5] for i in range(5)} | {"test_batch": test}
    contents = {file: cifar.batch(images, "labels") for file, images in batches.items()}
    return cifar.write_pickles(
        root / "cifar-10-batches-py", contents | {"batches.meta": {"label_names": class_names(amount)}}
    )
