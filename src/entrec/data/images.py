"""The images of a prepared dataset by their numbers: rows of one array, or encoded images decoded when asked for.

A `Stack` holds images of one size and is passed on whole. `Loose` images each have a size of their own, and only the
region of each that a view shows is passed on, so that the rest of a panorama costs nothing further.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entrec.data.decoding import Unreadable, colours
from entrec.errors import UserError

CENTRE = 224 / 256  # the share of the shorter side that ImageNet's customary evaluation shows


class Boxes(NamedTuple):
    """A box in each of n images: (n,) int64 each, in pixels, the corner counted from the image's top left."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor


class Pixels(Protocol):
    """The pixels, uint8, of n images of a dataset."""

    @property
    def heights(self) -> Tensor:
        """The height of each image in pixels, (n,) int64."""

    @property
    def widths(self) -> Tensor:
        """The width of each image in pixels, (n,) int64."""

    def centres(self) -> Boxes:
        """Return the square of each image that is shown where nothing is random."""

    def cut(self, boxes: Boxes) -> tuple[Tensor, Boxes]:
        """Return an array (n, h, w, c) that holds at least the `boxes`, and the boxes' places in this array."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Images (n, h, w, c) of one size."""

    values: Tensor

    @property
    def heights(self) -> Tensor:
        """The height of each image in pixels, (n,) int64."""
        return torch.full((len(self.values),), self.values.shape[1])

    @property
    def widths(self) -> Tensor:
        """The width of each image in pixels, (n,) int64."""
        return torch.full((len(self.values),), self.values.shape[2])

    def centres(self) -> Boxes:
        """Return the whole of each image: these are square and were cut when they were prepared."""
        corner = torch.zeros(len(self.values), dtype=torch.int64)
        return Boxes(corner, corner, self.heights, self.widths)

    def cut(self, boxes: Boxes) -> tuple[Tensor, Boxes]:
        """Return the whole images; what resamples the boxes ignores the rest."""
        return self.values, boxes


@dataclass(frozen=True, eq=False)
class Loose:
    """Images (h, w, 3), each of a size of its own."""

    values: Sequence[NDArray[np.uint8]]

    @property
    def heights(self) -> Tensor:
        """The height of each image in pixels, (n,) int64."""
        return torch.tensor([image.shape[0] for image in self.values])

    @property
    def widths(self) -> Tensor:
        """The width of each image in pixels, (n,) int64."""
        return torch.tensor([image.shape[1] for image in self.values])

    def centres(self) -> Boxes:
        """Return central squares whose side is the share `CENTRE` of the image's shorter side."""
        heights, widths = self.heights, self.widths
        side = (CENTRE * torch.minimum(heights, widths)).round().long()
        return Boxes((heights - side) // 2, (widths - side) // 2, side, side)

    def cut(self, boxes: Boxes) -> tuple[Tensor, Boxes]:
        """Return the boxes alone, each in the top left corner of an array that holds the highest and the widest."""
        cut = np.zeros((len(self.values), int(boxes.height.max()), int(boxes.width.max()), 3), dtype=np.uint8)
        for target, image, *box in zip(cut, self.values, *(numbers.tolist() for numbers in boxes), strict=True):
            top, left, height, width = box
            target[:height, :width] = image[top : top + height, left : left + width]
        corner = torch.zeros_like(boxes.top)
        return torch.from_numpy(cut), Boxes(corner, corner, boxes.height, boxes.width)


class Images(Protocol):
    """All images of a prepared dataset; while one batch is used, the next `ahead` batches should be read."""

    ahead: int

    def __len__(self) -> int: ...

    def read(self, rows: NDArray[np.int64]) -> Pixels:
        """Return the images with the numbers `rows` (n,), in this order."""


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Rows of `array` (N, h, w, c) uint8, which may be mapped from disk."""

    array: NDArray[np.uint8]
    ahead = 0

    def __len__(self) -> int:
        return len(self.array)

    def read(self, rows: NDArray[np.int64]) -> Stack:
        """Return the images with the numbers `rows` (n,), in this order."""
        return Stack(torch.from_numpy(self.array[rows]))


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """Images encoded in any format that Pillow reads, decoded to colour by as many threads as torch has.

    Pillow releases the interpreter lock while it decodes, so threads suffice, and nothing is copied between processes.
    """

    files: Sequence[bytes]
    ahead = 2

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: NDArray[np.int64]) -> Loose:
        """Return the images with the numbers `rows`; raises `UserError` for one that cannot be decoded."""
        return Loose(list(self._decoders.map(self._decode, rows.tolist())))

    @cached_property
    def _decoders(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="decoder")

    def _decode(self, row: int) -> NDArray[np.uint8]:
        try:
            return colours(self.files[row])
        except Unreadable as error:
            raise UserError(f"image {row} cannot be decoded ({error}); prepare the dataset again") from error
