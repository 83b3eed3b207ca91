"""The objectives against the formulas written out, and their gradients against finite differences."""

import math

import pytest
import torch
from torch.nn import functional as F

from entrec.information.bounds import info_nce_bound
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.kernels import GaussianKernel, VMFKernel
from entrec.information.reconstruction import gaussian_reconstruction, vmf_reconstruction
from entrec.theory.identifiability.objectives import (
    align_entropy,
    discrete_entrec,
    space_entrec,
    space_info_nce,
    sphere_entrec,
    sphere_info_nce,
    supervised,
)
from entrec.theory.identifiability.power_distances import power_distances, power_entropy


def views(k=30, d=4, *, sphere=False):
    g = torch.Generator().manual_seed(0)
    z1 = torch.randn(k, d, generator=g, dtype=torch.float64)
    z2 = z1 + 0.3 * torch.randn(k, d, generator=g, dtype=torch.float64)
    return (F.normalize(z1, dim=1), F.normalize(z2, dim=1)) if sphere else (z1, z2)


def both_ways(scores):
    return ((info_nce_bound(scores) + info_nce_bound(scores.T)) / 2).item()


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_power_distances_are_sums_over_coordinates(exponent):
    x, y = views()
    found = power_distances(x, y[:7], exponent=exponent)
    assert torch.allclose(found, torch.cdist(x, y[:7], p=exponent) ** exponent)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_the_gradient_of_power_distances_is_that_of_finite_differences(exponent, monkeypatch):
    monkeypatch.setattr("entrec.theory.identifiability.power_distances.BLOCK", 12)  # several blocks, the last one short
    x, y = (z.requires_grad_() for z in views(k=7, d=3))
    assert torch.autograd.gradcheck(lambda a, b: power_distances(a, b, exponent=exponent), (x, y))


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_info_nce_in_space_is_the_cross_entropy_of_minus_the_distances(exponent):
    z1, z2 = views()
    scores = -(((z1[:, None] - z2) / 0.7).abs() ** exponent).sum(dim=2)
    found = space_info_nce(z1, z2, alpha=0.7, exponent=exponent)
    assert list(found) == ["information"]
    assert found["information"].item() == pytest.approx(both_ways(scores), abs=1e-9)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_info_nce_in_space_does_not_see_where_both_views_are(exponent):
    z1, z2 = (z.float() for z in views())
    near, far = (space_info_nce(z1 + by, z2 + by, alpha=0.7, exponent=exponent)["information"] for by in (0, 100))
    assert near.item() == pytest.approx(far.item(), abs=1e-3)


def test_info_nce_on_the_sphere_has_kappa_for_its_inverse_temperature():
    z1, z2 = views(sphere=True)
    found = sphere_info_nce(z1, z2, kappa=5.0)["information"]
    assert found.item() == pytest.approx(both_ways(5 * z1 @ z2.T))


def test_in_space_and_on_the_sphere_the_normal_critic_is_the_same():
    z1, z2 = views(sphere=True)
    sphere = sphere_info_nce(z1, z2, kappa=5.0)["information"]
    space = space_info_nce(z1, z2, alpha=math.sqrt(2 / 5), exponent=2)["information"]
    assert space.item() == pytest.approx(sphere.item())


@pytest.mark.parametrize(("leave_one_out", "entropy"), [(True, leave_one_out_entropy), (False, kernel_entropy)])
def test_entrec_is_the_mean_entropy_of_the_views_and_their_reconstruction(leave_one_out, entropy):
    z1, z2 = views(sphere=True)
    found = sphere_entrec(z1, z2, kernel_kappa=3.0, kappa=7.0, leave_one_out=leave_one_out)
    expected = (entropy(z1, kernel=VMFKernel(3.0)) + entropy(z2, kernel=VMFKernel(3.0))) / 2
    assert found["entropy"].item() == pytest.approx(expected.item())
    assert found["reconstruction"].item() == pytest.approx(vmf_reconstruction(z1, z2, kappa=7.0).item())

    z1, z2 = views()
    found = space_entrec(
        z1, z2, kernel_alpha=math.sqrt(2) * 0.5, alpha=math.sqrt(2) * 0.2, exponent=2, leave_one_out=leave_one_out
    )  # fmt: skip
    expected = (entropy(z1, kernel=GaussianKernel(0.5)) + entropy(z2, kernel=GaussianKernel(0.5))) / 2
    assert found["entropy"].item() == pytest.approx(expected.item())
    assert found["reconstruction"].item() == pytest.approx(gaussian_reconstruction(z1, z2, sigma=0.2).item())


