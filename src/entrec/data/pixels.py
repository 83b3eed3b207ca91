"""Conversion of square images to the study's channels and size, with Pillow's arithmetic."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BILINEAR = Image.Resampling.BILINEAR  # antialiased when shrinking


def with_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert images (N, h, w, C) to grey by ITU-R 601 luma, rounded as in Pillow, or to colour by copies of grey."""
    if images.shape[3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=3)
    weights = np.array([19595, 38470, 7471], dtype=np.uint32)  # 0.299, 0.587, 0.114 in 65536ths
    luma = (images @ weights + 32768) >> 16
    return luma.astype(np.uint8)[..., None]


def with_size(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize (N, S, S, C) to (N, size, size, C) by an antialiased bilinear filter; images of that size stay as is."""
    if images.shape[1:3] == (size, size):
        return images
    resized = np.empty((len(images), size, size, images.shape[3]), dtype=np.uint8)
    for image, target in zip(images, resized, strict=True):
        pillow = Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
        target[:] = np.asarray(pillow.resize((size, size), BILINEAR)).reshape(target.shape)
    return resized


def central_square(image: Image.Image, size: int) -> NDArray[Any]:
    """Return the largest central square of a photograph, resized to (size, size, 3)."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").resize((size, size), BILINEAR, box=(left, top, left + side, top + side))
    return np.asarray(square)
