"""The nearest-neighbour entropy of Kozachenko & Leonenko (1987), in R^d and on the sphere, in nats.

It shares nothing with the kernel estimates and has no bandwidth, so it serves as a check on them. The probability of
the ball that reaches to a point's m-th neighbour has the mean logarithm psi(m) - psi(k), whatever the density is;
divided by the ball's volume it gives the density, and so the entropy. The only bias comes from changes of the density
within a ball: uniform points have none. It is not differentiable; the cost is k^2 d. All computations are in float64.

The incomplete beta function is our own because scipy's `betainc` underflows: see `_log_incomplete_beta`.
"""

import math

import torch
from torch import Tensor

from entrec.information.checks import check_dimension, check_finite, check_sample, unit_vectors
from entrec.information.portable import arcsin, log
from entrec.information.products import product
from entrec.information.sphere import log_area

ROWS = 1024  # of the matrix of distances at a time


@torch.no_grad()
def nearest_neighbour_entropy(points: Tensor, *, neighbours: int) -> Tensor:
    """Return the entropy of `points` (k, d) in R^d from distances to the `neighbours`-th neighbour; a float64 scalar.

    It is -inf where points coincide. Raises `ValueError` for k <= neighbours and for values that are not finite.
    """
    check_sample(points)
    check_finite(points)
    points = points.double()
    radii = _distances(points - points.mean(dim=0), neighbours)  # far from 0 distances would lose their digits
    d = points.shape[1]
    log_ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    return _entropy(log_ball + d * log(radii), neighbours)


@torch.no_grad()
def spherical_nearest_neighbour_entropy(embeddings: Tensor, *, neighbours: int) -> Tensor:
    """Return the same entropy on S^(d-1) for unit vectors `embeddings` (k, d), with the exact area of each cap.

    Raises `ValueError` for k <= neighbours, d < 2 and rows that are not unit vectors.
    """
    z = unit_vectors(embeddings.double())
    check_dimension(z.shape[1])
    angles = 2 * arcsin((_distances(z, neighbours) / 2).clamp(max=1))
    return _entropy(log_cap_area(z.shape[1], angles), neighbours)


def log_cap_area(d: int, angles: Tensor) -> Tensor:
    """Return the log area of caps of S^(d-1) within `angles` (0 to pi) of their centres; float64, shape of `angles`.

    It is half the sphere's area times the incomplete beta function of sin^2 (Li, 2011), and the rest of the sphere's
    area for angles above pi/2.
    """
    check_dimension(d)
    angles = angles.double()
    half = log_area(d) - math.log(2)
    small = half + _log_incomplete_beta((d - 1) / 2, 0.5, angles.sin() ** 2, angles.cos() ** 2)
    return torch.where(angles <= math.pi / 2, small, log_area(d) + torch.log1p(-(small - log_area(d)).exp()))


def _log_incomplete_beta(a: float, b: float, x: Tensor, rest: Tensor) -> Tensor:
    """Return log I_x(a, b), with `rest` = 1 - x to full precision, in log space: powers of x underflow for large a."""
    front = torch.special.xlogy(a, x) + torch.special.xlogy(b, rest)
    front = front + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    below = front - math.log(a) + log(_beta_fraction(a, b, x))
    above = torch.log1p(-(front - math.log(b) + log(_beta_fraction(b, a, rest))).exp())
    return torch.where(x < (a + 1) / (a + b + 2), below, above)


def _beta_fraction(a: float, b: float, x: Tensor) -> Tensor:
    """Return the continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.

    For x below the mean it converges within about sqrt(max(a, b)) steps.
    """
    tiny = 1e-300
    c, d = torch.ones_like(x), 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, int(4 * math.sqrt(max(a, b))) + 100):
        for coefficient in (
            m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + coefficient * x * d, tiny)
            c = _away_from_zero(1 + coefficient * x / c, tiny)
            value = value * c * d
    return value


def _away_from_zero(x: Tensor, tiny: float) -> Tensor:
    return torch.where(x.abs() < tiny, tiny, x)


def _distances(points: Tensor, neighbours: int) -> Tensor:
    """Return the Euclidean distance of each point to its `neighbours`-th neighbour, (k,)."""
    check_sample(points)
    k = len(points)
    if not 1 <= neighbours < k:
        raise ValueError(f"need 1 <= neighbours < k, got neighbours={neighbours} for shape {tuple(points.shape)}")
    squares = points.square().sum(dim=1)
    found = []
    for rows in torch.arange(k, device=points.device).split(ROWS):
        # without the row's own square, which changes no order; the smallest is the distance of the point to itself
        order = squares - 2 * product(points[rows], points.T)
        neighbour = order.kthvalue(neighbours + 1, dim=1).indices
        found.append(torch.linalg.vector_norm(points[rows] - points[neighbour], dim=1))
    return torch.cat(found)


def _entropy(log_volumes: Tensor, neighbours: int) -> Tensor:
    count = torch.tensor([len(log_volumes), neighbours], dtype=torch.float64, device=log_volumes.device)
    whole, part = torch.digamma(count)
    return whole - part + log_volumes.mean()
