"""The images of a prepared dataset by their numbers: rows of one array, or encoded images decoded when asked for.

A `Stack` holds images of one size and is cut where views are made; `Loose` images each have a size of their own, and
of each only the part that a view shows is handed on, so that the rest of a panorama costs nothing further.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from entrec.data.encoding import UNREADABLE
from entrec.data.reasons import reason
from entrec.errors import UserError

CENTRE = 224 / 256  # of the shorter side: what ImageNet's customary evaluation shows


class Boxes(NamedTuple):
    """Where to cut each of n images: (n,) int64 each, in pixels from its top left corner."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor


class Pixels(Protocol):
    """Some images of a dataset, uint8."""

    @property
    def heights(self) -> Tensor:
        """(n,) int64."""

    @property
    def widths(self) -> Tensor:
        """(n,) int64."""

    def centres(self) -> Boxes:
        """What is shown of each image where nothing is random: a square."""

    def cut(self, boxes: Boxes) -> tuple[Tensor, Boxes]:
        """An array (n, h, w, c) that holds at least the `boxes`, and where in it they lie."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Images (n, h, w, c) of one size."""

    values: Tensor

    @property
    def heights(self) -> Tensor:
        """(n,) int64."""
        return torch.full((len(self.values),), self.values.shape[1])

    @property
    def widths(self) -> Tensor:
        """(n,) int64."""
        return torch.full((len(self.values),), self.values.shape[2])

    def centres(self) -> Boxes:
        """All of each image: these are square and were cut when they were prepared."""
        corner = torch.zeros(len(self.values), dtype=torch.int64)
        return Boxes(corner, corner, self.heights, self.widths)

    def cut(self, boxes: Boxes) -> tuple[Tensor, Boxes]:
        """The whole images: whoever resamples a box leaves out the rest."""
        return self.values, boxes


@dataclass(frozen=True, eq=False)
class Loose:
    """Images (h, w, 3), each of its own size."""

    values: Sequence[NDArray[np.uint8]]

    @property
    def heights(self) -> Tensor:
        """(n,) int64."""
        return torch.tensor([image.shape[0] for image in self.values])

    @property
    def widths(self) -> Tensor:
        """(n,) int64."""
        return torch.tensor([image.shape[1] for image in self.values])

    def centres(self) -> Boxes:
        """Central squares, `CENTRE` of the shorter side wide."""
        heights, widths = self.heights, self.widths
        side = (CENTRE * torch.minimum(heights, widths)).round().long()
        return Boxes((heights - side) // 2, (widths - side) // 2, side, side)

    def cut(self, boxes: Boxes) -> tuple[Tensor, Boxes]:
        """The boxes alone, each in the top left corner of an array as large as the highest and widest need."""
        cut = np.zeros((len(self.values), int(boxes.height.max()), int(boxes.width.max()), 3), dtype=np.uint8)
        for target, image, *box in zip(cut, self.values, *(numbers.tolist() for numbers in boxes), strict=True):
            top, left, height, width = box
            target[:height, :width] = image[top : top + height, left : left + width]
        corner = torch.zeros_like(boxes.top)
        return torch.from_numpy(cut), Boxes(corner, corner, boxes.height, boxes.width)


class Images(Protocol):
    """All images of a prepared dataset, of which it pays to read `ahead` batches while one is used."""

    ahead: int

    def __len__(self) -> int: ...

    def read(self, rows: NDArray[np.int64]) -> Pixels:
        """The images with these numbers, in their order."""


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Rows of `array` (N, h, w, c) uint8, which may be mapped from disk."""

    array: NDArray[np.uint8]
    ahead = 0

    def __len__(self) -> int:
        return len(self.array)

    def read(self, rows: NDArray[np.int64]) -> Stack:
        """The images with these numbers, in their order."""
        return Stack(torch.from_numpy(self.array[rows]))


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """Files of any format that Pillow reads, as bytes by number, decoded to colour by as many threads as torch has.

    Pillow lets go of the interpreter while it decodes, so threads are enough and nothing is copied between processes.
    """

    files: Sequence[bytes]
    ahead = 2

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: NDArray[np.int64]) -> Loose:
        """The images with these numbers, in their order; raises `UserError` for one that cannot be decoded."""
        return Loose(list(self._decoders.map(self._decode, rows.tolist())))

    @cached_property
    def _decoders(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="decoder")

    def _decode(self, row: int) -> NDArray[np.uint8]:
        try:
            with Image.open(io.BytesIO(self.files[row])) as image:
                return np.asarray(image.convert("RGB"))
        except UNREADABLE as error:
            raise UserError(f"image {row} cannot be decoded ({reason(error)}); prepare the dataset again") from error
