"""What the views of a step are made of, on the device that makes them: pixels, random numbers and labels.

Images of one size: the random numbers of many steps are drawn at once, on the device. A small array of images is kept
on a GPU whole; of a larger one, the images of coming steps are read in advance. Encoded images have sizes of their own,
on which the random numbers of a crop depend: they are decoded, drawn for and cut on the CPU, in advance.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entrec.data.images import ArrayImages, Images
from entrec.data.loader import epoch_order
from entrec.data.prepared import Prepared
from entrec.data.read_ahead import ReadAhead
from entrec.data.view_parameters import ViewParameters, draw, stacked
from entrec.settings import View
from entrec.training.distributed import share
from entrec.training.transfer import Link, Packed, pack

# The images for which random numbers are drawn at once, if a batch is not larger: what the caches of a CPU hold, and on
# a GPU so many that the launches no longer matter
DRAWN_TOGETHER = {"cpu": 2**11, "cuda": 2**16}
AHEAD = 2  # batches that are read and pinned in advance for a GPU
KEPT = 1 / 8  # the share of a GPU's free memory that images may take before training


class Group(NamedTuple):
    """Views that are made together: their settings, the number of the first one, and their size in pixels."""

    views: tuple[View, ...]
    first: int
    size: int


class Shown(NamedTuple):
    """What a group of k views shows of n images.

    `pixels` are uint8 (n, h, w, c): one array for all views, where the images have one size, or one for each view, cut
    out of images of all sizes. `parameters` are (k n,), view by view.
    """

    pixels: Tensor | list[Tensor]
    parameters: ViewParameters


class Ingredients(NamedTuple):
    """What the views of one step are made of: for each group what it shows, and the labels (n,) of the images."""

    shown: list[Shown]
    labels: Tensor

    def tensors(self) -> list[Tensor]:
        """Return every tensor."""
        return [self.labels, *(t for s in self.shown for t in (*s.pixels, *s.parameters.tensors().values()))]

    def holding(self, tensors: Iterable[Tensor]) -> "Ingredients":
        """Return the same with other `tensors`, in the order of `tensors()`."""
        left = iter(tensors)
        labels = next(left)
        shown = [Shown([next(left) for _ in s.pixels], s.parameters.map(lambda _: next(left))) for s in self.shown]
        return Ingredients(shown, labels)


class Steps:
    """The images that each step takes; every process has its share. An incomplete last batch of an epoch is dropped."""

    def __init__(self, indices: NDArray[np.int64], *, batch_size: int, seed: int) -> None:
        self.indices, self.batch_size, self.seed = indices, batch_size, seed
        self.per_epoch = len(indices) // batch_size
        self._order = lru_cache(maxsize=2)(self._epoch_order)

    def samples(self, step: int) -> Tensor:
        """Return the numbers (n,) that the images of `step` have in the dataset."""
        epoch, position = divmod(step, self.per_epoch)
        numbers = self._order(epoch)[position * self.batch_size :][: self.batch_size]
        return torch.from_numpy(numbers[share(self.batch_size)])

    def _epoch_order(self, epoch: int) -> NDArray[np.int64]:
        return epoch_order(self.indices, seed=self.seed, epoch=epoch)


class Source(Protocol):
    """The ingredients of every step."""

    def at(self, step: int) -> Ingredients:
        """Return the ingredients of `step`."""


def groups(views: Sequence[tuple[View, int]], device: torch.device) -> list[Group]:
    """Return the groups of `views`, each given with its size, in their order.

    A GPU makes neighbours of one size together, with half the launches for two views. On a CPU every view is alone, so
    that its pixels fit into caches.
    """
    found: list[Group] = []
    for number, (view, size) in enumerate(views):
        if device.type == "cuda" and found and found[-1].size == size:
            found[-1] = found[-1]._replace(views=(*found[-1].views, view))
        else:
            found.append(Group((view,), number, size))
    return found


def source_of(data: Prepared, steps: Steps, views: list[Group], device: torch.device) -> Source:
    """Return the source of ingredients for the kind of the images."""
    if isinstance(data.images, ArrayImages):
        return OfOneSize(data.images, data.labels, steps, views, device)
    return OfAllSizes(data.images, data.labels, steps, views, device)


class _Drawn(NamedTuple):
    """What was drawn for s steps at once: the images' numbers and labels (s, n), and parameters (s, k n) of groups."""

    samples: Tensor
    labels: Tensor
    parameters: list[ViewParameters]


