"""The modified Bessel function of the first kind in log space, and the ratio of neighbouring orders.

Debye's expansion in the order, uniform in the argument (DLMF 10.41.3 and 10.41.5), is evaluated at an order
of at least `FIRST_ORDER`, where it is exact to float64. The recurrence I_{v-1} = I_{v+1} + (2v / x) I_v,
which is stable towards lower orders, then leads down to the requested order. The number of steps does not depend on the
argument, nothing underflows, and a tensor is computed on its own device.
"""

import math
from fractions import Fraction
from typing import Any, overload

import torch
from torch import Tensor

from entrec.information.portable import log, sqrt

FIRST_ORDER = 40
TERMS = 12


@overload
def log_bessel_i(order: float, x: float) -> float: ...
@overload
def log_bessel_i(order: float, x: Tensor) -> Tensor: ...
def log_bessel_i(order: float, x: float | Tensor) -> float | Tensor:
    """Return log I_order(x) for order >= 0 and x > 0; float64, of the shape of `x`, for a tensor `x`.

    The error is below 1e-10 of the value, or below 1e-10 where the value is smaller than 1, for orders up to 32,768
    and x from 1e-6 to 1e6. Raises `ValueError` outside the domain.
    """
    x = _checked(order, x)
    high = _high(order)
    ratios = _ratios(order, x, _high_ratio(high, x))
    total = _high_log(high, x)
    for ratio in ratios[1:]:  # the first leads from `high` upwards
        total = total - log(ratio)
    return total


@overload
def bessel_ratio(order: float, x: float) -> float: ...
@overload
def bessel_ratio(order: float, x: Tensor) -> Tensor: ...
def bessel_ratio(order: float, x: float | Tensor) -> float | Tensor:
    """Return I_{order+1}(x) / I_order(x), between 0 and 1, with a relative error below 1e-10.

    Domain, shapes and errors raised are those of `log_bessel_i`.
    """
    x = _checked(order, x)
    return _ratios(order, x, _high_ratio(_high(order), x))[-1]


def _checked(order: float, x: float | Tensor) -> Any:
    """Return `x` in double precision; raises `ValueError` outside the domain."""
    if isinstance(x, Tensor):
        inside = torch.compiler.is_compiling() or bool(((x > 0) & torch.isfinite(x)).all())
    else:
        inside = x > 0 and math.isfinite(x)
    if not (order >= 0 and inside):
        raise ValueError(f"need order >= 0 and finite x > 0, got order={order}, x={x}")
    return x.double() if isinstance(x, Tensor) else float(x)


def _high(order: float) -> float:
    return order + max(0, math.ceil(FIRST_ORDER - order))


def _ratios(order: float, x: Any, ratio: Any) -> list[Any]:
    """Return I_{v+1}/I_v from v = `_high(order)`, where it is `ratio`, down to v = `order`."""
    ratios = [ratio]
    v = _high(order)
    while v > order:
        ratios.append(1 / (ratios[-1] + 2 * v / x))
        v -= 1
    return ratios


def _high_log(v: float, x: Any) -> Any:
    root, z, t = _debye(v, x)
    exponent = v * (root + log(z / (1 + root)))
    return exponent - 0.5 * math.log(2 * math.pi * v) - 0.5 * log(root) + log(_series(_U, v, t))


def _high_ratio(v: float, x: Any) -> Any:
    """Return I'_v / I_v - v / x by the two expansions; leading terms are subtracted by hand, so nothing cancels."""
    root, z, t = _debye(v, x)
    return z * (1 / (1 + root) - t * t / v * _series(_W, v, t) / _series(_U, v, t))


def _debye(v: float, x: Any) -> tuple[Any, Any, Any]:
    z = x / v
    root = sqrt(1 + z * z)
    return root, z, 1 / root


def _series(polynomials: list[list[float]], v: float, t: Any) -> Any:
    """Return the sum over k of (t / v)^k p_k(t^2), by Horner's rule in both variables."""
    square, step = t * t, t / v
    total: Any = 0.0
    for polynomial in reversed(polynomials):
        value: Any = 0.0
        for coefficient in reversed(polynomial):
            value = value * square + coefficient
        total = total * step + value
    return total


def _debye_polynomials() -> tuple[list[list[float]], list[list[float]]]:
    """Return p_k of u_k(t) = t^k p_k(t^2) (DLMF 10.41.9), and of w_k = u_k / 2 + t u_k', which v_{k+1} adds to u_{k+1}.

    In u_{k+1} = t^2 (1 - t^2) u_k' / 2 + (integral of (1 - 5 s^2) u_k from 0 to t) / 8 each power t^n of u_k
    gives a term in t^(n+1) and one in t^(n+3).
    """
    p = [Fraction(1)]
    u, w = [], []
    for k in range(TERMS):
        powers = [k + 2 * j for j in range(len(p))]
        u.append([float(c) for c in p])
        w.append([float(c * (Fraction(1, 2) + n)) for c, n in zip(p, powers, strict=True)])
        following = [Fraction(0)] * (len(p) + 1)
        for j, (c, n) in enumerate(zip(p, powers, strict=True)):
            following[j] += c * (Fraction(n, 2) + Fraction(1, 8 * (n + 1)))
            following[j + 1] -= c * (Fraction(n, 2) + Fraction(5, 8 * (n + 3)))
        p = following
    return u, w


_U, _W = _debye_polynomials()
