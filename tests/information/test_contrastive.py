"""InfoNCE and NT-Xent: closed forms, torch's cross-entropy, bad input."""

import math

import pytest
import torch
from torch.nn import functional as F

from entrec.information.contrastive import info_nce, nt_xent
from entrec.information.entropy import kernel_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.reconstruction import vmf_reconstruction

LOSSES = [info_nce, nt_xent]


def test_both_are_torchs_cross_entropy_over_the_matrix(pairs):
    z1, z2 = pairs(50)
    scores, targets = z1 @ z2.T / 0.2, torch.arange(50)
    both_ways = (F.cross_entropy(scores, targets) + F.cross_entropy(scores.T, targets)) / 2
    assert info_nce(z1, z2, temperature=0.2).item() == pytest.approx(both_ways.item())
    z = torch.cat([z1, z2])
    scores = (z @ z.T / 0.2).fill_diagonal_(-math.inf)
    both = F.cross_entropy(scores, torch.arange(100).roll(50))
    assert nt_xent(z1, z2, temperature=0.2).item() == pytest.approx(both.item())


def test_nothing_told_apart_is_the_log_of_the_candidates(points):
    z = points(1).expand(16, -1)
    assert info_nce(z, z, temperature=0.1).item() == pytest.approx(math.log(16))
    assert nt_xent(z, z, temperature=0.1).item() == pytest.approx(math.log(31))


def test_info_nce_of_opposite_pairs_has_its_closed_form():
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert info_nce(z, z, temperature=1.0).item() == pytest.approx(math.log(1 + math.exp(-2.0)))


def test_on_one_view_the_bounds_of_info_nce_and_entrec_are_one(points):
    z, kappa = points(64), 8.0
    bound = kernel_entropy(z, kernel=VMFKernel(kappa)) + vmf_reconstruction(z, z, kappa=kappa)
    assert math.log(64) - info_nce(z, z, temperature=1 / kappa).item() == pytest.approx(bound.item())


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_agree_with_finite_differences(pairs, loss):
    z1, z2 = (z.requires_grad_() for z in pairs(9, 4))
    assert torch.autograd.gradcheck(lambda a, b: loss(a, b, temperature=0.5), (z1, z2))


@pytest.mark.parametrize("loss", LOSSES)
def test_half_precision_is_lifted_even_under_autocast(pairs, loss):
    z1, z2 = (z.bfloat16() for z in pairs())
    with torch.autocast("cpu", torch.bfloat16):
        lifted = loss(z1, z2, temperature=0.1)
    assert lifted.dtype == torch.float32
    assert lifted.item() == pytest.approx(loss(z1.float(), z2.float(), temperature=0.1).item(), rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_bad_input_is_refused_with_value_and_shape(pairs, points, loss):
    z1, z2 = pairs(8)
    with pytest.raises(ValueError, match="temperature=0"):
        loss(z1, z2, temperature=0.0)
    with pytest.raises(ValueError, match=r"\(8, 10\) and \(7, 10\)"):
        loss(z1, z2[:7], temperature=1.0)
    with pytest.raises(ValueError, match=r"\(1, 10\)"):
        loss(z1[:1], z2[:1], temperature=1.0)
    with pytest.raises(ValueError, match="off by 3"):
        loss(2 * z1, z2, temperature=1.0)
    with pytest.raises(ValueError, match="nan"):
        loss(z1, z2 * math.nan, temperature=1.0)
