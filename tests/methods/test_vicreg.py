"""VICReg: its loss against lightly's, each term by hand."""

import math

import pytest
import torch
from tests.methods.builders import ZOO, build

from entrec.methods.vicreg import covariance_energy, variance_hinge, vicreg_terms

SETTINGS = ZOO.method("vicreg")
COEFFICIENTS = {"invariance": 25.0, "variance": 25.0, "covariance": 1.0}


def rows(seed, k=20, d=6, scale=0.7):
    return scale * torch.randn(k, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("scale", [0.3, 0.9, 3.0])  # all, some, none of the hinges active
def test_the_weighted_terms_agree_with_lightlys_loss_and_its_gradient(scale):
    from lightly.loss import VICRegLoss

    z1, z2 = rows(1, scale=scale).requires_grad_(), rows(2, scale=scale).requires_grad_()
    theirs = VICRegLoss(lambda_param=25.0, mu_param=25.0, nu_param=1.0, eps=1e-4)(z1, z2)
    terms = vicreg_terms(z1, z2, epsilon=1e-4)
    ours = sum(COEFFICIENTS[name] * term for name, term in terms.items())
    torch.testing.assert_close(ours, theirs)
    for got, expected in zip(torch.autograd.grad(ours, (z1, z2)), torch.autograd.grad(theirs, (z1, z2)), strict=True):
        torch.testing.assert_close(got, expected)


def test_the_zoo_weighs_the_terms_as_the_paper_does():
    method = build("vicreg")
    assert method.weights == COEFFICIENTS
    assert SETTINGS.epsilon == 1e-4


def test_the_methods_loss_is_lightlys_on_its_projections_with_the_studys_numbers():
    from lightly.loss import VICRegLoss

    method = build("vicreg", invariance_weight=7.0, variance_weight=5.0, covariance_weight=3.0, epsilon=0.3)
    views = [torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    outcome = method(views, None)
    ours = sum(method.weights[name] * term for name, term in outcome.terms.items())
    theirs = VICRegLoss(lambda_param=7.0, mu_param=5.0, nu_param=3.0, eps=0.3)(*outcome.embeddings)
    torch.testing.assert_close(ours, theirs)


def test_the_invariance_term_is_a_mean_over_samples_and_coordinates():
    z = torch.zeros(4, 5)
    assert vicreg_terms(z, z + 2, epsilon=1e-4)["invariance"].item() == pytest.approx(4.0)


def test_collapsed_coordinates_have_a_hinge_of_one_minus_the_root_of_epsilon():
    assert variance_hinge(torch.ones(4, 3), epsilon=1e-4).item() == pytest.approx(1 - 0.01)


def test_the_hinge_uses_the_unbiased_variance_and_stops_at_one():
    z = torch.tensor([[0.0, 0.0], [0.5, 9.0]])  # variances 1/8 and 40.5
    assert variance_hinge(z, epsilon=0.0).item() == pytest.approx((1 - math.sqrt(1 / 8)) / 2)


def test_covariance_of_two_equal_coordinates_by_hand():
    """Variance 2 everywhere, so both off-diagonal entries are 2: (4 + 4) / d."""
    z = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
    assert covariance_energy(z).item() == pytest.approx(4.0)


def test_the_variance_term_is_the_mean_over_views_and_the_covariance_term_the_sum():
    z1, z2 = rows(1), rows(2)
    terms = vicreg_terms(z1, z2, epsilon=1e-4)
    hinges, energies = zip(*((variance_hinge(z, epsilon=1e-4), covariance_energy(z)) for z in (z1, z2)), strict=True)
    torch.testing.assert_close(terms["variance"], sum(hinges) / 2)
    torch.testing.assert_close(terms["covariance"], sum(energies))


def test_uncorrelated_coordinates_of_unit_variance_in_both_views_cost_nothing():
    signs = torch.tensor([[a, b] for a in (-1.0, 1.0) for b in (-1.0, 1.0)]) * math.sqrt(3 / 4)
    for term in vicreg_terms(signs, signs, epsilon=1e-4).values():
        assert term.item() == pytest.approx(0.0, abs=1e-12)


def test_no_term_would_feel_a_bias_of_the_output_layer():
    z1, z2 = rows(1), rows(2)
    plain, shifted = vicreg_terms(z1, z2, epsilon=1e-4), vicreg_terms(z1 + 3, z2 + 3, epsilon=1e-4)
    for name, term in plain.items():
        torch.testing.assert_close(shifted[name], term)
    assert build("vicreg").projector[-1].bias is None


def test_half_precision_embeddings_are_lifted_before_their_covariances_are_taken():
    z1, z2 = rows(1).bfloat16(), rows(2).bfloat16()
    lifted = vicreg_terms(z1.float(), z2.float(), epsilon=1e-4)
    for name, term in vicreg_terms(z1, z2, epsilon=1e-4).items():
        assert term.dtype == torch.float32
        assert torch.equal(term, lifted[name])
