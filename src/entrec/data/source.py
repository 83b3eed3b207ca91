"""What every source of images hands to the preparation."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """What is known of a source's N images beside their pixels.

    `labels` (N,) number `classes`. `official_validation` and `official_test` (N,) mark the makers' parts where there
    are such. Images that share a number in `groups` (N,) come from one place and must not part ways; without it, each
    image is a group of its own.
    """

    labels: NDArray[np.int64]
    classes: list[str]
    description: str
    licence: str
    origin: str
    official_validation: NDArray[np.bool_] | None = None
    official_test: NDArray[np.bool_] | None = None
    groups: NDArray[np.int64] | None = None

    def facts(self) -> dict[str, Any]:
        """All of this by name, for another form of the same images."""
        return {field.name: getattr(self, field.name) for field in fields(Labelled)}


@dataclass(frozen=True, eq=False, kw_only=True)
class Source(Labelled):
    """Square images (N, S, S, C) uint8 with C 1 or 3 as their makers publish them, before the study's size."""

    images: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Entry:
    """One encoded image: the name that messages give it, and how to get its bytes."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, eq=False, kw_only=True)
class Listing(Labelled):
    """Encoded images of any size and format, read one by one when asked for."""

    images: list[Entry]
