"""Outputs of a frozen network on a prepared dataset."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from entrec.data.views import normalise, to_float
from entrec.progress import progress

Precision = Literal["float32", "bfloat16"]


@torch.no_grad()
def extract(
    backbone: nn.Module,
    images: np.ndarray,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device,
    batch_size: int,
    precision: Precision,
    description: str = "frozen features",
) -> Tensor:
    """Features `(n, d)` in float32, on `device`, of uint8 `images` `(n, h, w, c)` at the size they have.

    `images` may be memory-mapped: one batch of it is read at a time. `mean` and `std` are per channel,
    of pixels in [0, 1]. No crop, no test-time augmentation; the backbone is left as it was found.
    """
    backbone.to(device)
    features = []
    with frozen(backbone), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for start in progress(range(0, len(images), batch_size), description):
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).to(device)
            features.append(backbone(normalise(to_float(batch), mean, std)).float())
    return torch.cat(features)


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards every submodule is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
