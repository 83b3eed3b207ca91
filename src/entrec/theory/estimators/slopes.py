"""Exponents of power laws, fitted to measurements with known errors."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from entrec.information.portable import log

NORMAL_95 = 1.959964  # half-width of a 95 % interval in standard errors


class Fit(NamedTuple):
    """An exponent and its 95 % interval."""

    slope: float
    low: float
    high: float


def power_law(x: Sequence[float], y: Sequence[float], relative_errors: Sequence[float]) -> Fit:
    """Return the exponent of y ~ x^slope, by weighted least squares on logarithms.

    Weights are the inverse squares of `relative_errors`. Where the points lie farther from the curve than their errors
    say, the interval is widened by the root of chi^2 per degree of freedom. Raises `ValueError` for fewer than three
    points and for values that are not positive.
    """
    return _fit(x, y, relative_errors, corrected=False)


def leading_power_law(x: Sequence[float], y: Sequence[float], relative_errors: Sequence[float]) -> Fit:
    """Return the exponent for large x of y ~ x^slope (1 + c / x + …), where c is fitted too.

    A straight line through small x would be off by far more than its interval says. Raises `ValueError` for fewer than
    four points and for values that are not positive.
    """
    return _fit(x, y, relative_errors, corrected=True)


def _fit(x: Sequence[float], y: Sequence[float], relative_errors: Sequence[float], *, corrected: bool) -> Fit:
    parameters = 3 if corrected else 2
    if len(x) <= parameters or not all(value > 0 for value in (*x, *y, *relative_errors)):
        raise ValueError(
            f"need more than {parameters} points, all positive; got x={x}, y={y}, relative_errors={relative_errors}"
        )
    points, values, errors = (torch.tensor(v, dtype=torch.float64) for v in (x, y, relative_errors))
    columns = [log(points), torch.ones_like(points), points.min() / points]
    design = torch.stack(columns[:parameters], dim=1) / errors[:, None]
    target = log(values) / errors
    covariance = torch.linalg.inv(design.T @ design)
    found = covariance @ (design.T @ target)
    chi_square = ((target - design @ found) ** 2).sum().item() / (len(x) - parameters)
    slope = found[0].item()
    margin = NORMAL_95 * math.sqrt(max(1.0, chi_square) * covariance[0, 0].item())
    return Fit(slope, slope - margin, slope + margin)
