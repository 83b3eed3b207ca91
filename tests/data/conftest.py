"""Real images and a tiny image folder for the tests of data and views."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from entrec.data import textures
from entrec.settings import Dataset, View


@pytest.fixture(scope="session")
def spec() -> Dataset:
    """Settings of a small dataset, to be varied."""
    return Dataset(source="textures", size=8, channels=3, validation=0.25, test=0.2, metric="top1")


@pytest.fixture(scope="session")
def photographs(spec: Dataset) -> Tensor:
    """48 colour patches of photographs, (48, 32, 32, 3) uint8."""
    return torch.from_numpy(textures.load(spec).images[::20])


@pytest.fixture
def simclr() -> View:
    """Every operation that there is, each with a chance."""
    return View(
        crop_scale=(0.08, 1.0),
        crop_ratio=(0.75, 1.3333),
        flip=0.5,
        jitter=0.8,
        brightness=0.8,
        contrast=0.8,
        saturation=0.8,
        hue=0.2,
        greyscale=0.2,
        blur=0.5,
        blur_sigma=(0.1, 2.0),
        solarise=0.2,
        solarise_threshold=0.5,
    )


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Three classes of ten images of 12x10 pixels, different ones and different formats."""
    pixels = np.random.default_rng(0)
    for name in ("ant", "bee", "cat"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(10):
            image = Image.fromarray(pixels.integers(256, size=(10, 12, 3), dtype=np.uint8))
            image.save(folder / f"{number}.{'png' if number % 2 else 'jpg'}")
    return tmp_path / "images"


@pytest.fixture
def sideways() -> bytes:
    """A JPEG of 12x10 pixels held sideways (orientation 6), whose resolution tag is text where a fraction belongs."""
    tags = struct.pack("<HHI4s", 0x0112, 3, 1, b"\6\0\0\0") + struct.pack("<HHI4s", 0x011A, 2, 2, b"a\0\0\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + tags + bytes(4)
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((12, 10)).convert("RGB").save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


@pytest.fixture
def folder_spec(spec: Dataset, image_folder: Path) -> Dataset:
    """The settings that read `image_folder`."""
    return replace(spec, source="folder", path=str(image_folder))
