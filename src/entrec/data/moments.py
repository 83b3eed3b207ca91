"""Mean and deviation of channels, gathered image by image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from entrec.data.colour import lab
from entrec.settings import Colour


@dataclass(frozen=True)
class Moments:
    """Sums over pixels of each channel and of its square, in float64."""

    images: int
    pixels: int
    first: tuple[float, ...]
    second: tuple[float, ...]

    def __add__(self, other: "Moments") -> "Moments":
        first, second = np.add(self.first, other.first), np.add(self.second, other.second)
        images, pixels = self.images + other.images, self.pixels + other.pixels
        return Moments(images, pixels, tuple(first.tolist()), tuple(second.tolist()))

    @property
    def mean(self) -> list[float]:
        """Of each channel, every pixel counted alike."""
        return (np.array(self.first) / self.pixels).tolist()

    @property
    def std(self) -> list[float]:
        """Of each channel, every pixel counted alike."""
        variance = np.array(self.second) / self.pixels - np.square(self.mean)
        return np.sqrt(variance.clip(min=0)).tolist()

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Moments":
        """From the plain values that `asdict` and JSON make of them."""
        return cls(values["images"], values["pixels"], tuple(values["first"]), tuple(values["second"]))


NOTHING = Moments(0, 0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def moments(image: NDArray[np.uint8], colour: Colour) -> Moments:
    """Of one colour image (h, w, 3), in units of [0, 1] or, of CIE Lab, its own."""
    if colour == "lab":
        pixels = lab(torch.tensor(image).permute(2, 0, 1)[None].double() / 255)[0].flatten(1).T.numpy()
    else:
        pixels = image.reshape(-1, 3) / 255
    first, second = pixels.sum(axis=0), np.square(pixels).sum(axis=0)
    return Moments(1, len(pixels), tuple(first.tolist()), tuple(second.tolist()))
