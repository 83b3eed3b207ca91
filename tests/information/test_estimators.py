"""Entropy, reconstruction and contrastive terms: closed forms, bounds, invariances."""

import math

import pytest
import torch
from torch.nn import functional as F

from entrec.information.contrastive import info_nce, nt_xent
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy, plug_in_entropy
from entrec.information.reconstruction import categorical_reconstruction, vmf_reconstruction
from entrec.information.sphere import log_area, log_vmf_constant
from entrec.information.spread import effective_rank

ENTROPIES = [kernel_entropy, leave_one_out_entropy]


def points(k=200, d=10, seed=0):
    return F.normalize(torch.randn(k, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_collapsed_points_have_minus_the_log_density_of_the_mode(entropy):
    z = points(1).expand(50, -1)
    expected = -(10.0 + log_vmf_constant(10, kappa=10.0))
    assert entropy(z, kappa=10.0).item() == pytest.approx(expected)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_uniform_points_under_a_flat_kernel_reach_the_log_area(entropy):
    assert entropy(points(), kappa=1e-6).item() == pytest.approx(log_area(10), abs=1e-5)


def test_the_mean_kernel_density_of_many_uniform_points_is_flat():
    assert leave_one_out_entropy(points(4000), kappa=5.0).item() == pytest.approx(log_area(10), abs=0.02)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_entropy_does_not_change_under_rotation_and_permutation(entropy):
    z = points()
    rotation, _ = torch.linalg.qr(torch.randn(10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    moved = (z @ rotation)[torch.randperm(len(z), generator=torch.Generator().manual_seed(2))]
    assert entropy(moved, kappa=10.0).item() == pytest.approx(entropy(z, kappa=10.0).item(), abs=1e-10)


def test_leaving_the_self_term_out_never_lowers_the_entropy():
    z = points(32)
    assert leave_one_out_entropy(z, kappa=10.0) > kernel_entropy(z, kappa=10.0)


@pytest.mark.parametrize("kappa", [1.0, 10.0, 100.0])
def test_with_the_self_term_the_bound_cannot_exceed_log_k(kappa):
    z = points(64)
    bound = kernel_entropy(z, kappa=kappa) + vmf_reconstruction(z, z, kappa=kappa)
    assert bound.item() <= math.log(64) + 1e-9


def test_two_points_have_the_entropy_one_computes_by_hand():
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    by_hand = math.log(2) - math.log(math.exp(3.0) + 1) - log_vmf_constant(2, kappa=3.0)
    assert kernel_entropy(z, kappa=3.0).item() == pytest.approx(by_hand)
    assert leave_one_out_entropy(z, kappa=3.0).item() == pytest.approx(-log_vmf_constant(2, kappa=3.0))


def test_plug_in_entropy_runs_from_zero_to_log_categories():
    one_hot = torch.tensor([[1.0, 0, 0, 0]]).expand(7, -1)
    assert plug_in_entropy(one_hot).item() == 0.0
    assert plug_in_entropy(torch.eye(4)).item() == pytest.approx(math.log(4))


def test_categorical_reconstruction_of_itself_is_minus_its_entropy():
    logits = torch.tensor([[0.0, math.log(3.0)]])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert categorical_reconstruction(logits, logits).item() == pytest.approx(-entropy)


def test_info_nce_is_log_k_when_nothing_is_told_apart():
    z = points(1).expand(16, -1)
    assert info_nce(z, z, temperature=0.1).item() == pytest.approx(math.log(16))
    assert nt_xent(z, z, temperature=0.1).item() == pytest.approx(math.log(31))


def test_info_nce_of_opposite_pairs_has_its_closed_form():
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert info_nce(z, z, temperature=1.0).item() == pytest.approx(math.log(1 + math.exp(-2.0)))


def test_effective_rank_counts_equal_directions_and_sees_collapse():
    corners = torch.cat([torch.eye(4), -torch.eye(4)])
    assert effective_rank(corners).item() == pytest.approx(4.0, rel=1e-5)
    assert effective_rank(torch.ones(8, 4)).item() == 0.0


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_gradients_agree_with_finite_differences(entropy):
    z = points(12, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: entropy(z, kappa=3.0), (z,))


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_half_precision_is_lifted_even_under_autocast(entropy):
    z = points(64).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        lifted = entropy(z, kappa=10.0)
    assert lifted.dtype == torch.float32
    assert lifted.item() == pytest.approx(entropy(z.float(), kappa=10.0).item(), rel=1e-6)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_one_point_or_a_flat_kappa_is_refused(entropy):
    with pytest.raises(ValueError, match=r"\(1, 10\)"):
        entropy(points(1), kappa=1.0)
    with pytest.raises(ValueError, match="kappa=0"):
        entropy(points(5), kappa=0.0)
