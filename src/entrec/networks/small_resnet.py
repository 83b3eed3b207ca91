"""A residual network small enough for a laptop: three stages of one basic block (He et al., arXiv:1512.03385)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SmallResNet(nn.Module):
    """A network from images `(n, channels, h, w)` to features `(n, 4 * width)`; `stem` as in `settings.Network`."""

    def __init__(self, *, channels: int, width: int, stem: str) -> None:
        super().__init__()
        self.num_features = 4 * width
        kernel, stride = (3, 1) if stem == "3x3" else (7, 2)
        self.stem = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.Identity() if stem == "3x3" else nn.MaxPool2d(3, 2, 1)
        self.stages = nn.Sequential(
            BasicBlock(width, width, stride=1),
            BasicBlock(width, 2 * width, stride=2),
            BasicBlock(2 * width, 4 * width, stride=2),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        return pooled(self.maps(images)[-1])

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the output of each stage for `images`: maps (n, c, h, w) with the stage's channels."""
        x = self.pool(F.relu(self.norm(self.stem(images))))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def pooled(features: Tensor) -> Tensor:
    """Return the mean (n, c) over the positions of a map (n, c, h, w)."""
    return features.mean(dim=(2, 3))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, projected where the shape changes."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity() if inputs == outputs and stride == 1 else _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def _projection(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
