"""Roots and logarithms are those of mathematics, to a unit or two in the last place."""

import math

import numpy as np
import pytest
import torch

from entrec.information.portable import PortableRoots, log, log_sum_exp, sqrt

FLOAT64 = torch.float64


def values() -> torch.Tensor:
    """Numbers around 1, where a logarithm is near 0, and numbers of all sizes."""
    random = torch.Generator().manual_seed(0)
    near, far = (torch.randn(50_000, generator=random, dtype=FLOAT64) for _ in range(2))
    return torch.cat([1 + near / 1000, (1 + near / 1e9), (150 * far).exp()])


@pytest.mark.parametrize(("ours", "exact"), [(log, np.log), (sqrt, np.sqrt)], ids=["log", "sqrt"])
def test_values_are_within_two_units_in_the_last_place(ours, exact):
    x = values()
    truth = exact(x.numpy().astype(np.longdouble))
    places = np.abs(ours(x).numpy() - truth) / np.spacing(np.abs(truth.astype(np.float64)))
    assert places.max() <= 2


def test_the_logarithm_of_special_values():
    x = torch.tensor([0.0, 1.0, math.inf, math.nan, 5e-324], dtype=FLOAT64)
    expected = torch.tensor([-math.inf, 0.0, math.inf, math.nan, math.log(5e-324)], dtype=FLOAT64)
    torch.testing.assert_close(log(x), expected, rtol=1e-15, atol=0, equal_nan=True)


def test_the_derivative_of_the_logarithm_is_the_reciprocal_at_every_size():
    x = torch.tensor([1e-300, 0.3, 1.0, 7.0, 1e300], dtype=FLOAT64, requires_grad=True)
    (gradient,) = torch.autograd.grad(log(x).sum(), x)
    torch.testing.assert_close(gradient, 1 / x.detach(), rtol=1e-15, atol=0)


@pytest.mark.parametrize(("dim", "keepdim"), [(0, False), (1, True), ((0, 1), False), ((1, 2), True)])
def test_the_log_sum_of_exponentials_is_that_of_torch(dim, keepdim):
    x = 100 * torch.randn(5, 6, 7, dtype=FLOAT64, generator=torch.Generator().manual_seed(0))
    x.requires_grad_()
    ours, torchs = log_sum_exp(x, dim, keepdim=keepdim), torch.logsumexp(x, dim, keepdim=keepdim)
    torch.testing.assert_close(ours, torchs, rtol=1e-14, atol=0)
    gradients = [torch.autograd.grad(y.square().sum(), x)[0] for y in (ours, torchs)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_a_sum_of_nothing_has_the_logarithm_minus_infinity():
    assert log_sum_exp(torch.full((2, 3), -math.inf, dtype=FLOAT64), 1).tolist() == [-math.inf, -math.inf]


def test_libraries_take_the_portable_root():
    x = values().abs()
    with PortableRoots():
        assert torch.equal(torch.sqrt(x), sqrt(x))
        assert torch.equal(x.sqrt(), sqrt(x))
