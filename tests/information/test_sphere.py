"""The constants of the sphere, against closed forms, published figures and arbitrary precision; its samplers."""

import math

import mpmath
import pytest
import torch
from tests.conftest import generator

from entrec.information.bessel import bessel_ratio, log_bessel_i
from entrec.information.sphere import (
    log_area,
    log_vmf_constant,
    mean_resultant_length,
    sample_uniform,
    sample_vmf,
    vmf_entropy,
    vmf_information,
    vmf_log_density,
)

DIMENSIONS = [2, 3, 10, 79, 80, 81, 128, 1000, 4096, 65536]
KAPPAS = [1e-6, 1e-3, 0.3, 1.0, 10.0, 300.0, 1e4, 1e6]


def exact_log_bessel(order, x):
    """Return the log of the power series (DLMF 10.25.2) in 40 digits, summed both ways from its largest term."""
    order, quarter = mpmath.mpf(order), mpmath.mpf(x) ** 2 / 4
    peak = int((mpmath.sqrt(order**2 + 4 * quarter) - order) / 2)
    total, up, down, m = mpmath.mpf(1), mpmath.mpf(1), mpmath.mpf(1), 0
    while max(up, down) > total * mpmath.mpf(10) ** -35:
        m += 1
        up *= quarter / ((peak + m) * (peak + m + order))
        down = down * (peak - m + 1) * (peak - m + 1 + order) / quarter if m <= peak else mpmath.mpf(0)
        total += up + down
    largest = (2 * peak + order) * mpmath.log(mpmath.mpf(x) / 2)
    return largest - mpmath.loggamma(peak + 1) - mpmath.loggamma(peak + order + 1) + mpmath.log(total)


@pytest.mark.parametrize(("d", "expected"), [(10, 3.24), (128, -127.05), (1000, -2032.06)])
def test_log_area_has_the_published_values(d, expected):
    assert log_area(d) == pytest.approx(expected, abs=0.005)


def test_the_circle_and_the_sphere_have_their_school_areas():
    assert log_area(2) == pytest.approx(math.log(2 * math.pi))
    assert log_area(3) == pytest.approx(math.log(4 * math.pi))


@pytest.mark.parametrize("d", DIMENSIONS)
def test_bessel_functions_and_their_ratio_agree_with_arbitrary_precision(d):
    order = d / 2 - 1
    with mpmath.workdps(40):
        for x in KAPPAS:
            log, following = exact_log_bessel(order, x), exact_log_bessel(order + 1, x)
            ratio = mpmath.exp(following - log)
            assert abs(log_bessel_i(order, x) - log) <= 1e-10 * max(1, abs(log)), x
            assert abs(bessel_ratio(order, x) - ratio) <= 1e-10 * ratio, x


@pytest.mark.parametrize(("order", "x"), [(0, 1e-3), (4, 10), (499, 300), (0.5, 50)])
def test_the_arbitrary_precision_is_that_of_mpmath(order, x):
    with mpmath.workdps(40):
        expected = mpmath.log(mpmath.besseli(order, x))
        assert abs(exact_log_bessel(order, x) - expected) < mpmath.mpf(10) ** -30


@pytest.mark.parametrize(
    ("d", "expected"), [(10, 7.09), (64, -40.00), (128, -126.66), (256, -344.14), (1000, -2032.01)]
)
def test_the_vmf_constant_is_right_where_the_released_file_is_not(d, expected):
    assert -log_vmf_constant(d, kappa=10.0) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("d", "released"), [(64, -28.69), (128, -43.56), (256, -73.30), (1000, -246.17)])
def test_the_released_file_goes_wrong_by_its_epsilon_alone(d, released):
    order, kappa = d / 2 - 1, 10.0
    bessel = math.exp(log_bessel_i(order, kappa))
    theirs = order * math.log(kappa) - d / 2 * math.log(2 * math.pi) - math.log(bessel + 1e-7)
    assert -theirs == pytest.approx(released, abs=0.005)


