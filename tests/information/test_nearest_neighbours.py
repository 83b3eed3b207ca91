"""The nearest-neighbour entropy: closed forms of densities and of caps; agreement with the kernel estimate."""

import math

import pytest
import torch
from scipy.integrate import quad
from tests.conftest import generator

from entrec.information.entropy import leave_one_out_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.nearest_neighbours import (
    log_cap_area,
    nearest_neighbour_entropy,
    spherical_nearest_neighbour_entropy,
)
from entrec.information.sphere import log_area, sample_uniform, sample_vmf, vmf_entropy


@pytest.mark.parametrize("d", [2, 3, 10, 128])
def test_a_cap_has_the_area_of_its_integral_and_the_whole_sphere_its_own(d):
    rim = math.log(2) if d == 2 else log_area(d - 1)
    for angle in (0.2, 1.0, math.pi / 2, 2.0, 3.0):
        area = quad(lambda t: math.sin(t) ** (d - 2), 0, angle, epsabs=0, epsrel=1e-12)[0]
        assert log_cap_area(d, torch.tensor(angle, dtype=torch.float64)).item() == pytest.approx(rim + math.log(area))
    assert log_cap_area(d, torch.tensor(math.pi, dtype=torch.float64)).item() == pytest.approx(log_area(d))


@pytest.mark.parametrize("d", [2, 512, 4096, 65536])
def test_half_a_sphere_is_half_of_it_in_any_dimension(d):
    angles = torch.tensor([math.pi / 2 - 1e-9, math.pi / 2, math.pi / 2 + 1e-9], dtype=torch.float64)
    assert log_cap_area(d, angles).tolist() == pytest.approx([log_area(d) - math.log(2)] * 3, abs=1e-6)


def test_a_tiny_cap_in_many_dimensions_does_not_vanish():
    """sin(0.01)^999 is 1e-1998, which no float holds."""
    log_ball = 999 / 2 * math.log(math.pi) - math.lgamma(999 / 2 + 1)
    flat = log_ball + 999 * math.log(0.01)
    assert log_cap_area(1000, torch.tensor(0.01, dtype=torch.float64)).item() == pytest.approx(flat, abs=0.03)


@pytest.mark.parametrize("neighbours", [1, 3, 10])
@pytest.mark.parametrize("d", [2, 3, 10, 128, 2000])
def test_uniform_points_on_the_sphere_have_the_log_area_without_bias(d, neighbours):
    z = sample_uniform(2000, d, generator=generator(), dtype=torch.float64)
    estimate = spherical_nearest_neighbour_entropy(z, neighbours=neighbours).item()
    assert estimate == pytest.approx(log_area(d), abs=0.1)


def test_gaussians_and_cubes_have_their_entropies():
    z = torch.randn(4000, 3, dtype=torch.float64, generator=generator())
    gaussian = 1.5 * math.log(2 * math.pi * math.e)
    assert nearest_neighbour_entropy(z, neighbours=3).item() == pytest.approx(gaussian, abs=0.08)
    cube = torch.rand(4000, 2, dtype=torch.float64, generator=generator())
    assert nearest_neighbour_entropy(5 * cube, neighbours=3).item() == pytest.approx(2 * math.log(5), abs=0.08)


@pytest.mark.parametrize(("d", "kappa", "width"), [(3, 10.0, 200.0), (5, 3.0, 40.0)])
def test_it_agrees_with_the_closed_form_and_the_kernel_estimate_on_vmf_draws(d, kappa, width):
    centres = sample_uniform(1, d, generator=generator(), dtype=torch.float64).expand(6000, d)
    z = sample_vmf(centres, kappa=kappa, generator=generator(1))
    estimate = spherical_nearest_neighbour_entropy(z, neighbours=3).item()
    assert estimate == pytest.approx(vmf_entropy(d, kappa=kappa), abs=0.06)
    assert estimate == pytest.approx(leave_one_out_entropy(z, kernel=VMFKernel(width)).item(), abs=0.12)


def test_rotation_and_permutation_change_nothing(points):
    z = points(100)
    rotation, _ = torch.linalg.qr(torch.randn(10, 10, dtype=torch.float64, generator=generator()))
    moved = (z @ rotation).flip(0)
    for entropy in (nearest_neighbour_entropy, spherical_nearest_neighbour_entropy):
        assert entropy(moved, neighbours=2).item() == pytest.approx(entropy(z, neighbours=2).item(), abs=1e-6)


def test_a_shift_changes_nothing_even_a_long_one(points):
    near, far = (nearest_neighbour_entropy(points(100) + shift, neighbours=2).item() for shift in (0, 1e7))
    assert far == pytest.approx(near, abs=1e-4)


def test_bad_input_is_refused_with_value_and_shape(points):
    with pytest.raises(ValueError, match=r"neighbours=5 for shape \(5, 10\)"):
        nearest_neighbour_entropy(points(5), neighbours=5)
    with pytest.raises(ValueError, match="neighbours=0"):
        spherical_nearest_neighbour_entropy(points(5), neighbours=0)
    with pytest.raises(ValueError, match="d=1"):
        spherical_nearest_neighbour_entropy(torch.ones(5, 1), neighbours=1)
    with pytest.raises(ValueError, match=r"\(0, 3\)"):
        nearest_neighbour_entropy(torch.ones(0, 3), neighbours=1)
    with pytest.raises(ValueError, match="off by 3"):
        spherical_nearest_neighbour_entropy(2 * points(5), neighbours=1)
    with pytest.raises(ValueError, match="nan"):
        nearest_neighbour_entropy(points(5) * math.nan, neighbours=1)
