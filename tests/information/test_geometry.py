"""Effective rank, uniformity and alignment at their extremes and by definition."""

import math

import pytest
import torch

from entrec.information.geometry import alignment, effective_rank, uniformity


def test_effective_rank_counts_equal_directions_and_sees_collapse():
    corners = torch.cat([torch.eye(4), -torch.eye(4)])
    assert effective_rank(corners).item() == pytest.approx(4.0, rel=1e-5)
    assert effective_rank(torch.ones(8, 4)).item() == 0.0


def test_what_rounding_leaves_of_collapsed_embeddings_is_no_rank(points):
    assert effective_rank(points(1, 8).float().expand(64, -1) * (1 / 3)).item() == 0.0


def test_uniformity_is_the_formula_over_pairs(points):
    z = points(40)
    expected = torch.pdist(z).square().mul(-2).exp().mean().log()  # arXiv:2005.10242, figure 5
    assert uniformity(z, t=2).item() == pytest.approx(expected.item())


def test_uniformity_is_zero_when_collapsed_and_lower_when_spread(points):
    assert uniformity(points(1).expand(9, -1), t=2).item() == pytest.approx(0.0, abs=1e-12)
    assert uniformity(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), t=2).item() == pytest.approx(-8.0)
    uniform = -4 + math.log(math.sinh(4.0) / 4.0)  # the mean of exp(4 cos) over the sphere in space
    assert uniformity(points(6000, 3), t=2).item() == pytest.approx(uniform, abs=0.02)


def test_alignment_is_the_mean_squared_distance(pairs, points):
    z1, z2 = pairs()
    assert alignment(z1, z2).item() == pytest.approx((2 - 2 * (z1 * z2).sum(dim=1)).mean().item())
    assert alignment(z1, z1).item() == 0.0
    assert alignment(z1, -z1).item() == pytest.approx(4.0)


def test_vectors_off_the_sphere_are_refused(points):
    for measure in (lambda z: uniformity(z, t=2), lambda z: alignment(z, z)):
        with pytest.raises(ValueError, match=r"off by 3 in shape \(5, 10\)"):
            measure(2 * points(5))


def test_numbers_that_are_not_finite_are_refused(points):
    with pytest.raises(ValueError, match=r"nan in shape \(5, 10\)"):
        effective_rank(points(5) * math.nan)
    for t in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"t={t}"):
            uniformity(points(5), t=t)
