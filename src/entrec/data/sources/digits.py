"""Handwritten digits, 8x8 grey: the test split of UCI's optical recognition set, as scikit-learn ships it."""

import numpy as np

from entrec.data.source import Loaded
from entrec.settings import Dataset

LEVELS = 16  # the set's grey values run from 0 to 16


def load(spec: Dataset) -> Loaded:
    """Return the 1,797 digits, their grey values scaled to 0 to 255; there is no official split."""
    from sklearn.datasets import load_digits  # imported here because it takes seconds

    digits = load_digits()
    images = np.round(digits.images * (255 / LEVELS)).astype(np.uint8)
    return Loaded(
        images=images[..., None],
        labels=digits.target.astype(np.int64),
        classes=[str(digit) for digit in range(10)],
        description="Handwritten digits of 43 people, 8x8 pixels, 17 grey levels scaled to 256.",
        licence="CC BY 4.0",
        origin="UCI Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998), inside scikit-learn",
    )