class OfOneSize:
    """The ingredients from an array of images."""

    def __init__(
        self, images: ArrayImages, labels: NDArray[np.int64], steps: Steps, views: list[Group], device: torch.device
    ) -> None:
        self.images, self.labels, self.steps, self.groups = images, labels, steps, views
        self.together = max(1, DRAWN_TOGETHER[device.type] // steps.batch_size)
        self._link = Link(device) if device.type == "cuda" else None
        self._drawn = lru_cache(maxsize=2)(self._draw)
        self._pixels = self._pixels_on(device)

    def at(self, step: int) -> Ingredients:
        """Return the ingredients of `step`."""
        block, place = divmod(step, self.together)
        drawn = self._drawn(block)
        pixels = self._pixels(step, drawn.samples[place])
        return Ingredients([Shown(pixels, p.map(lambda t: t[place])) for p in drawn.parameters], drawn.labels[place])

    def _draw(self, block: int) -> _Drawn:
        steps = range(block * self.together, (block + 1) * self.together)
        samples = torch.stack([self.steps.samples(step) for step in steps])
        epochs = torch.tensor([step // self.steps.per_epoch for step in steps])
        labels = torch.from_numpy(self.labels[samples.numpy()])
        if self._link:
            samples, epochs, labels = self._link.copied(pack([samples, epochs, labels], pinned=True))
        return _Drawn(samples, labels, [self._parameters(group, epochs, samples) for group in self.groups])

    def _parameters(self, group: Group, epochs: Tensor, samples: Tensor) -> ViewParameters:
        """Return the parameters (s, k n) of a group for `samples` (s, n) of steps in `epochs` (s,)."""
        height, width = self.images.array.shape[1:3]
        each = {"epoch": epochs[:, None].expand_as(samples).flatten(), "samples": samples.flatten()}
        views = [
            draw(view, seed=self.steps.seed, index=index, height=height, width=width, **each)
            for index, view in enumerate(group.views, group.first)
        ]
        of_steps = [view.map(lambda t: t.unflatten(0, samples.shape)) for view in views]
        return stacked(of_steps, 1).map(lambda t: t.flatten(1, 2))

    def _pixels_on(self, device: torch.device) -> Callable[[int, Tensor], Tensor]:
        """Return the function from a step, and the numbers (n,) of its images on the device, to their pixels there."""
        link = self._link
        if link is None:
            return lambda step, samples: self.images.read(samples.numpy()).values
        if may_be_kept(self.images.array.nbytes, device):
            kept = torch.tensor(self.images.array, device=device)
            return lambda step, samples: kept.index_select(0, samples)
        read = ReadAhead(
            lambda step: pack([self.images.read(self.steps.samples(step).numpy()).values], pinned=True), depth=AHEAD
        )
        return lambda step, samples: link.copied(read(step))[0]


def may_be_kept(size: int, device: torch.device) -> bool:
    """Return whether images of `size` bytes may stay on a GPU: most of its memory is for the network's activations."""
    free, _ = torch.cuda.mem_get_info(device)
    return size <= KEPT * free


class OfAllSizes:
    """The ingredients from encoded images, each of a size of its own."""

    def __init__(
        self, images: Images, labels: NDArray[np.int64], steps: Steps, views: list[Group], device: torch.device
    ) -> None:
        self.images, self.labels, self.steps, self.groups = images, labels, steps, views
        self._link = Link(device) if device.type == "cuda" else None
        self._ahead = ReadAhead(self._draw_cut_and_pin, depth=images.ahead)

    def at(self, step: int) -> Ingredients:
        """Return the ingredients of `step`."""
        made, packed = self._ahead(step)
        return made.holding(self._link.copied(packed)) if self._link and packed else made

    def draw_and_cut(self, step: int) -> Ingredients:
        """Read the images of `step` once, and draw and cut each of its views, on the CPU."""
        samples, epoch = self.steps.samples(step), step // self.steps.per_epoch
        images = self.images.read(samples.numpy())
        sides = {"height": images.heights, "width": images.widths}
        shown = []
        for group in self.groups:
            drawn = [
                draw(view, seed=self.steps.seed, epoch=epoch, samples=samples, index=index, **sides)
                for index, view in enumerate(group.views, group.first)
            ]
            cuts = [images.cut(one.boxes) for one in drawn]
            views = [one.within(boxes) for one, (_, boxes) in zip(drawn, cuts, strict=True)]
            shown.append(Shown([pixels for pixels, _ in cuts], stacked(views, 0).map(lambda t: t.flatten(0, 1))))
        return Ingredients(shown, torch.from_numpy(self.labels[samples.numpy()]))

    def _draw_cut_and_pin(self, step: int) -> tuple[Ingredients, Packed | None]:
        made = self.draw_and_cut(step)
        return made, pack(made.tensors(), pinned=True) if self._link else None
