"""Kernel and plug-in entropies: closed forms, biases, limits, invariances, bad input."""

import math

import pytest
import torch

from entrec.information.checks import InvalidEmbeddings
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy, plug_in_entropy
from entrec.information.kernels import GaussianKernel, VMFKernel
from entrec.information.reconstruction import vmf_reconstruction
from entrec.information.sphere import log_area, log_vmf_constant, sample_uniform

ENTROPIES = [kernel_entropy, leave_one_out_entropy]
KERNELS = [VMFKernel(10.0), GaussianKernel(0.5)]
ALL = [(entropy, kernel) for entropy in ENTROPIES for kernel in KERNELS]


def by_definition(z, kernel, *, leave_one_out):
    """Return -mean_i log mean_j kernel(z_i, z_j), from torch's densities and the constant of the sphere."""
    k, d = z.shape
    if isinstance(kernel, VMFKernel):
        log_kernel = kernel.kappa * z @ z.T + log_vmf_constant(d, kappa=kernel.kappa)
    else:
        normal = torch.distributions.Normal(torch.zeros((), dtype=z.dtype), kernel.bandwidth)
        log_kernel = normal.log_prob(z[:, None] - z).sum(dim=2)
    others = ~torch.eye(k, dtype=torch.bool) if leave_one_out else torch.ones(k, k, dtype=torch.bool)
    density = (log_kernel.exp() * others).sum(dim=1) / (k - leave_one_out)
    return -density.log().mean()


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_both_estimates_are_their_definitions(points, kernel):
    z = points(60)
    assert kernel_entropy(z, kernel=kernel).item() == pytest.approx(by_definition(z, kernel, leave_one_out=0).item())
    estimate = leave_one_out_entropy(z, kernel=kernel).item()
    assert estimate == pytest.approx(by_definition(z, kernel, leave_one_out=1).item())


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_collapsed_points_have_minus_the_log_density_of_the_mode(points, entropy):
    z = points(1).expand(50, -1)
    assert entropy(z, kernel=VMFKernel(10.0)).item() == pytest.approx(-(10.0 + log_vmf_constant(10, kappa=10.0)))
    assert entropy(z, kernel=GaussianKernel(0.1)).item() == pytest.approx(5 * math.log(2 * math.pi * 0.01))


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_uniform_points_under_a_flat_kernel_reach_the_log_area(points, entropy):
    assert entropy(points(), kernel=VMFKernel(1e-6)).item() == pytest.approx(log_area(10), abs=1e-5)


