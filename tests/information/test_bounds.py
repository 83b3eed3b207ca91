"""Bounds of information: their values for Gaussians, pairs on the sphere and categories, and their caps."""

import math

import pytest
import torch
from tests.conftest import generator
from torch.nn import functional as F

from entrec.information.bounds import (
    barber_agakov,
    entrec_bound,
    entrec_discrete_bound,
    entrec_leave_one_out_bound,
    info_nce_bound,
    js,
    js_information,
    nwj,
    smile,
    tuba,
)
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.sphere import log_vmf_constant, sample_uniform, sample_vmf, vmf_information

K = 32
OF_SCORES = {
    "tuba": lambda scores: tuba(scores, log_baseline=0.3),
    "nwj": nwj,
    "js": js,
    "js_information": js_information,
    "smile": lambda scores: smile(scores, clip=5.0),
    "info_nce": info_nce_bound,
}
every_bound_of_scores = pytest.mark.parametrize("bound", OF_SCORES.values(), ids=OF_SCORES)


def random_scores(k=K, scale=1.0, seed=0):
    return scale * torch.randn(k, k, dtype=torch.float64, generator=generator(seed))


def log_ratios(information, *, d=4, k=K, batches=1, seed=0):
    """Return log p(y|x)/p(y) of all pairs of `batches` batches of k correlated Gaussians; (batches, k, k)."""
    x, noise = torch.randn(2, batches, k, d, dtype=torch.float64, generator=generator(seed))
    square = -math.expm1(-2 * information / d)  # rho^2
    y = math.sqrt(square) * x + math.sqrt(1 - square) * noise
    residual = y[:, None] - math.sqrt(square) * x[:, :, None]
    per_coordinate = y[:, None].square() - residual.square() / (1 - square) - math.log1p(-square)
    return per_coordinate.sum(dim=3) / 2


def mean_and_error(bound, scores):
    values = torch.stack([bound(batch) for batch in scores])
    return values.mean().item(), (values.std() / len(values) ** 0.5).item()


def points(k=K, d=10, seed=0):
    return F.normalize(torch.randn(k, d, dtype=torch.float64, generator=generator(seed)), dim=1)


@pytest.mark.parametrize(("bound", "shift"), [(nwj, 1.0), (js_information, 0.0)])
@pytest.mark.parametrize("information", [0.5, 1.0])
def test_at_the_best_critic_the_unnormalised_bounds_are_the_information(bound, shift, information):
    mean, error = mean_and_error(bound, log_ratios(information, batches=2000) + shift)
    assert error < 0.03
    assert mean == pytest.approx(information, abs=4 * error)


