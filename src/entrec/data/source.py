"""What every source of images hands to the preparation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Source:
    """Labelled square images as their makers publish them, before the study's size and channels.

    `images` (N, S, S, C) uint8 with C 1 or 3; `labels` (N,) number `classes`. `official_test` (N,) marks
    the makers' test part where there is one. Images that share a number in `groups` (N,) come from one
    place and must not part ways; without it, each image is a group of its own.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: list[str]
    description: str
    licence: str
    origin: str
    official_test: NDArray[np.bool_] | None = None
    groups: NDArray[np.int64] | None = None
