"""The outputs of a frozen network on a prepared dataset."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from entrec.data.inputs import network_inputs
from entrec.data.prepared import Prepared
from entrec.data.read_ahead import ReadAhead
from entrec.data.views import centre
from entrec.progress import progress

Precision = Literal["float32", "bfloat16"]


class Compute(NamedTuple):
    """The device on which networks are computed, the precision, and whether images are stored channels last."""

    device: torch.device
    precision: Precision
    channels_last: bool


@torch.no_grad()
def extract(
    backbone: nn.Module,
    prepared: Prepared,
    rows: NDArray[np.int64],
    *,
    device: torch.device,
    batch_size: int,
    precision: Precision,
    description: str = "frozen features",
) -> Tensor:
    """Return features `(n, d)` in float32, on `device`, of the images of `prepared` with the numbers `rows` `(n,)`.

    Images are read batch by batch, encoded ones ahead of time. There is no test-time augmentation; photographs are cut
    to their central square. The backbone keeps its mode of training or evaluation.
    """
    backbone.to(device)
    images = prepared.images
    read = ReadAhead(lambda batch: images.read(rows[batch * batch_size :][:batch_size]), depth=images.ahead)
    features, inputs = [], network_inputs(prepared, device)
    with frozen(backbone), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for batch in progress(range(math.ceil(len(rows) / batch_size)), description):
            pixels = centre(read(batch), prepared.size, device)
            features.append(backbone(inputs(pixels)).float())
    return torch.cat(features)


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Put `module` in evaluation mode inside the block; afterwards every submodule is in its earlier mode again."""
    modes = [(submodule, submodule.training) for submodule in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for submodule, training in modes:
            submodule.training = training
