"""The batch of any step, from the step's number alone: resuming needs no loader state."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from entrec.data.inputs import network_inputs
from entrec.data.loader import epoch_order
from entrec.data.prepared import Prepared
from entrec.data.read_ahead import ReadAhead
from entrec.data.view_parameters import ViewParameters
from entrec.data.views import apply, draw_view
from entrec.errors import UserError
from entrec.settings import LocalViews, View
from entrec.training.distributed import share


class Cut(NamedTuple):
    """What one view shows of each image, (n, h, w, c) uint8, what is to be done with it, and its size then."""

    pixels: Tensor
    parameters: ViewParameters
    size: int


class Batches:
    """Augmented views of a prepared dataset's training part; incomplete last batches are dropped.

    Of each batch a process gets its share; `batch_size` is that of all processes together. Each of `local`
    is one more view, a small one. Its random numbers are its own, so that the first views are what they are
    without it.
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
        self._cuts = ReadAhead(self.cut, depth=data.images.ahead)

    def at(self, step: int) -> tuple[list[Tensor], Tensor]:
        """Views, each (n, c, h, w) float32 as networks see it, and labels (n,) of `step`, counted from 0.

        The local views come last.
        """
        labels = torch.from_numpy(self.data.labels[self.samples(step).numpy()]).to(self.device)
        return [self._view(cut) for cut in self._cuts(step)], labels

    def samples(self, step: int) -> Tensor:
        """The numbers (n,) that the images of `step` have in the dataset, which has `images` of them.

        They stay on the CPU: what is drawn from them waits for no GPU.
        """
        epoch, position = divmod(step, self.steps_per_epoch)
        numbers = self._order(epoch)[position * self.batch_size :][: self.batch_size]
        return torch.from_numpy(numbers[share(self.batch_size)])

    def cut(self, step: int) -> list[Cut]:
        """Images of `step`, read once for all views."""
        samples, epoch = self.samples(step), step // self.steps_per_epoch
        pixels = self.data.images.read(samples.numpy())
        return [
            Cut(*draw_view(pixels, view, seed=self.seed, epoch=epoch, samples=samples, index=index), size)
            for index, (view, size) in enumerate(self.views)
        ]

    def _view(self, cut: Cut) -> Tensor:
        pixels = apply(cut.pixels.to(self.device, non_blocking=True), cut.parameters, cut.size)
        return network_inputs(pixels, self.data).contiguous(memory_format=self.layout)

    def _epoch_order(self, epoch: int) -> np.ndarray:
        return epoch_order(self.indices, seed=self.seed, epoch=epoch)
