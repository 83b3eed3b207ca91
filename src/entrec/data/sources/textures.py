"""Patches of ten colour photographs that ship inside scikit-image and scikit-learn; the class is the photograph.

Each photograph is shrunk to 256x384 pixels and cut into square blocks, and each block into four patches. All patches of
a block are put into the same split, so that the splits show different regions and share no pixel.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from entrec.data.photographs import PHOTOGRAPHS, photograph
from entrec.data.pixels import BILINEAR
from entrec.data.source import Loaded
from entrec.settings import Dataset

PATCH = 32  # pixels of the shrunk photograph
ROWS, COLUMNS = 4, 6  # blocks of 2x2 patches: the largest grid within the smallest photograph, 300x451


def load(spec: Dataset) -> Loaded:
    """Return 96 patches of 32x32 colour pixels of each photograph, in 24 groups: one group for each block."""
    patches = np.concatenate([cut(shrunk(name)) for name in PHOTOGRAPHS])
    blocks = np.arange(len(PHOTOGRAPHS) * ROWS * COLUMNS)
    return Loaded(
        images=patches,
        labels=np.repeat(np.arange(len(PHOTOGRAPHS)), 4 * ROWS * COLUMNS),
        classes=list(PHOTOGRAPHS),
        description="Patches of 32x32 pixels of ten photographs of 256x384; splits hold whole 64x64 blocks.",
        licence="; ".join(f"{name}: {licence}" for name, (_, _, licence) in PHOTOGRAPHS.items()),
        origin="photographs inside scikit-image and scikit-learn",
        groups=np.repeat(blocks, 4),
    )


def shrunk(name: str) -> NDArray[np.uint8]:
    """Return the centre of the photograph `name`, shrunk to the pixels that the blocks cover: (256, 384, 3)."""
    height, width = 2 * PATCH * ROWS, 2 * PATCH * COLUMNS
    return np.asarray(ImageOps.fit(photograph(name), (width, height), BILINEAR))


def cut(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the patches of a shrunk photograph, (96, 32, 32, 3); each four in a row make one block."""
    grid = image.reshape(ROWS, 2, PATCH, COLUMNS, 2, PATCH, 3)
    return grid.transpose(0, 3, 1, 4, 2, 5, 6).reshape(-1, PATCH, PATCH, 3)