@pytest.mark.parametrize("slope", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("name", ["tuba", "nwj", "js_information", "info_nce"])
def test_in_expectation_no_critic_lifts_a_bound_above_the_information(name, slope):
    for information in (0.5, 1.0, 2.0):
        mean, error = mean_and_error(OF_SCORES[name], slope * log_ratios(information, batches=500))
        assert mean <= information + 4 * error


def test_a_baseline_takes_from_the_scores_what_it_is_told_to():
    scores, log_baseline = random_scores(), random_scores()[0]
    shifted = tuba(scores + log_baseline, log_baseline=log_baseline)
    assert shifted.item() == pytest.approx(js_information(scores).item())
    assert nwj(scores + 1).item() == pytest.approx(js_information(scores).item())


@pytest.mark.parametrize("information", [0.3, 0.5])
def test_the_variance_of_the_marginal_term_has_its_closed_form(information):
    d, k = 4, 8
    scores = log_ratios(information, d=d, k=k, batches=15_000)
    diagonal = scores.diagonal(dim1=1, dim2=2).mean(dim=1)
    marginal = torch.stack([js_information(batch) for batch in scores]) - diagonal
    square = -math.expm1(-2 * information / d)
    closed = ((1 - square) ** -d + (1 - square**2) ** -d - 2) / (k * (k - 1))
    assert marginal.var().item() == pytest.approx(closed, rel=0.15)
    assert closed >= math.expm1(2 * information) / k**2


@pytest.mark.parametrize("scale", [0.1, 10.0, 1e4])
def test_info_nce_never_exceeds_log_k_and_reaches_it(scale):
    scores = random_scores(scale=scale)
    assert info_nce_bound(scores).item() <= math.log(K)
    assert info_nce_bound(scores + 1e6 * torch.eye(K)).item() == pytest.approx(math.log(K))


def test_info_nce_at_the_best_critic_nears_the_information_as_k_grows():
    gaps = [1.5 - mean_and_error(info_nce_bound, log_ratios(1.5, k=k, batches=400))[0] for k in (4, 16, 64)]
    assert gaps[0] > gaps[1] > gaps[2] > 0
    assert gaps[2] < 0.1


def test_info_nce_ignores_what_depends_on_x_alone():
    scores = random_scores()
    assert info_nce_bound(scores + scores[:, :1]).item() == pytest.approx(info_nce_bound(scores).item())


def test_the_jensen_shannon_objective_is_best_at_the_log_ratio():
    assert js(torch.zeros(K, K)).item() == pytest.approx(-2 * math.log(2))
    assert js(1e4 * (2 * torch.eye(K) - 1)).item() == pytest.approx(0.0, abs=1e-6)
    scores = log_ratios(1.0, batches=500)
    best = mean_and_error(js, scores)[0]
    for other in (0.5 * scores, 2 * scores, scores + 0.5, scores - 0.5):
        assert mean_and_error(js, other)[0] < best


def test_smile_exceeds_the_information_by_up_to_its_clip():
    """The documented violation: at the best critic, and at 10 nats, where most ratios lie under the clip."""
    scores = log_ratios(10.0, d=20, k=64, batches=50)
    for clip in (1.0, 3.0):
        mean, _ = mean_and_error(lambda batch, clip=clip: smile(batch, clip=clip), scores)
        assert 10 + 0.5 * clip < mean < 10 + 1.1 * clip


def test_smile_without_an_effective_clip_is_donsker_varadhan():
    scores = random_scores()
    others = scores[~torch.eye(K, dtype=torch.bool)]
    expected = scores.diagonal().mean() - others.exp().mean().log()
    assert smile(scores, clip=100.0).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("scale", [0.1, 10.0, 1e4])
def test_clipping_keeps_what_varies_within_the_clip(scale):
    scores = random_scores(scale=scale)
    assert abs(smile(scores, clip=2.0).item() - scores.diagonal().mean().item()) <= 2


def test_barber_agakov_is_tight_at_the_true_conditional_and_lower_elsewhere():
    rho, k = 0.8, 100_000
    x, noise = torch.randn(2, k, dtype=torch.float64, generator=generator())
    y = rho * x + math.sqrt(1 - rho**2) * noise
    entropy = math.log(2 * math.pi * math.e) / 2

    def bound(slope, scale):
        log_q = -((y - slope * x) ** 2) / (2 * scale**2) - math.log(scale) - math.log(2 * math.pi) / 2
        return barber_agakov(log_q, entropy=entropy).item()

    true = math.sqrt(1 - rho**2)
    assert bound(rho, true) == pytest.approx(-math.log(1 - rho**2) / 2, abs=0.01)
    assert max(bound(0.5, true), bound(rho, 0.5), bound(rho, 0.8)) < bound(rho, true)


def test_bounds_of_scores_equal_their_naive_formulas():
    scores = random_scores()
    joint, others = scores.diagonal(), scores[~torch.eye(K, dtype=torch.bool)]
    naive = {
        "tuba": 1 + (joint - 0.3).mean() - (others.exp() / math.exp(0.3)).mean(),
        "nwj": joint.mean() - (others - 1).exp().mean(),
        "js": -(1 + (-joint).exp()).log().mean() - (1 + others.exp()).log().mean(),
        "info_nce": (joint.exp() / scores.exp().mean(dim=1)).log().mean(),
    }
    for name, value in naive.items():
        assert OF_SCORES[name](scores).item() == pytest.approx(value.item())


@every_bound_of_scores
def test_a_bound_does_not_change_when_pairs_change_places(bound):
    scores, order = random_scores(), torch.randperm(K, generator=generator(1))
    assert bound(scores[order][:, order]).item() == pytest.approx(bound(scores).item())


@every_bound_of_scores
def test_gradients_agree_with_finite_differences(bound):
    assert torch.autograd.gradcheck(bound, (random_scores(6).requires_grad_(),))


@every_bound_of_scores
def test_half_precision_is_lifted_even_under_autocast(bound):
    scores = random_scores().bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        lifted = bound(scores)
    assert lifted.dtype == torch.float32
    assert lifted.item() == pytest.approx(bound(scores.float()).item(), rel=1e-6)


@pytest.mark.parametrize("bound", [js, OF_SCORES["smile"], info_nce_bound])
def test_large_scores_stay_finite(bound):
    scores = random_scores(scale=1e4)
    assert bound(scores).isfinite()


@every_bound_of_scores
@pytest.mark.parametrize("shape", [(4, 5), (4,), (1, 1)])
def test_scores_that_are_not_square_are_refused(bound, shape):
    with pytest.raises(ValueError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
        bound(torch.zeros(shape))


@every_bound_of_scores
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_refused(bound, value):
    scores = random_scores()
    scores[2, 3] = value
    with pytest.raises(ValueError, match=r"finite numbers, got a value of (nan|inf) in shape \(32, 32\)"):
        bound(scores)


def test_a_clip_of_zero_and_a_matrix_of_densities_are_refused():
    with pytest.raises(ValueError, match=r"clip=0.* \(32, 32\)"):
        smile(random_scores(), clip=0.0)
    with pytest.raises(ValueError, match=r"\(32, 32\)"):
        barber_agakov(random_scores(), entropy=1.0)


@pytest.mark.parametrize("kappa", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("same", [True, False])
def test_entrec_never_exceeds_its_caps(kappa, same):
    """log k with the self term, kappa k / (k - 1) without, for every sample, however it was arranged."""
    crosses = torch.cat([torch.eye(16), -torch.eye(16)]).double()  # as far apart as points can be
    for z2 in (points(), crosses):
        z1 = z2 if same else points(K, z2.shape[1], seed=1)
        kernel = VMFKernel(kappa)
        assert entrec_bound(z1, z2, kernel=kernel, kappa=kappa).item() <= math.log(K) + 1e-9
        assert entrec_leave_one_out_bound(z1, z2, kernel=kernel, kappa=kappa).item() <= kappa * K / (K - 1) + 1e-9


def test_both_caps_are_reached_by_points_that_are_far_apart():
    crosses = torch.cat([torch.eye(16), -torch.eye(16)]).double()
    assert entrec_bound(crosses, crosses, kernel=VMFKernel(100.0), kappa=100.0).item() == pytest.approx(math.log(K))
    without = entrec_leave_one_out_bound(crosses, crosses, kernel=VMFKernel(1.0), kappa=1.0).item()
    assert without == pytest.approx(K / (K - 1), abs=0.02)


@pytest.mark.parametrize("bound", [entrec_bound, entrec_leave_one_out_bound])
def test_constant_embeddings_share_nothing_unless_the_kernel_is_wider_than_the_density(bound):
    z = points(1).expand(K, -1)
    assert bound(z, z, kernel=VMFKernel(10.0), kappa=10.0).item() == pytest.approx(0.0, abs=1e-9)
    excess = 20.0 + log_vmf_constant(10, kappa=20.0) - 10.0 - log_vmf_constant(10, kappa=10.0)
    assert excess > 2
    assert bound(z, z, kernel=VMFKernel(10.0), kappa=20.0).item() == pytest.approx(excess)
    assert bound(z, z, kernel=VMFKernel(20.0), kappa=10.0).item() == pytest.approx(-excess)


@pytest.mark.parametrize(
    ("bound", "entropy"), [(entrec_bound, kernel_entropy), (entrec_leave_one_out_bound, leave_one_out_entropy)]
)
def test_the_entropy_is_that_of_the_second_view(bound, entropy):
    """One view collapsed, the other spread: H(Z2) + E[log q(Z2 | Z1)] by hand, and far from H(Z1) + the same."""
    z1, z2 = points(1).expand(K, -1), points(seed=1)
    log_q = log_vmf_constant(10, kappa=3.0) + 3.0 * (z1 * z2).sum(dim=1).mean().item()
    found = bound(z1, z2, kernel=VMFKernel(7.0), kappa=3.0).item()
    assert found == pytest.approx(entropy(z2, kernel=VMFKernel(7.0)).item() + log_q)
    assert abs(found - entropy(z1, kernel=VMFKernel(7.0)).item() - log_q) > 1


def vmf_pairs(kappa, k, seed=0):
    x = sample_uniform(k, 10, generator=generator(seed), dtype=torch.float64)
    return x, sample_vmf(x, kappa=kappa, generator=generator(seed + 1))


def test_at_the_true_latents_entrec_nears_the_information_as_k_grows():
    truth = vmf_information(10, kappa=10.0)
    x, y = vmf_pairs(10.0, 8192)
    assert entrec_leave_one_out_bound(x, y, kernel=VMFKernel(10.0), kappa=10.0).item() == pytest.approx(truth, abs=0.05)
    assert entrec_bound(x, y, kernel=VMFKernel(10.0), kappa=10.0).item() == pytest.approx(truth, abs=0.1)


def test_without_the_self_term_a_small_sample_exceeds_the_information():
    """The documented violation: 64 pairs with 5.6 nats between them, of which log 64 = 4.2 is the other's cap."""
    truth = vmf_information(10, kappa=25.0)
    for seed in range(5):
        x, y = vmf_pairs(25.0, 64, seed)
        assert entrec_leave_one_out_bound(x, y, kernel=VMFKernel(25.0), kappa=25.0).item() > truth + 1
        assert entrec_bound(x, y, kernel=VMFKernel(25.0), kappa=25.0).item() < math.log(64)


@pytest.mark.parametrize("categories", [4, 100])
def test_the_discrete_bound_never_exceeds_log_k_or_log_categories(categories):
    cap = math.log(min(K, categories))
    for scale in (0.1, 3.0, 100.0):
        logits = scale * torch.randn(2, K, categories, dtype=torch.float64, generator=generator())
        assert entrec_discrete_bound(*logits).item() <= cap
        assert entrec_discrete_bound(logits[1], logits[1]).item() <= cap
    sharp = 1e3 * torch.eye(categories, dtype=torch.float64)[torch.arange(K) % categories]
    assert entrec_discrete_bound(sharp, sharp).item() == pytest.approx(cap)


def test_the_discrete_bound_of_a_noisy_bit_is_its_information_from_below():
    """x is a fair bit, y is x flipped with probability 0.1, and q knows it: log 2 - H(0.1)."""
    flip = 0.1
    truth = math.log(2) + flip * math.log(flip) + (1 - flip) * math.log(1 - flip)
    values = []
    for seed in range(400):
        x = torch.randint(2, (K,), generator=generator(seed))
        y = x ^ (torch.rand(K, generator=generator(seed + 1000)) < flip).long()
        log_q = torch.tensor([[1 - flip, flip], [flip, 1 - flip]], dtype=torch.float64).log()
        values.append(entrec_discrete_bound(log_q[x], 1e3 * F.one_hot(y, 2).double()).item())
    mean, error = torch.tensor(values).mean().item(), torch.tensor(values).std().item() / 20
    expected = truth - 1 / (2 * K)  # Miller's bias of the plug-in entropy
    assert mean == pytest.approx(expected, abs=4 * error)
    assert mean < truth
