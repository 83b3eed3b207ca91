"""What networks see: the one place that knows a dataset's colour space and its normalisation."""

from torch import Tensor

from entrec.data.colour import lab
from entrec.data.prepared import Prepared


def network_inputs(pixels: Tensor, prepared: Prepared) -> Tensor:
    """Convert views or whole images (n, c, h, w) in [0, 1] to the dataset's colour space and normalise each channel.

    Normalised means that the channel's mean over the training split is subtracted and its deviation divided by.
    """
    channels = lab(pixels) if prepared.colour == "lab" else pixels
    mean, std = (channels.new_tensor(values)[:, None, None] for values in (prepared.mean, prepared.std))
    return (channels - mean) / std
