"""The batch of any step, computed from the step's number: a resumed run needs no state of a loader."""

import torch
from torch import Tensor

from entrec.data.inputs import network_inputs
from entrec.data.network_views import network_views
from entrec.data.prepared import Prepared
from entrec.errors import UserError
from entrec.settings import LocalViews, View
from entrec.training.ingredients import Steps, groups, source_of


class Batches:
    """Augmented views of a prepared dataset's training split; an incomplete last batch of an epoch is dropped.

    `batch_size` is that of all processes together, and each process gets its share. Each of `local` adds one small view
    (a local crop), whose random numbers are its own, so that the first views do not depend on it.
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
        self.seed, self.device, self.images = seed, device, len(data.images)
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        indices = data.indices("train")
        if batch_size > len(indices):
            raise UserError(
                f"{data.name}: batch size {batch_size} exceeds its {len(indices)} training images;"
                " lower batch_sizes in the study"
            )
        self._steps = Steps(indices, batch_size=batch_size, seed=seed)
        self.steps_per_epoch = self._steps.per_epoch
        self._groups = groups([(v, data.size) for v in views] + [(crop.view, crop.size) for crop in local], device)
        self.source = source_of(data, self._steps, self._groups, device)
        self._inputs = network_inputs(data, device)

    def at(self, step: int) -> tuple[list[Tensor], Tensor]:
        """Return the views of `step`, counted from 0, each (n, c, h, w) float32 as networks see it, and labels (n,).

        The local views come last.
        """
        shown, labels = self.source.at(step)
        views: list[Tensor] = []
        for group, each in zip(self._groups, shown, strict=True):
            made = network_views(each.pixels, each.parameters, group.size, self._inputs, self._layout)
            views += made.chunk(len(group.views))
        return views, labels

    def samples(self, step: int) -> Tensor:
        """Return the numbers (n,) that the images of `step` have in the dataset, which has `images` of them.

        They stay on the CPU, so that what is drawn from them does not wait for a GPU.
        """
        return self._steps.samples(step)
