"""The nearest-neighbour entropy of Kozachenko & Leonenko (1987), in R^d and on the sphere, in nats.

It shares nothing with the kernel estimates and has no bandwidth, which makes it the check on them. The
share of the probability that the ball up to a point's m-th neighbour holds has the mean logarithm
psi(m) - psi(k), whatever the density; the ball's volume turns it into an entropy. The only bias is from the
density's change within a ball: none for uniform points. Not differentiable; the cost is k^2 d.
"""

import math

import torch
from torch import Tensor

from entrec.information.checks import check_finite, check_on_sphere, check_sample
from entrec.information.sphere import log_area

ROWS = 1024  # of the matrix of distances at a time


@torch.no_grad()
def nearest_neighbour_entropy(points: Tensor, *, neighbours: int) -> Tensor:
    """Entropy of `points` (k, d) in R^d from the distances to the `neighbours`-th neighbour; a float64 scalar.

    Raises `ValueError` for k <= neighbours and for values that are not finite; -inf where points coincide.
    """
    check_finite(points)
    radii = _distances(points, neighbours)
    d = points.shape[1]
    log_ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    return _entropy(log_ball + d * radii.log(), neighbours)


@torch.no_grad()
def spherical_nearest_neighbour_entropy(embeddings: Tensor, *, neighbours: int) -> Tensor:
    """The same on S^(d-1) for unit vectors `embeddings` (k, d), with the exact area of each cap."""
    check_on_sphere(embeddings)
    angles = 2 * torch.asin((_distances(embeddings, neighbours) / 2).clamp(max=1))
    return _entropy(log_cap_area(embeddings.shape[1], angles), neighbours)


def log_cap_area(d: int, angles: Tensor) -> Tensor:
    """Log area of the caps of S^(d-1) within `angles` (0 to pi) of their centres; float64, shape of `angles`.

    The integral of sin^(d-2), as a hypergeometric series of positive terms (DLMF 8.17.7), on the host.
    """
    from scipy.special import hyp2f1  # only the theory study needs it

    folded = torch.minimum(angles, math.pi - angles).double().cpu()
    sine = folded.sin()
    series = torch.as_tensor(hyp2f1(0.5, (d - 1) / 2, (d + 1) / 2, (sine**2).numpy()))
    rim = log_area(d - 1) if d > 2 else math.log(2)  # the circle's rim is two points
    small = rim + (d - 1) * sine.log() - math.log(d - 1) + series.log()
    rest = log_area(d) + torch.log1p(-(small - log_area(d)).exp())
    return torch.where(angles.cpu() <= math.pi / 2, small, rest).to(angles.device)


def _distances(points: Tensor, neighbours: int) -> Tensor:
    """Euclidean distance of each point to its `neighbours`-th neighbour, float64, (k,)."""
    check_sample(points)
    k = len(points)
    if not 1 <= neighbours < k:
        raise ValueError(f"need 1 <= neighbours < k, got neighbours={neighbours} for shape {tuple(points.shape)}")
    points = points.double()
    rows = [
        torch.cdist(points[start : start + ROWS], points).kthvalue(neighbours + 1, dim=1).values
        for start in range(0, k, ROWS)
    ]  # the smallest distance is a point's own
    return torch.cat(rows)


def _entropy(log_volumes: Tensor, neighbours: int) -> Tensor:
    count = torch.tensor([len(log_volumes), neighbours], dtype=torch.float64, device=log_volumes.device)
    whole, part = torch.digamma(count)
    return whole - part + log_volumes.mean()
