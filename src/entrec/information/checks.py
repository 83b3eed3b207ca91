"""Checks of the estimators' arguments. A check that fails raises a `ValueError` that gives the value and the shape."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

UNIT_TOLERANCE = 1e-2  # of a squared length: bfloat16 keeps eight bits

_may_synchronise = True


@contextmanager
def without_device_sync() -> Iterator[None]:
    """Skip, inside the block, all checks of values on a device, which would synchronise with it.

    Shapes and plain numbers are still checked. The switch is global: do not use it in several threads at once.
    """
    global _may_synchronise
    before, _may_synchronise = _may_synchronise, False
    try:
        yield
    finally:
        _may_synchronise = before


class InvalidEmbeddings(ValueError):
    """What a network computes and no estimator accepts.

    Embeddings are not finite, not on the sphere, too few or of the wrong shape, or a learnt concentration is not
    positive and finite.
    """


def check_dimension(d: int) -> None:
    """Raise `ValueError` unless d >= 2: the circle is the first sphere."""
    if d < 2:
        raise ValueError(f"need dimension d >= 2, got d={d}")


def check_concentration(kappa: float | Tensor, *, shape: tuple[int, ...] | None = None) -> None:
    """Raise `ValueError` unless `kappa` is positive and finite; a tensor must have one number, or `shape` if given.

    Where `kappa` is a tensor, which may be learnt, the value is an `InvalidEmbeddings`, and the check synchronises with
    the device once.
    """
    if isinstance(kappa, Tensor):
        if shape is not None and kappa.shape not in ((), shape):
            raise ValueError(f"need kappa of shape () or {shape}, got shape {tuple(kappa.shape)}")
        if _checks_values() and not bool(((kappa > 0) & kappa.isfinite()).all()):
            raise InvalidEmbeddings(f"need finite kappa > 0, got kappa={kappa.tolist()}")
    else:
        check_positive(kappa=kappa)


def check_positive(**values: float) -> None:
    """Raise `ValueError` unless each of the named numbers is positive and finite."""
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"need finite {name} > 0, got {name}={value}")


def check_sample(z: Tensor, *, least: int = 2) -> None:
    """Raise `InvalidEmbeddings` unless `z` is a matrix of at least `least` (1 or 2) rows and one column."""
    if z.ndim != 2 or len(z) < least or z.shape[1] < 1:
        few = {1: "one embedding", 2: "two embeddings"}[least]
        raise InvalidEmbeddings(f"need at least {few}, (k, d), got shape {tuple(z.shape)}")


def check_pairs(z1: Tensor, z2: Tensor) -> None:
    """Raise `InvalidEmbeddings` unless both are matrices of one shape, so that row i of each makes a pair."""
    if z1.shape != z2.shape:
        raise InvalidEmbeddings(f"need two views of one shape (k, d), got {tuple(z1.shape)} and {tuple(z2.shape)}")
    check_sample(z1, least=1)


def check_finite(*arguments: Tensor) -> None:
    """Raise `InvalidEmbeddings` for NaN or infinity; synchronises with the device once for each argument."""
    for z in arguments:
        worst = z.detach().abs().amax() if z.numel() else z.new_zeros(())
        _check_worst(z, worst, limit=torch.finfo(z.dtype).max, wanted="finite numbers")


def unit_vectors(z: Tensor) -> Tensor:
    """Return `z` (k, d) with rows of exact unit length; they must be unit vectors up to the rounding of half precision.

    Raises `InvalidEmbeddings` for other rows. Synchronises with the device once.
    """
    check_sample(z, least=1)
    squares = z.square().sum(dim=1, keepdim=True)
    worst = (squares.detach() - 1).abs().amax()
    _check_worst(z, worst, limit=UNIT_TOLERANCE, wanted="unit vectors", measured="a squared length off by ")
    return z * squares.rsqrt()


def check_probabilities(probabilities: Tensor) -> None:
    """Raise `InvalidEmbeddings` unless the rows of `probabilities` (k, categories) are distributions."""
    if probabilities.ndim != 2 or len(probabilities) < 1:
        raise InvalidEmbeddings(f"need probabilities of shape (k, categories), got shape {tuple(probabilities.shape)}")
    p = probabilities.detach()
    worst = torch.maximum((p.sum(dim=1) - 1).abs().amax(), (-p).amax())
    _check_worst(p, worst, limit=UNIT_TOLERANCE, wanted="rows that are distributions", measured="one off by ")


def _checks_values() -> bool:
    """Return whether values may be read now. The compiler comes first: its graph must not depend on the switch."""
    return not torch.compiler.is_compiling() and _may_synchronise


def _check_worst(z: Tensor, worst: Tensor, *, limit: float, wanted: str, measured: str = "a value of ") -> None:
    if not _checks_values():
        return
    value = worst.item()
    if not value <= limit:  # also true for NaN
        raise InvalidEmbeddings(f"need {wanted}, got {measured}{value:g} in shape {tuple(z.shape)}")
