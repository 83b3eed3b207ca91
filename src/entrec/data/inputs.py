"""What networks see: the one place that knows a dataset's colour space and its normalisation."""

from dataclasses import dataclass

import torch
from torch import Tensor

from entrec.data.colour import lab
from entrec.data.prepared import Prepared


@dataclass(frozen=True, eq=False)
class NetworkInputs:
    """The conversion of pixels to what networks see: CIE's L*a*b* if `to_lab`, then minus `mean`, by `deviation`.

    Both numbers are (c, 1, 1) and lie on the device of the pixels: copied to it for every batch, they would let the
    host wait for a GPU.
    """

    to_lab: bool
    mean: Tensor
    deviation: Tensor

    def __call__(self, pixels: Tensor) -> Tensor:
        """Convert views or whole images (n, c, h, w) in [0, 1] to the colour space and normalise each channel."""
        return ((lab(pixels) if self.to_lab else pixels) - self.mean) / self.deviation


def network_inputs(prepared: Prepared, device: torch.device) -> NetworkInputs:
    """Return the conversion for `prepared`: each channel of its training split gets mean 0 and deviation 1."""
    mean, deviation = (torch.tensor(values, device=device)[:, None, None] for values in (prepared.mean, prepared.std))
    return NetworkInputs(prepared.colour == "lab", mean, deviation)
