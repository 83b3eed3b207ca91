"""The card of a prepared dataset."""

from typing import Any, Literal

from entrec.results.model import Digest, Sealed, Section
from entrec.results.numbers import Count, Natural, Positive
from entrec.settings import Colour


class SplitCounts(Section):
    """The number of images of each split."""

    train: Count
    validation: Count
    test: Count


class ClassCounts(Section):
    """The number of images of each class in each split, in the order of the classes."""

    train: tuple[Count, ...]
    validation: tuple[Count, ...]
    test: tuple[Count, ...]


class ShardEnds(Section):
    """The length of a shard in bytes, and the SHA-256 of its two ends."""

    bytes: Natural
    ends: Digest


class LeftOut(Section):
    """The number of files that are left out for one reason, and the first of their names below the dataset's folder."""

    count: Natural
    first: tuple[str, ...]


class Card(Sealed):
    """`card.json`: what a prepared dataset holds, how it was prepared, and the SHA-256 of each of its `files`.

    Results name the data that they were made from by the `digest` of its card.

    `mean` and `std` are those of each channel of `colour` over the training split, with pixels in [0, 1]. `spec` is the
    study's entry of the dataset. `left_out` counts, for each reason, the files of a user's folder that are no images of
    the set, and `conversions` the images whose pixels needed a conversion, by its name. Only encoded datasets have the
    fields from `measured` to `shards`: the number of images that `mean` and `std` were measured on, why each image that
    is left out could not be read, and the size of all shards in bytes.
    """

    description: str
    origin: str
    licence: str
    classes: tuple[str, ...]
    counts: SplitCounts
    class_counts: ClassCounts
    name: str
    size: Natural
    channels: Literal[1, 3]
    colour: Colour
    mean: tuple[float, ...]
    std: tuple[Positive, ...]
    spec: dict[str, Any]
    left_out: dict[str, LeftOut] = {}
    conversions: dict[str, Natural] = {}
    measured: Natural | None = None
    skipped: tuple[str, ...] = ()
    bytes: Natural | None = None
    shards: dict[str, ShardEnds] = {}
    files: dict[str, Digest]

    @property
    def images(self) -> int:
        """The number of images of all splits."""
        return self.counts.train + self.counts.validation + self.counts.test
