"""A dataset that a small network learns in a few steps: three textures under noise."""

import numpy as np
import pytest

from entrec.data.images import ArrayImages
from entrec.data.prepared import Prepared
from entrec.settings import Transfer, View

PER_CLASS = {"train": 16, "validation": 8, "test": 8}


@pytest.fixture
def stripes():
    """Return three classes of 8x8 grey images, rows, columns and neither, half covered by noise."""
    random = np.random.default_rng(0)
    wave = np.tile([40, 200], 4)
    patterns = np.stack([np.tile(wave[:, None], (1, 8)), np.tile(wave, (8, 1)), np.full((8, 8), 120)])
    splits = np.concatenate([np.full(3 * n, i, np.uint8) for i, n in enumerate(PER_CLASS.values())])
    labels = np.arange(len(splits)) % 3
    images = np.clip(patterns[labels] + random.normal(0, 60, (len(splits), 8, 8)), 0, 255).astype(np.uint8)[..., None]
    train = images[splits == 0] / 255
    return Prepared(
        name="stripes",
        images=ArrayImages(images),
        labels=labels.astype(np.int64),
        splits=splits,
        classes=["rows", "columns", "flat"],
        size=8,
        channels=1,
        card={},
        checksum="0" * 64,
        colour="rgb",
        mean=(float(train.mean()),),
        std=(float(train.std()),),
    )


@pytest.fixture
def recipe():
    """Return settings for fine-tuning of a few steps, with views that are crops."""
    view = View(
        crop_scale=(0.6, 1.0),
        crop_ratio=(0.75, 1.3333),
        flip=0.5,
        jitter=0.0,
        brightness=0.0,
        contrast=0.0,
        saturation=0.0,
        hue=0.0,
        greyscale=0.0,
        blur=0.0,
        blur_sigma=(0.1, 1.0),
        solarise=0.0,
        solarise_threshold=0.5,
    )
    return Transfer(datasets=(), epochs=4, batch_size=12, lr=(1e-3, 1e-2), weight_decay=(0.0, 0.1), view=view)
