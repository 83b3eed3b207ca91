"""Fixtures of points on the sphere, in double precision, the same every time."""

import pytest
import torch
from torch.nn import functional as F


@pytest.fixture
def points():
    """Return a function `points(k, d, seed)` that draws uniform points on the sphere."""

    def draw(k=200, d=10, seed=0):
        generator = torch.Generator().manual_seed(seed)
        return F.normalize(torch.randn(k, d, dtype=torch.float64, generator=generator), dim=1)

    return draw


@pytest.fixture
def pairs(points):
    """Return a function `pairs(k, d)` that draws two views: points and noisy copies of them."""

    def draw(k=64, d=10, noise=0.3, seed=0):
        z1 = points(k, d, seed)
        return z1, F.normalize(z1 + noise * points(k, d, seed + 1), dim=1)

    return draw
