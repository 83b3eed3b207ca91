"""The constants of the sphere, against closed forms, PAPER.md's figures and arbitrary precision."""

import math

import mpmath
import pytest

from entrec.information.sphere import (
    log_area,
    log_bessel_i,
    log_vmf_constant,
    mean_resultant_length,
    vmf_information,
)


@pytest.mark.parametrize(("d", "expected"), [(10, 3.24), (128, -127.05), (1000, -2032.06)])
def test_log_area_has_the_published_values(d, expected):
    assert log_area(d) == pytest.approx(expected, abs=0.005)


def test_the_circle_and_the_sphere_have_their_school_areas():
    assert log_area(2) == pytest.approx(math.log(2 * math.pi))
    assert log_area(3) == pytest.approx(math.log(4 * math.pi))


@pytest.mark.parametrize("order", [0.0, 0.5, 4.0, 63.0, 499.0, 5000.0])
@pytest.mark.parametrize("x", [1e-3, 1.0, 10.0, 300.0, 1e4])
def test_log_bessel_agrees_with_arbitrary_precision(order, x):
    with mpmath.workdps(40):
        exact = mpmath.log(mpmath.besseli(order, x))
    assert log_bessel_i(order, x) == pytest.approx(float(exact), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(
    ("d", "expected"), [(10, 7.09), (64, -40.00), (128, -126.66), (256, -344.14), (1000, -2032.01)]
)
def test_the_vmf_constant_is_right_where_the_released_file_is_not(d, expected):
    assert -log_vmf_constant(d, kappa=10.0) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("d", [2, 16, 128, 1000])
def test_a_flat_kernel_gives_the_area_of_the_sphere(d):
    assert -log_vmf_constant(d, kappa=1e-3) == pytest.approx(log_area(d), rel=1e-6, abs=1e-6)


def test_on_the_sphere_in_space_the_constant_has_its_elementary_form():
    kappa = 7.0
    assert log_vmf_constant(3, kappa=kappa) == pytest.approx(math.log(kappa / (4 * math.pi * math.sinh(kappa))))
    assert mean_resultant_length(3, kappa=kappa) == pytest.approx(1 / math.tanh(kappa) - 1 / kappa)


@pytest.mark.parametrize(
    ("d", "kappa", "expected"),
    [(10, 1, 0.049), (10, 5, 0.969), (10, 10, 2.484), (10, 100, 11.35), (128, 10, 0.387), (128, 100, 22.8)],
)
def test_information_of_a_vmf_pair_has_the_published_values(d, kappa, expected):
    assert vmf_information(d, kappa=float(kappa)) == pytest.approx(expected, rel=0.005, abs=5e-4)


@pytest.mark.parametrize(("order", "x"), [(-1.0, 1.0), (1.0, 0.0), (1.0, math.inf), (1.0, math.nan)])
def test_arguments_outside_the_domain_are_named(order, x):
    with pytest.raises(ValueError, match="order"):
        log_bessel_i(order, x)