def test_uniform_points_have_the_log_area_for_their_entropy_under_any_kernel_given_enough_of_them():
    z = sample_uniform(8000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for kappa in (1.0, 10.0):
        for entropy in ENTROPIES:
            assert entropy(z, kernel=VMFKernel(kappa)).item() == pytest.approx(log_area(4), abs=0.01)


def test_gaussian_points_have_the_entropy_of_the_smoothed_density():
    z = torch.randn(8000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = 0.3
    smoothed = math.log(2 * math.pi * (1 + h**2)) + 1 / (1 + h**2)
    for entropy in ENTROPIES:
        assert entropy(z, kernel=GaussianKernel(h)).item() == pytest.approx(smoothed, abs=0.03)


@pytest.mark.parametrize("d", [10, 128, 1000])
def test_a_needle_of_a_kernel_sees_only_itself(points, d):
    """The cap of the self term, to the last digit: log k minus the log of the kernel's mode."""
    z, kernel = points(16, d), VMFKernel(1e6)
    cap = math.log(16) - (1e6 + log_vmf_constant(d, kappa=1e6))
    assert kernel_entropy(z, kernel=kernel).item() == pytest.approx(cap, abs=1e-8)
    assert leave_one_out_entropy(z, kernel=kernel).item() > cap


@pytest.mark.parametrize(("entropy", "kernel"), ALL, ids=str)
def test_entropy_does_not_change_under_rotation_and_permutation(points, entropy, kernel):
    z = points()
    rotation, _ = torch.linalg.qr(torch.randn(10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    moved = (z @ rotation)[torch.randperm(len(z), generator=torch.Generator().manual_seed(2))]
    assert entropy(moved, kernel=kernel).item() == pytest.approx(entropy(z, kernel=kernel).item(), abs=1e-10)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_a_shift_leaves_the_gaussian_estimate_and_a_scale_adds_its_logarithm(points, entropy):
    z = points(50, 3).float()
    reference = entropy(z, kernel=GaussianKernel(0.5)).item()
    assert entropy(z + 1e4, kernel=GaussianKernel(0.5)).item() == pytest.approx(reference, abs=0.02)
    scaled = entropy(4 * z, kernel=GaussianKernel(2.0)).item()
    assert scaled == pytest.approx(reference + 3 * math.log(4), abs=1e-4)


def test_leaving_the_self_term_out_never_lowers_the_entropy(points):
    for kernel in KERNELS:
        assert leave_one_out_entropy(points(32), kernel=kernel) > kernel_entropy(points(32), kernel=kernel)


def test_the_self_term_biases_low_by_what_the_docstring_says(points):
    """Uniform points, whose density is known, where the kernel's mode is a hundredth of the sum."""
    k, d, kappa = 2000, 10, 5.0
    z, kernel = points(k, d), VMFKernel(kappa)
    share = math.exp(kappa + log_vmf_constant(d, kappa=kappa) + log_area(d)) / k
    assert 0.005 < share < 0.05
    difference = (leave_one_out_entropy(z, kernel=kernel) - kernel_entropy(z, kernel=kernel)).item()
    assert difference == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize("kappa", [1.0, 10.0, 100.0])
def test_with_the_self_term_the_bound_cannot_exceed_log_k(points, kappa):
    z = points(64)
    bound = kernel_entropy(z, kernel=VMFKernel(kappa)) + vmf_reconstruction(z, z, kappa=kappa)
    assert bound.item() <= math.log(64) + 1e-9


@pytest.mark.parametrize("kappa", [10.0, 1000.0])
def test_the_cap_holds_for_vectors_that_are_unit_only_up_to_rounding(points, kappa):
    z = 1.004 * points(50)
    bound = kernel_entropy(z, kernel=VMFKernel(kappa)) + vmf_reconstruction(z, 0.997 * z, kappa=kappa)
    assert bound.item() <= math.log(50) + 1e-9


def test_the_self_term_has_97_percent_of_the_gradients_weight_where_the_paper_works():
    z = sample_uniform(512, 128, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert (10.0 * z @ z.T).softmax(dim=1).diagonal().mean().item() == pytest.approx(0.97, abs=0.005)


def test_the_released_readmes_entropy_is_this_one_with_its_constant():
    """Points on S^999: -249.3 there, which no density on that sphere can have, and under the log area here."""
    z = sample_uniform(1024, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = kernel_entropy(z, kernel=VMFKernel(10.0)).item()
    assert ours < log_area(1000)
    released_constant = 246.17  # of the released file, see test_sphere
    theirs = ours + log_vmf_constant(1000, kappa=10.0) - released_constant
    assert theirs == pytest.approx(-249.3, abs=0.1)


def test_two_points_have_the_entropy_one_computes_by_hand():
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    kernel = VMFKernel(3.0)
    by_hand = math.log(2) - math.log(math.exp(3.0) + 1) - log_vmf_constant(2, kappa=3.0)
    assert kernel_entropy(z, kernel=kernel).item() == pytest.approx(by_hand)
    assert leave_one_out_entropy(z, kernel=kernel).item() == pytest.approx(-log_vmf_constant(2, kappa=3.0))


@pytest.mark.parametrize(("entropy", "kernel"), ALL, ids=str)
def test_gradients_agree_with_finite_differences(points, entropy, kernel):
    z = points(12, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: entropy(z, kernel=kernel), (z,))


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_the_kernels_concentration_can_be_learnt(points, entropy):
    z, kappa = points(20, 4), torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda kappa: entropy(z, kernel=VMFKernel(kappa)), (kappa,))


@pytest.mark.parametrize(("entropy", "kernel"), ALL, ids=str)
def test_half_precision_is_lifted_even_under_autocast(points, entropy, kernel):
    z = points(64).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        lifted = entropy(z, kernel=kernel)
    assert lifted.dtype == torch.float32
    assert lifted.item() == pytest.approx(entropy(z.float(), kernel=kernel).item(), rel=1e-6)
    assert lifted.item() == pytest.approx(entropy(points(64), kernel=kernel).item(), rel=0.01, abs=0.02)


def test_single_precision_keeps_the_digits_of_large_constants(points):
    z, kernel = points(256, 1000), VMFKernel(10.0)
    assert kernel_entropy(z.float(), kernel=kernel).item() == pytest.approx(
        kernel_entropy(z, kernel=kernel).item(), rel=1e-7
    )


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_bad_embeddings_are_refused_with_value_and_shape(points, entropy):
    for kernel in KERNELS:
        with pytest.raises(InvalidEmbeddings, match=r"at least two.*\(1, 10\)"):
            entropy(points(1), kernel=kernel)
        with pytest.raises(InvalidEmbeddings, match=r"\(5, 10, 2\)"):
            entropy(torch.zeros(5, 10, 2), kernel=kernel)
        with pytest.raises(InvalidEmbeddings, match=r"nan in shape \(5, 10\)"):
            entropy(points(5).index_fill(0, torch.tensor(3), math.nan), kernel=kernel)
    with pytest.raises(InvalidEmbeddings, match=r"unit vectors, got a squared length off by 3 in shape \(5, 10\)"):
        entropy(2 * points(5), kernel=VMFKernel(1.0))


def test_arguments_may_be_named_and_are_lifted_all_the_same(points):
    z = points(64).bfloat16()
    assert torch.equal(kernel_entropy(embeddings=z, kernel=VMFKernel(10.0)), kernel_entropy(z, kernel=VMFKernel(10.0)))


def test_a_kernel_has_one_width(points):
    with pytest.raises(ValueError, match=r"kappa of shape \(\).*\(10,\)"):
        kernel_entropy(points(5), kernel=VMFKernel(torch.ones(10)))


@pytest.mark.parametrize("width", [0.0, -1.0, math.nan, math.inf])
def test_a_width_that_is_not_positive_is_named(points, width):
    with pytest.raises(ValueError, match=f"kappa={width}"):
        kernel_entropy(points(5), kernel=VMFKernel(width))
    with pytest.raises(ValueError, match=f"bandwidth={width}"):
        GaussianKernel(width)


def test_plug_in_entropy_runs_from_zero_to_log_categories():
    one_hot = torch.tensor([[1.0, 0, 0, 0]]).expand(7, -1)
    assert plug_in_entropy(one_hot).item() == 0.0
    assert plug_in_entropy(torch.eye(4)).item() == pytest.approx(math.log(4))


def test_the_released_average_gives_a_one_hot_distribution_14_5_nats_and_this_one_none():
    one_hot = torch.eye(10)[:1]
    assert -(one_hot + 1e-7).log().mean().item() == pytest.approx(14.5, abs=0.01)
    assert plug_in_entropy(one_hot).item() == 0.0


def test_plug_in_entropy_of_one_hot_draws_has_millers_bias():
    """The multinomial's expectation, summed over all its outcomes of two categories."""
    k, p = 40, 0.3
    outcomes = torch.arange(k + 1, dtype=torch.float64)
    law = torch.distributions.Binomial(k, torch.tensor(p, dtype=torch.float64)).log_prob(outcomes).exp()
    shares = torch.stack([outcomes / k, 1 - outcomes / k], dim=1)
    mean = sum(w * plug_in_entropy(share[None]) for w, share in zip(law, shares, strict=True)).item()
    truth = -(p * math.log(p) + (1 - p) * math.log(1 - p))
    assert mean - truth == pytest.approx(-1 / (2 * k), rel=0.05)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (torch.ones(3, 2), r"off by 1 in shape \(3, 2\)"),
        (torch.tensor([[1.5, -0.5]]), "off by 0.5"),
        (torch.ones(3), r"\(3,\)"),
    ],
)
def test_rows_that_are_no_distributions_are_refused(rows, says):
    with pytest.raises(ValueError, match=says):
        plug_in_entropy(rows)
