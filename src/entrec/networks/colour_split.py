"""One encoder for the lightness of an image and one for its colour, as in CMC (arXiv:1906.05849)."""

import torch
from torch import Tensor, nn

from entrec.networks.backbones import build_backbone, num_features
from entrec.settings import Network


class ColourSplit(nn.Module):
    """A network that maps Lab images `(n, 3, h, w)` to the concatenated features of two encoders, `(n, num_features)`.

    Each encoder is as wide as the study's network, so that there are twice as many features.
    """

    def __init__(self, network: Network, *, size: int | None = None) -> None:
        super().__init__()
        self.lightness = build_backbone(network, channels=1, size=size)
        self.colour = build_backbone(network, channels=2, size=size)
        self.num_features = num_features(self.lightness) + num_features(self.colour)

    def branches(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of L and those of ab, (n, num_features / 2) each, of `images` (n, 3, h, w)."""
        lightness, colour = images.split([1, 2], dim=1)
        return self.lightness(lightness), self.colour(colour)

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat(self.branches(images), dim=1)
