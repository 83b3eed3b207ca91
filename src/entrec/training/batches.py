"""The batch of any step, computed from the step's number: a resumed run needs no state of a loader."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from entrec.data.inputs import network_inputs
from entrec.data.loader import epoch_order
from entrec.data.prepared import Prepared
from entrec.data.read_ahead import ReadAhead
from entrec.data.view_parameters import ViewParameters, draw
from entrec.data.views import augment
from entrec.errors import UserError
from entrec.settings import LocalViews, View
from entrec.training.distributed import share


class Cut(NamedTuple):
    """What one view needs of each image, its augmentation, and the view's size in pixels.

    `pixels` are (n, h, w, c) uint8 on the CPU.
    """

    pixels: Tensor
    parameters: ViewParameters
    size: int


class Batches:
    """Augmented views of a prepared dataset's training split; an incomplete last batch of an epoch is dropped.

    `batch_size` is that of all processes together, and each process gets its share. Each of `local` adds one small view
    (a local crop), whose random numbers are its own, so that the first views do not depend on it.

    A batch is made in four steps. The CPU draws the random numbers of its views and cuts what they need out of the
    images, for encoded images a few batches ahead; the device then augments and normalises.
    """

    def __init__(
        self,
        data: Prepared,
        views: tuple[View, ...],
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
        channels_last: bool,
        local: tuple[LocalViews, ...] = (),
    ) -> None:
        self.data = data
        self.views = [(view, data.size) for view in views] + [(crop.view, crop.size) for crop in local]
        self.batch_size, self.seed, self.device = batch_size, seed, device
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.indices, self.images = data.indices("train"), len(data.images)
        self.steps_per_epoch = len(self.indices) // batch_size
        if self.steps_per_epoch == 0:
            raise UserError(
                f"{data.name}: batch size {batch_size} exceeds its {len(self.indices)} training images;"
                " lower batch_sizes in the study"
            )
        self._order = lru_cache(maxsize=2)(self._epoch_order)
        self._cuts = ReadAhead(self.draw_and_cut, depth=data.images.ahead)

    def at(self, step: int) -> tuple[list[Tensor], Tensor]:
        """Return the views of `step`, counted from 0, each (n, c, h, w) float32 as networks see it, and labels (n,).

        The local views come last.
        """
        labels = torch.from_numpy(self.data.labels[self.samples(step).numpy()]).to(self.device)
        return [self._augment_and_normalise(cut) for cut in self._cuts(step)], labels

    def draw_and_cut(self, step: int) -> list[Cut]:
        """Read the images of `step` once, and draw and cut each of its views."""
        samples, epoch = self.samples(step), step // self.steps_per_epoch
        images = self.data.images.read(samples.numpy())
        size_of_each = {"height": images.heights, "width": images.widths}
        cuts = []
        for index, (view, size) in enumerate(self.views):
            drawn = draw(view, seed=self.seed, epoch=epoch, samples=samples, index=index, **size_of_each)
            pixels, boxes = images.cut(drawn.boxes)
            cuts.append(Cut(pixels, drawn.within(boxes), size))
        return cuts

    def _augment_and_normalise(self, cut: Cut) -> Tensor:
        pixels = cut.pixels.to(self.device, non_blocking=True)
        view = augment(pixels, cut.parameters, cut.size)
        return network_inputs(view, self.data).contiguous(memory_format=self.layout)

    def samples(self, step: int) -> Tensor:
        """Return the numbers (n,) that the images of `step` have in the dataset, which has `images` of them.

        They stay on the CPU, so that what is drawn from them does not wait for a GPU.
        """
        epoch, position = divmod(step, self.steps_per_epoch)
        numbers = self._order(epoch)[position * self.batch_size :][: self.batch_size]
        return torch.from_numpy(numbers[share(self.batch_size)])

    def _epoch_order(self, epoch: int) -> np.ndarray:
        return epoch_order(self.indices, seed=self.seed, epoch=epoch)
