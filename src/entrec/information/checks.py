"""What the estimators ask of their arguments; a fault is a `ValueError` that gives the value and the shape."""

import math

import torch
from torch import Tensor

UNIT_TOLERANCE = 1e-2  # of a squared length: bfloat16 keeps eight bits


class InvalidEmbeddings(ValueError):
    """Embeddings that no estimator can take: not finite, not on the sphere, or not of one shape."""


def check_dimension(d: int) -> None:
    """Spheres start with the circle, d = 2."""
    if d < 2:
        raise ValueError(f"need dimension d >= 2, got d={d}")


def check_concentration(kappa: float | Tensor) -> None:
    """Positive and finite; a tensor is looked at unless it is being compiled, which a look would break up."""
    if isinstance(kappa, Tensor):
        if not torch.compiler.is_compiling() and not bool(((kappa > 0) & kappa.isfinite()).all()):
            raise ValueError(f"need finite kappa > 0, got kappa={kappa.tolist()}")
    elif not (kappa > 0 and math.isfinite(kappa)):
        raise ValueError(f"need finite kappa > 0, got kappa={kappa}")


def check_sample(z: Tensor) -> None:
    """A matrix of at least two rows."""
    if z.ndim != 2 or len(z) < 2:
        raise InvalidEmbeddings(f"need at least two embeddings, (k, d), got shape {tuple(z.shape)}")


def check_pairs(z1: Tensor, z2: Tensor) -> None:
    """Two matrices of one shape: row i of one belongs to row i of the other."""
    if z1.ndim != 2 or z1.shape != z2.shape:
        raise InvalidEmbeddings(f"need two views of one shape (k, d), got {tuple(z1.shape)} and {tuple(z2.shape)}")


def check_finite(z: Tensor) -> None:
    """No NaN, no infinity."""
    _check_worst(z, z.detach().abs().max(), limit=torch.finfo(z.dtype).max, wanted="finite embeddings")


def check_on_sphere(*embeddings: Tensor) -> None:
    """Every row a unit vector. One look at the device for each argument; none while compiling."""
    for z in embeddings:
        if z.ndim != 2:
            raise InvalidEmbeddings(f"need embeddings of shape (k, d), got shape {tuple(z.shape)}")
        worst = (z.detach().square().sum(dim=1) - 1).abs().max()
        _check_worst(z, worst, limit=UNIT_TOLERANCE, wanted="unit vectors", measured="a squared length off by ")


def _check_worst(z: Tensor, worst: Tensor, *, limit: float, wanted: str, measured: str = "a value of ") -> None:
    if torch.compiler.is_compiling():
        return
    value = worst.item()
    if not value <= limit:  # so that NaN is a fault
        raise InvalidEmbeddings(f"need {wanted}, got {measured}{value:g} in shape {tuple(z.shape)}")


def check_probabilities(probabilities: Tensor) -> None:
    """Rows of a (k, categories) matrix that sum to 1, none of it negative."""
    if probabilities.ndim != 2 or len(probabilities) < 1:
        raise InvalidEmbeddings(f"need probabilities of shape (k, categories), got shape {tuple(probabilities.shape)}")
    p = probabilities.detach()
    worst = torch.maximum((p.sum(dim=1) - 1).abs().max(), (-p).max())
    _check_worst(p, worst, limit=UNIT_TOLERANCE, wanted="rows that are distributions", measured="one off by ")


def check_temperature(temperature: float) -> None:
    """Positive and finite."""
    if not (temperature > 0 and math.isfinite(temperature)):
        raise ValueError(f"need finite temperature > 0, got temperature={temperature}")
