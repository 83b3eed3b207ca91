"""Patches of ten colour photographs that ship inside scikit-image and scikit-learn; the class is the photograph.

Each photograph is shrunk to 256x384 pixels and cut into square blocks, each block into four patches. A
block goes to one part of the split as a whole, so the parts show different regions and share no pixel.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from entrec.data.packaged import packaged_file
from entrec.data.pixels import BILINEAR
from entrec.data.source import Source
from entrec.settings import Dataset

PATCH = 32  # pixels of the shrunk photograph
ROWS, COLUMNS = 4, 6  # blocks of 2x2 patches: the largest grid within the smallest photograph, 300x451

# class: package, file, licence as the package states it
PHOTOGRAPHS = {
    "astronaut": ("skimage", "data/astronaut.png", "public domain (NASA)"),
    "cat": ("skimage", "data/chelsea.png", "CC0 (Stefan van der Walt)"),
    "china": ("sklearn", "datasets/images/china.jpg", "CC BY 2.0 (danielbuechele)"),
    "coffee": ("skimage", "data/coffee.png", "CC0 (Rachel Michetti)"),
    "flower": ("sklearn", "datasets/images/flower.jpg", "CC BY 2.0 (vultilion)"),
    "galaxies": ("skimage", "data/hubble_deep_field.jpg", "public domain (NASA)"),
    "motorcycle": ("skimage", "data/motorcycle_left.png", "not stated (Middlebury stereo benchmark 2014)"),
    "retina": ("skimage", "data/retina.jpg", "CC0 (Häggström 2014)"),
    "rocket": ("skimage", "data/rocket.jpg", "public domain (SpaceX)"),
    "tissue": ("skimage", "data/ihc.png", "no known copyright restrictions"),
}


def load(spec: Dataset) -> Source:
    """96 patches of 32x32 colour pixels for each photograph, in 24 groups: one for each block."""
    patches = np.concatenate([cut(photograph(name)) for name in PHOTOGRAPHS])
    blocks = np.arange(len(PHOTOGRAPHS) * ROWS * COLUMNS)
    return Source(
        images=patches,
        labels=np.repeat(np.arange(len(PHOTOGRAPHS)), 4 * ROWS * COLUMNS),
        classes=list(PHOTOGRAPHS),
        description="Patches of 32x32 pixels of ten photographs of 256x384; parts hold whole 64x64 blocks.",
        licence="; ".join(f"{name}: {licence}" for name, (_, _, licence) in PHOTOGRAPHS.items()),
        origin="photographs inside scikit-image and scikit-learn",
        groups=np.repeat(blocks, 4),
    )


def photograph(name: str) -> NDArray[np.uint8]:
    """The photograph of a class, cut in the middle and shrunk to what the blocks cover: (256, 384, 3)."""
    package, file, _ = PHOTOGRAPHS[name]
    height, width = 2 * PATCH * ROWS, 2 * PATCH * COLUMNS
    with Image.open(packaged_file(package, file)) as image:
        return np.asarray(ImageOps.fit(image.convert("RGB"), (width, height), BILINEAR))


def cut(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The patches of a photograph, (96, 32, 32, 3); each run of four makes one block."""
    grid = image.reshape(ROWS, 2, PATCH, COLUMNS, 2, PATCH, 3)
    return grid.transpose(0, 3, 1, 4, 2, 5, 6).reshape(-1, PATCH, PATCH, 3)
