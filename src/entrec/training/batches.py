"""The batch of any step, from the step's number alone: resuming needs no loader state."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from entrec.data.loader import epoch_order
from entrec.data.prepared import Prepared
from entrec.data.views import augment, normalise
from entrec.errors import UserError
from entrec.settings import View
from entrec.training.distributed import share


class Batches:
    """Augmented views of a prepared dataset's training part; incomplete last batches are dropped.

    Of each batch a process gets its share; `batch_size` is that of all processes together.
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
    ) -> None:
        self.data, self.views = data, views
        self.batch_size, self.seed, self.device = batch_size, seed, device
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.indices = data.indices("train")
        self.steps_per_epoch = len(self.indices) // batch_size
        if self.steps_per_epoch == 0:
            raise UserError(
                f"{data.name}: batch size {batch_size} exceeds its {len(self.indices)} training images;"
                " lower batch_sizes in the study"
            )
        self._order = lru_cache(maxsize=1)(self._epoch_order)

    def at(self, step: int) -> tuple[list[Tensor], Tensor]:
        """Views, each (n, c, h, w) float32 and normalised, and labels (n,) of `step`, counted from 0."""
        epoch, position = divmod(step, self.steps_per_epoch)
        samples = self._order(epoch)[position * self.batch_size :][: self.batch_size][share(self.batch_size)]
        images = torch.from_numpy(self.data.images[samples]).to(self.device, non_blocking=True)
        numbers = torch.from_numpy(samples)  # stays on the CPU: what is drawn from it waits for no GPU
        labels = torch.from_numpy(self.data.labels[samples]).to(self.device)
        return [self._view(images, numbers, epoch, index) for index in range(len(self.views))], labels

    def _view(self, images: Tensor, samples: Tensor, epoch: int, index: int) -> Tensor:
        size = self.data.images.shape[1]
        view = augment(images, self.views[index], seed=self.seed, epoch=epoch, samples=samples, index=index, size=size)
        return normalise(view, self.data.mean, self.data.std).contiguous(memory_format=self.layout)

    def _epoch_order(self, epoch: int) -> np.ndarray:
        return epoch_order(self.indices, seed=self.seed, epoch=epoch)