@pytest.mark.parametrize(("leave_one_out", "entropy"), [(True, leave_one_out_entropy), (False, kernel_entropy)])
def test_the_power_entropy_of_exponent_two_is_that_of_the_gaussian_kernel(leave_one_out, entropy):
    z, _ = views()
    found = power_entropy(z, alpha=0.4 * math.sqrt(2), exponent=2, leave_one_out=leave_one_out)
    assert found.item() == pytest.approx(entropy(z, kernel=GaussianKernel(0.4)).item())


@pytest.mark.parametrize("exponent", [1, 3])
def test_the_power_entropy_nears_the_entropy_of_its_data(exponent):
    """Uniform on 0..10, log 10, up to its two ends, which the narrow kernel smooths."""
    z = 10 * torch.rand(2000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = power_entropy(z, alpha=0.2, exponent=exponent, leave_one_out=True)
    assert found.item() == pytest.approx(math.log(10), abs=0.05)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_with_the_kernel_of_its_reconstruction_a_constant_encoder_has_no_information(exponent):
    z = torch.full((20, 3), 0.4)
    for leave_one_out in (True, False):
        terms = space_entrec(z, z, kernel_alpha=0.2, alpha=0.2, exponent=exponent, leave_one_out=leave_one_out)
        assert sum(term.item() for term in terms.values()) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_with_the_self_term_in_space_information_is_at_most_log_k(exponent):
    z = 100 * torch.randn(16, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    terms = space_entrec(z, z, kernel_alpha=0.2, alpha=0.2, exponent=exponent, leave_one_out=False)
    assert sum(term.item() for term in terms.values()) == pytest.approx(math.log(16))


def test_alignment_is_the_mean_squared_distance_and_entropy_leaves_the_point_out():
    z1, z2 = (torch.sigmoid(z) for z in views())
    found = align_entropy(z1, z2, bandwidth=0.3, weight=5.0)
    kernel = GaussianKernel(0.3)
    expected = (leave_one_out_entropy(z1, kernel=kernel) + leave_one_out_entropy(z2, kernel=kernel)) / 2
    assert found["entropy"].item() == pytest.approx(expected.item())
    assert found["alignment"].item() == pytest.approx(-5 * ((z1 - z2) ** 2).sum(dim=1).mean().item())


def test_discrete_entrec_of_sure_and_even_categories_is_log_categories():
    logits = 100.0 * torch.eye(4).repeat(5, 1)
    found = discrete_entrec(logits, logits)
    assert found["entropy"].item() == pytest.approx(math.log(4))
    assert found["reconstruction"].item() == pytest.approx(0, abs=1e-6)
    crossed = discrete_entrec(logits, logits.roll(1, dims=0))
    assert crossed["reconstruction"].item() == pytest.approx(-100)


def test_supervised_is_minus_the_mean_squared_error():
    z, latents = views()
    assert supervised(z, latents)["accuracy"].item() == pytest.approx(-((z - latents) ** 2).mean().item())
    assert supervised(z, z)["accuracy"].item() == 0


@pytest.mark.parametrize("swap", [False, True])
def test_every_unsupervised_objective_runs_both_ways(swap):
    z1, z2 = views()
    on_sphere = views(sphere=True)
    pairs = {
        lambda a, b: space_info_nce(a, b, alpha=0.5, exponent=3 if swap else 1): (z1, z2),
        lambda a, b: space_info_nce(a, b, alpha=0.5, exponent=2): (z1, z2),
        lambda a, b: sphere_info_nce(a, b, kappa=5.0): on_sphere,
        lambda a, b: sphere_entrec(a, b, kernel_kappa=5.0, kappa=5.0, leave_one_out=swap): on_sphere,
        lambda a, b: space_entrec(a, b, kernel_alpha=0.5, alpha=0.5, exponent=3, leave_one_out=swap): (z1, z2),
        lambda a, b: align_entropy(a, b, bandwidth=0.5, weight=2.0): (z1, z2),
        discrete_entrec: (z1, z2),
    }
    for objective, (a, b) in pairs.items():
        for once, back in zip(objective(a, b).values(), objective(b, a).values(), strict=True):
            assert once.item() == pytest.approx(back.item())
