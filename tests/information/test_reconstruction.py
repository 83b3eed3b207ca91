"""Reconstruction densities against torch's distributions and closed forms."""

import math

import pytest
import torch

from entrec.information.reconstruction import (
    categorical_reconstruction,
    gaussian_reconstruction,
    generalised_normal_reconstruction,
    vmf_reconstruction,
)
from entrec.information.sphere import log_area, log_vmf_constant, sample_uniform, sample_vmf, vmf_entropy


def test_gaussian_and_laplace_densities_are_torchs(pairs):
    z1, z2 = pairs()
    gaussian = torch.distributions.Normal(z1, 0.3).log_prob(z2).sum(dim=1).mean()
    laplace = torch.distributions.Laplace(z1, 0.3).log_prob(z2).sum(dim=1).mean()
    assert gaussian_reconstruction(z1, z2, sigma=0.3).item() == pytest.approx(gaussian.item())
    assert generalised_normal_reconstruction(z1, z2, alpha=0.3, beta=1.0).item() == pytest.approx(laplace.item())


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 3.0, 8.0])
def test_the_generalised_normal_integrates_to_one(beta):
    zero, points = torch.zeros(1, 1, dtype=torch.float64), torch.linspace(-60, 60, 4001, dtype=torch.float64)
    logs = [generalised_normal_reconstruction(zero, x.view(1, 1), alpha=0.7, beta=beta) for x in points]
    area = torch.trapezoid(torch.stack(logs).exp(), points).item()
    assert area == pytest.approx(1, abs=0.02)


def test_the_true_conditional_reconstructs_down_to_its_entropy():
    generator = torch.Generator().manual_seed(0)
    x = sample_uniform(50_000, 10, generator=generator, dtype=torch.float64)
    y = sample_vmf(x, kappa=10.0, generator=generator)
    truth = -vmf_entropy(10, kappa=10.0)
    assert vmf_reconstruction(x, y, kappa=10.0).item() == pytest.approx(truth, abs=0.03)
    for other in (5.0, 20.0):
        assert vmf_reconstruction(x, y, kappa=other).item() < truth - 0.1


def test_vmf_reconstruction_of_itself_is_the_log_density_of_the_mode(points):
    z = points(20)
    assert vmf_reconstruction(z, z, kappa=7.0).item() == pytest.approx(7 + log_vmf_constant(10, kappa=7.0))
    assert vmf_reconstruction(z, -z, kappa=1e-6).item() == pytest.approx(-log_area(10), abs=1e-5)


def test_categorical_reconstruction_of_itself_is_minus_its_entropy():
    logits = torch.tensor([[0.0, math.log(3.0)]])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert categorical_reconstruction(logits, logits).item() == pytest.approx(-entropy)


def test_categorical_reconstruction_is_torchs_cross_entropy(pairs):
    logits1, logits2 = pairs()
    expected = -torch.nn.functional.cross_entropy(logits1, logits2.softmax(dim=1))
    assert categorical_reconstruction(logits1, logits2).item() == pytest.approx(expected.item())


@pytest.mark.parametrize(
    "density",
    [
        lambda a, b: vmf_reconstruction(torch.nn.functional.normalize(a, dim=1), b, kappa=3.0),
        lambda a, b: gaussian_reconstruction(a, b, sigma=0.5),
        lambda a, b: generalised_normal_reconstruction(a, b, alpha=0.5, beta=3.0),
        categorical_reconstruction,
    ],
)
def test_gradients_agree_with_finite_differences(pairs, density):
    z1, z2 = pairs(6, 4)
    assert torch.autograd.gradcheck(lambda a: density(a, z2), (z1.requires_grad_(),))


def test_bad_input_is_refused_with_value_and_shape(pairs):
    z1, z2 = pairs(8)
    for density in (
        lambda a, b: vmf_reconstruction(a, b, kappa=1.0),
        lambda a, b: gaussian_reconstruction(a, b, sigma=1.0),
        categorical_reconstruction,
    ):
        with pytest.raises(ValueError, match=r"one shape \(k, d\), got \([78], 10\) and \([78], 10\)"):
            density(z1, z2[:7])
        with pytest.raises(ValueError, match=r"\(0, 10\)"):
            density(z1[:0], z2[:0])
        with pytest.raises(ValueError, match="nan"):
            density(z1, z2 * math.nan)
    with pytest.raises(ValueError, match=r"kappa of shape \(\) or \(8,\), got shape \(8, 1\)"):
        vmf_reconstruction(z1, z2, kappa=torch.ones(8, 1))
    with pytest.raises(ValueError, match="kappa=0"):
        vmf_reconstruction(z1, z2, kappa=0.0)
    with pytest.raises(ValueError, match="alpha=0"):
        gaussian_reconstruction(z1, z2, sigma=0.0)
    with pytest.raises(ValueError, match="beta=-1"):
        generalised_normal_reconstruction(z1, z2, alpha=1.0, beta=-1.0)
