"""Faces against other things, 25x25 grey: the subset of Labeled Faces in the Wild that scikit-image ships."""

import numpy as np

from entrec.data.packaged import packaged_file
from entrec.data.source import Loaded
from entrec.settings import Dataset


def load(spec: Dataset) -> Loaded:
    """Return 100 faces and 100 patches of background; there is no official split."""
    images = np.load(packaged_file("skimage", "data/lfw_subset.npy"))  # (200, 25, 25) in [0, 1]
    return Loaded(
        images=np.round(images * 255).astype(np.uint8)[..., None],
        labels=np.repeat(np.array([0, 1]), 100),
        classes=["face", "other"],
        description="Faces and background patches of news photographs, 25x25 pixels, grey.",
        licence="not stated by the makers; ships inside scikit-image (BSD-3-Clause)",
        origin="Labeled Faces in the Wild (Huang et al. 2007, 2012), subset inside scikit-image",
    )
