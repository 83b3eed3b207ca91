"""Barlow Twins: its loss against lightly's, correlations against numpy's and by hand."""

import numpy as np
import pytest
import torch
from tests.methods.builders import ZOO, build, loss_of

from entrec.information.checks import InvalidEmbeddings
from entrec.information.geometry import off_diagonal_energy
from entrec.methods.barlow_twins import cross_correlation


def rows(seed, k=20, d=6):
    return 2 + 3 * torch.randn(k, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_weighted_terms_agree_with_lightlys_loss_and_its_gradient():
    from lightly.loss import BarlowTwinsLoss

    z1, z2 = rows(1).requires_grad_(), rows(2).requires_grad_()
    correlation = cross_correlation(z1, z2)
    ours = (correlation.diagonal() - 1).square().sum() + 5e-3 * off_diagonal_energy(correlation)
    theirs = BarlowTwinsLoss(lambda_param=5e-3)(z1, z2)
    torch.testing.assert_close(ours, theirs)
    for got, expected in zip(torch.autograd.grad(ours, (z1, z2)), torch.autograd.grad(theirs, (z1, z2)), strict=True):
        torch.testing.assert_close(got, expected)


def test_the_methods_loss_is_lightlys_on_its_projections():
    from lightly.loss import BarlowTwinsLoss

    method = build("barlow_twins")
    views = [torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    outcome = method(views, None)
    theirs = BarlowTwinsLoss(lambda_param=ZOO.method("barlow_twins").redundancy_weight)(*outcome.embeddings)
    torch.testing.assert_close(loss_of(method, outcome), theirs)


def test_the_correlations_are_numpys():
    z1, z2 = rows(1, d=3), rows(2, d=3)
    expected = np.corrcoef(z1.numpy(), z2.numpy(), rowvar=False)[:3, 3:]
    torch.testing.assert_close(cross_correlation(z1, z2), torch.from_numpy(expected), atol=1e-5, rtol=0)


def test_correlations_by_hand():
    """The first coordinates agree, the second are opposite, and neither goes with the other."""
    z1 = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    z2 = z1 * torch.tensor([5.0, -7.0]) + 3
    torch.testing.assert_close(cross_correlation(z1, z2), torch.diag(torch.tensor([1.0, -1.0])), atol=1e-4, rtol=0)


def test_one_view_twice_with_uncorrelated_coordinates_costs_nothing():
    signs = torch.tensor([[a, b] for a in (-1.0, 1.0) for b in (-1.0, 1.0)])
    correlation = cross_correlation(signs, signs)
    assert (correlation.diagonal() - 1).square().sum().item() == pytest.approx(0.0, abs=1e-8)
    assert off_diagonal_energy(correlation).item() == pytest.approx(0.0, abs=1e-12)


def test_the_energy_off_the_diagonal_leaves_the_diagonal_out():
    assert off_diagonal_energy(torch.tensor([[1e9, 2.0], [3.0, -1e9]])).item() == 13.0


def test_halves_of_a_batch_have_other_correlations_than_the_whole():
    """Why embeddings are gathered first: means and variances are the batch's."""
    z1, z2 = rows(1), rows(2)
    halves = sum(cross_correlation(z1[i : i + 10], z2[i : i + 10]) for i in (0, 10)) / 2
    assert (halves - cross_correlation(z1, z2)).abs().max() > 0.01


def test_a_collapsed_coordinate_correlates_with_nothing():
    z1 = rows(1)
    z1[:, 0] = 4.0
    assert not cross_correlation(z1, rows(2))[0].any()


def test_an_output_bias_would_change_nothing_and_there_is_none():
    torch.testing.assert_close(cross_correlation(rows(1) + 9, rows(2)), cross_correlation(rows(1), rows(2)))
    assert build("barlow_twins").projector[-1].bias is None


def test_one_sample_has_no_correlations():
    with pytest.raises(InvalidEmbeddings, match="at least two"):
        cross_correlation(torch.ones(1, 3), torch.ones(1, 3))
