"""Mean and standard deviation of the channels of images: of one array, or gathered image by image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from entrec.data.colour import lab
from entrec.information.portable import sqrt
from entrec.settings import Colour

CHUNK = 1024  # images converted to Lab at once; bounds the memory and does not change the result


def statistics(images: NDArray[np.uint8], colour: Colour) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of each channel of images (N, h, w, C), every pixel counted alike.

    Units are those of [0, 1] for `rgb`, and those of CIE Lab for `lab`, which needs C = 3.
    """
    return _lab_statistics(images) if colour == "lab" else _statistics(images)


def _statistics(images: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    # from histograms, which are exact and need no copy of the images in floating point
    levels = np.arange(256) / 255
    shares = [np.bincount(images[..., c].ravel(), minlength=256) / images[..., c].size for c in range(images.shape[3])]
    means = [float(share @ levels) for share in shares]
    return means, [float(np.sqrt(share @ (levels - mean) ** 2)) for share, mean in zip(shares, means, strict=True)]


def _lab_statistics(images: NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    pixels = images[0, ..., 0].size * len(images)
    first, second = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for start in range(0, len(images), CHUNK):
        channels = lab(torch.from_numpy(images[start : start + CHUNK]).permute(0, 3, 1, 2).double() / 255)
        first += channels.sum(dim=(0, 2, 3))
        second += channels.square().sum(dim=(0, 2, 3))
    mean = first / pixels
    return mean.tolist(), sqrt((second / pixels - mean**2).clamp(min=0)).tolist()


@dataclass(frozen=True)
class Moments:
    """Sums of each channel, and of its square, over all pixels of some images, in float64."""

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
        """The mean of each channel, every pixel counted alike."""
        return (np.array(self.first) / self.pixels).tolist()

    @property
    def std(self) -> list[float]:
        """The standard deviation of each channel, every pixel counted alike."""
        variance = np.array(self.second) / self.pixels - np.square(self.mean)
        return np.sqrt(variance.clip(min=0)).tolist()

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Moments":
        """Return the moments from the plain values that `asdict` and JSON make of them."""
        return cls(values["images"], values["pixels"], tuple(values["first"]), tuple(values["second"]))


NOTHING = Moments(0, 0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def moments(image: NDArray[np.uint8], colour: Colour) -> Moments:
    """Return the moments of one colour image (h, w, 3), in units of [0, 1] for `rgb` and of CIE Lab for `lab`."""
    if colour == "lab":
        pixels = lab(torch.tensor(image).permute(2, 0, 1)[None].double() / 255)[0].flatten(1).T.numpy()
    else:
        pixels = image.reshape(-1, 3) / 255
    first, second = pixels.sum(axis=0), np.square(pixels).sum(axis=0)
    return Moments(1, len(pixels), tuple(first.tolist()), tuple(second.tolist()))
