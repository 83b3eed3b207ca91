"""How much the makers of each source publish, and whether a folder holds all of it."""

from dataclasses import dataclass
from pathlib import Path

from entrec.data.source import Listing
from entrec.data.stand_in import stand_in_digests
from entrec.errors import UserError
from entrec.settings import Dataset


@dataclass(frozen=True)
class Counts:
    """Images of the official parts, all of them in `train` where there are none, and classes."""

    train: int
    validation: int
    test: int
    classes: int

    @property
    def images(self) -> int:
        """Of all parts."""
        return self.train + self.validation + self.test


COUNTS: dict[str, Counts] = {
    "imagenet": Counts(1_281_167, 0, 50_000, 1000),
    "food101": Counts(75_750, 0, 25_250, 101),
    "cifar10": Counts(50_000, 0, 10_000, 10),
    "cifar100": Counts(50_000, 0, 10_000, 100),
    "sun397": Counts(19_850, 0, 19_850, 397),  # its first partition
    "stanford_cars": Counts(8_144, 0, 8_041, 196),
    "fgvc_aircraft": Counts(3_334, 3_333, 3_333, 100),
    "dtd": Counts(1_880, 1_880, 1_880, 47),
    "oxford_pets": Counts(3_680, 0, 3_669, 37),
    "caltech101": Counts(3_030, 0, 5_647, 101),  # without the background class; 30 a class train
    "flowers102": Counts(1_020, 1_020, 6_149, 102),
    # these ship inside packages
    "fashion_mnist": Counts(60_000, 0, 10_000, 10),
    "digits": Counts(1_797, 0, 0, 10),
    "faces": Counts(200, 0, 0, 2),
    "textures": Counts(960, 0, 0, 10),
}


def check_complete(name: str, spec: Dataset, listing: Listing) -> None:
    """Raise `UserError` where an official set lacks images or classes; a stand-in has as many as it likes."""
    path = Path(spec.path or "")
    if spec.source not in COUNTS or stand_in_digests(path) is not None:
        return
    whole, images, classes = COUNTS[spec.source], len(listing.images), len(listing.classes)
    if (images, classes) != (whole.images, whole.classes):
        raise UserError(
            f"datasets.{name}: {path} has {images} images of {classes} classes, its makers' set {whole.images} of"
            f" {whole.classes}; extract or fetch it again"
        )
