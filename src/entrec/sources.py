"""Every source of images: how its images are obtained, as what they are stored, and what the makers publish.

A study's datasets name their `source` among these. This module imports nothing slow and nothing of this package, so
that a study file is checked at once. A new source is its module, `data/sources/<name>.py`, and its entry here.
"""

from dataclasses import dataclass
from typing import Literal

Supply = Literal["packaged", "downloaded", "own", "makers"]

# how messages say it: "digits ships inside an installed Python package"
SUPPLIES: dict[Supply, str] = {
    "packaged": "ships inside an installed Python package",
    "downloaded": "is downloaded into the user's cache",
    "own": "is the user's own folder of images",
    "makers": "is read from the files that its makers publish",
}


@dataclass(frozen=True)
class Published:
    """What the makers of a source publish.

    `train`, `validation` and `test` count the images of the official splits; where there are no official splits, all
    images count as `train`. `gigabytes` is the size of the download. `side` is the height and width of the images in
    pixels, and None where they are photographs of many sizes.
    """

    train: int
    validation: int
    test: int
    classes: int
    gigabytes: float = 0.0
    side: int | None = None

    @property
    def images(self) -> int:
        """The number of images of all splits."""
        return self.train + self.validation + self.test


@dataclass(frozen=True)
class Source:
    """What other modules need to know of a source before its images are read.

    `supply` says how its images are obtained, and `storage` whether they are prepared as one array, stay encoded, or
    may be either. `published` is None where the number of images is unknown before the preparation. `reads` names the
    files and folders of the study's `path` that the source reads, or none if it may read them all. `may_be_passed_on`
    says whether the makers' licence allows everyone to publish the images, prepared as they are here.
    """

    supply: Supply
    storage: Literal["array", "encoded", "either"]
    published: Published | None = None
    reads: tuple[str, ...] = ()
    may_be_passed_on: bool = False

    @property
    def needs_path(self) -> bool:
        """Whether a study must name the folder of the images; other sources take no path."""
        return self.supply in ("own", "makers")

    @property
    def may_be_array(self) -> bool:
        """Whether the prepared set may be one array (`short_side: null`)."""
        return self.storage != "encoded"

    @property
    def may_be_encoded(self) -> bool:
        """Whether the prepared set may hold encoded images (`short_side` is a number)."""
        return self.storage != "array"


# the counts are those of the makers' documentation
SOURCES: dict[str, Source] = {
    "digits": Source("packaged", "array", Published(1_797, 0, 0, classes=10), may_be_passed_on=True),
    "faces": Source("packaged", "array", Published(200, 0, 0, classes=2)),
    "textures": Source("packaged", "array", Published(960, 0, 0, classes=10)),
    "fashion_mnist": Source(
        "downloaded",
        "array",
        Published(60_000, 0, 10_000, classes=10, gigabytes=0.03, side=28),
        may_be_passed_on=True,
    ),
    "folder": Source("own", "either"),
    "cifar10": Source(
        "makers",
        "either",
        Published(50_000, 0, 10_000, classes=10, gigabytes=0.2, side=32),
        reads=("cifar-10-batches-py",),
    ),
    "cifar100": Source(
        "makers",
        "either",
        Published(50_000, 0, 10_000, classes=100, gigabytes=0.2, side=32),
        reads=("cifar-100-python",),
    ),
    "imagenet": Source("makers", "encoded", Published(1_281_167, 0, 50_000, classes=1000, gigabytes=155)),
    "food101": Source(
        "makers", "encoded", Published(75_750, 0, 25_250, classes=101, gigabytes=5.0), reads=("food-101",)
    ),
    "sun397": Source(
        "makers", "encoded", Published(19_850, 0, 19_850, classes=397, gigabytes=39), reads=("SUN397", "Partitions")
    ),  # first partition
    "stanford_cars": Source(
        "makers", "encoded", Published(8_144, 0, 8_041, classes=196, gigabytes=2.0), reads=("stanford_cars",)
    ),
    "fgvc_aircraft": Source(
        "makers", "encoded", Published(3_334, 3_333, 3_333, classes=100, gigabytes=2.8), reads=("fgvc-aircraft-2013b",)
    ),
    "dtd": Source("makers", "encoded", Published(1_880, 1_880, 1_880, classes=47, gigabytes=0.6), reads=("dtd",)),
    "oxford_pets": Source(
        "makers",
        "encoded",
        Published(3_680, 0, 3_669, classes=37, gigabytes=0.8),
        reads=("oxford-iiit-pet",),
        may_be_passed_on=True,
    ),
    # without the background class; 30 images of each class train
    "caltech101": Source(
        "makers",
        "encoded",
        Published(3_030, 0, 5_647, classes=101, gigabytes=0.1),
        reads=("caltech101",),
        may_be_passed_on=True,
    ),
    "flowers102": Source(
        "makers", "encoded", Published(1_020, 1_020, 6_149, classes=102, gigabytes=0.3), reads=("flowers-102",)
    ),
}