@pytest.mark.parametrize("d", [2, 16, 128, 1000, 65536])
def test_a_flat_density_has_the_area_of_the_sphere_for_its_constant_and_entropy(d):
    assert -log_vmf_constant(d, kappa=1e-6) == pytest.approx(log_area(d), rel=1e-10, abs=1e-10)
    assert vmf_entropy(d, kappa=1e-6) == pytest.approx(log_area(d), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("d", [2, 10, 128])
def test_a_concentrated_density_is_the_gaussian_of_its_tangent_space(d):
    kappa = 1e6
    gaussian = (d - 1) / 2 * math.log(2 * math.pi * math.e / kappa)
    assert vmf_entropy(d, kappa=kappa) == pytest.approx(gaussian, abs=d**2 / kappa)
    assert 1 - mean_resultant_length(d, kappa=kappa) == pytest.approx((d - 1) / (2 * kappa), rel=d / kappa)


def test_on_the_sphere_in_space_the_constant_has_its_elementary_form():
    kappa = 7.0
    assert log_vmf_constant(3, kappa=kappa) == pytest.approx(math.log(kappa / (4 * math.pi * math.sinh(kappa))))
    assert mean_resultant_length(3, kappa=kappa) == pytest.approx(1 / math.tanh(kappa) - 1 / kappa)


@pytest.mark.parametrize(
    ("d", "kappa", "expected"),
    [
        *[(10, k, v) for k, v in ((1, 0.049), (5, 0.969), (10, 2.484), (25, 5.600), (50, 8.392), (100, 11.35))],
        *[(128, k, v) for k, v in ((10, 0.387), (50, 8.09), (100, 22.8))],
    ],
)
def test_information_of_a_vmf_pair_has_the_published_values(d, kappa, expected):
    digits = len(str(expected).split(".")[1])
    assert round(vmf_information(d, kappa=float(kappa)), digits) == pytest.approx(expected)


@pytest.mark.parametrize("d", [2, 10, 128, 1000])
@pytest.mark.parametrize("kappa", [1e-3, 1.0, 10.0, 1e4])
def test_the_gradient_of_the_constant_in_kappa_is_minus_the_mean_cosine(d, kappa):
    tensor = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    value = log_vmf_constant(d, kappa=tensor)
    assert value.item() == pytest.approx(log_vmf_constant(d, kappa=kappa), rel=1e-12)
    (gradient,) = torch.autograd.grad(value, tensor)
    assert gradient.item() == pytest.approx(-mean_resultant_length(d, kappa=kappa), rel=1e-12)


@pytest.mark.parametrize("d", [2, 10, 200])
def test_first_and_second_derivatives_in_kappa_agree_with_finite_differences(d):
    kappa = torch.tensor([0.7, 5.0, 40.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda k: log_vmf_constant(d, kappa=k), (kappa,))
    assert torch.autograd.gradcheck(lambda k: vmf_entropy(d, kappa=k), (kappa,))
    assert torch.autograd.gradgradcheck(lambda k: log_vmf_constant(d, kappa=k), (kappa,))


def test_a_float32_kappa_gets_a_float32_gradient_of_a_float64_value():
    kappa = torch.tensor(10.0, requires_grad=True)
    value = log_vmf_constant(128, kappa=kappa)
    value.backward()
    assert value.dtype == torch.float64
    assert kappa.grad.dtype == torch.float32
    assert value.item() == pytest.approx(126.66, abs=0.005)


def test_the_density_integrates_to_one_over_the_sphere():
    z = sample_uniform(200_000, 4, generator=generator(), dtype=torch.float64)
    density = vmf_log_density(z, z[:1].expand_as(z), kappa=3.0).exp()
    assert density.mean().item() * math.exp(log_area(4)) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("d", [2, 3, 10, 128])
@pytest.mark.parametrize("kappa", [0.01, 1.0, 10.0, 1e3])
def test_vmf_draws_have_the_mean_cosine_and_its_variance(d, kappa):
    k = 40_000
    centres = sample_uniform(1, d, generator=generator(), dtype=torch.float64).expand(k, d)
    cosine = (sample_vmf(centres, kappa=kappa, generator=generator(1)) * centres).sum(dim=1)
    mean = mean_resultant_length(d, kappa=kappa)
    variance = 1 - (d - 1) / kappa * mean - mean**2  # A' (Mardia & Jupp, A.14)
    assert cosine.mean().item() == pytest.approx(mean, abs=5 * math.sqrt(variance / k))
    assert cosine.var().item() == pytest.approx(variance, rel=0.05)


def test_vmf_draws_are_unit_vectors_and_symmetric_around_their_centre():
    centres = torch.tensor([[0.0, 0.0, 1.0]]).expand(20_000, 3)
    z = sample_vmf(centres, kappa=5.0, generator=generator())
    assert z.dtype == torch.float32
    torch.testing.assert_close(z.norm(dim=1), torch.ones(len(z)))
    assert z[:, :2].mean(dim=0).abs().max().item() < 0.02


def test_at_a_huge_kappa_draws_stay_apart_from_their_centre_by_what_the_theory_says():
    centres = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64).expand(20_000, 3)
    squared = (sample_vmf(centres, kappa=1e6, generator=generator()) - centres).square().sum(dim=1)
    assert squared.mean().item() == pytest.approx(2e-6, rel=0.05)


def test_the_same_generator_gives_the_same_draws():
    first, second = (sample_vmf(torch.eye(5), kappa=2.0, generator=generator(3)) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(("order", "x"), [(-1.0, 1.0), (1.0, 0.0), (1.0, math.inf), (1.0, math.nan)])
def test_arguments_outside_the_domain_are_named(order, x):
    for argument in (x, torch.tensor(x)):
        with pytest.raises(ValueError, match="order"):
            log_bessel_i(order, argument)


@pytest.mark.parametrize("kappa", [0.0, -1.0, math.nan, math.inf])
def test_a_kappa_that_is_not_positive_and_finite_is_named(kappa):
    for argument in (kappa, torch.tensor(kappa)):
        with pytest.raises(ValueError, match=f"kappa={kappa}"):
            log_vmf_constant(10, kappa=argument)
    with pytest.raises(ValueError, match=f"kappa={kappa}"):
        sample_vmf(torch.eye(3), kappa=kappa, generator=generator())


def test_a_line_is_no_sphere():
    with pytest.raises(ValueError, match="d=1"):
        log_area(1)


def test_points_off_the_sphere_and_views_of_two_shapes_have_no_density():
    with pytest.raises(ValueError, match=r"off by 3 in shape \(4, 4\)"):
        vmf_log_density(2 * torch.eye(4), torch.eye(4), kappa=1.0)
    with pytest.raises(ValueError, match=r"\(4, 4\) and \(3, 3\)"):
        vmf_log_density(torch.eye(4), torch.eye(3), kappa=1.0)
