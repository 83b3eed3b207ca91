"""MIB: divergence and objective against others' code, beta's schedule, noise that depends on the image only."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from scipy import stats
from tests.methods.builders import NumberedNoise
from torch.distributions import Independent, Normal, kl_divergence

from entrec import collectives
from entrec.data import randomness
from entrec.information.bounds import js
from entrec.information.checks import InvalidEmbeddings
from entrec.methods.mib import (
    MIB,
    Critic,
    Gaussians,
    beta_at,
    divergences,
    gaussians,
    jensen_shannon,
    sample,
    standard_normal,
)
from entrec.methods.registry import MIBSettings
from entrec.networks import build_backbone
from entrec.settings import Network, Optimiser

ADAMW = Optimiser(name="adamw", lr=0.01, lr_scaling="none", momentum=0.9, weight_decay=0.0)
SETTINGS = MIBSettings(
    optimiser=ADAMW, projector=(16, 6), critic=(12, 12), beta=(1e-3, 1.0), beta_from=0.2, beta_until=0.6
)
NETWORK = Network(backbone="small_resnet", width=8, stem="3x3")
K, PER_EPOCH = 12, NumberedNoise.steps_per_epoch


def build(**changes):
    torch.manual_seed(0)
    return MIB(build_backbone(NETWORK, channels=1), replace(SETTINGS, **changes))


def rows(k=8, d=5, seed=0):
    return torch.randn(k, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_gaussians(seed, k=8, d=5):
    return Gaussians(rows(k, d, seed), rows(k, d, seed + 1).exp())


def test_the_divergence_is_the_mean_of_torchs_both_ways():
    (mean1, scale1), (mean2, scale2) = random_gaussians(1), random_gaussians(3)
    one, two = Independent(Normal(mean1, scale1), 1), Independent(Normal(mean2, scale2), 1)
    expected = (kl_divergence(one, two) + kl_divergence(two, one)) / 2
    torch.testing.assert_close(divergences(mean1, scale1, mean2, scale2), expected)


def test_equal_gaussians_diverge_by_nothing_and_shifted_ones_by_the_square_of_the_shift():
    """N(0, s^2) and N(t, s^2) have t^2 / 2 s^2 in each coordinate."""
    mean, scale = torch.zeros(3, 4), torch.full((3, 4), 0.5)
    assert not divergences(mean, scale, mean, scale).any()
    assert divergences(mean, scale, mean + 3, scale).tolist() == [pytest.approx(4 * 9 / (2 * 0.25))] * 3


def test_nearly_equal_scales_keep_their_divergence_in_single_precision():
    """(v1 - v2)^2 / 4 v1 v2, which a difference of numbers near 1 would have lost."""
    scale, mean = torch.full((1, 1), 1e-3), torch.zeros(1, 1)
    near = scale * (1 + 2.0**-12)
    expected = 2.0**-24  # (2 * 2^-12)^2 / 4
    assert divergences(mean, scale, mean, near).item() == pytest.approx(expected, rel=1e-3)


def test_the_objective_is_the_bounds_of_a_matrix_of_two_pairs():
    """Of two images the one before is the other one."""
    scores = rows(2, 2, seed=1)
    torch.testing.assert_close(jensen_shannon(scores.diagonal(), torch.stack([scores[1, 0], scores[0, 1]])), js(scores))


def test_the_objective_of_a_known_critic_by_hand():
    """At f = log 3 for pairs, -log 3 else: log 3/4 each. At f = 0, of a critic that knows nothing: -2 log 2."""
    paired = torch.full((4,), math.log(3.0))
    assert jensen_shannon(paired, -paired).item() == pytest.approx(2 * math.log(3 / 4))
    assert jensen_shannon(torch.zeros(4), torch.zeros(4)).item() == pytest.approx(-2 * math.log(2))


def test_scores_of_any_size_leave_the_objective_finite():
    assert jensen_shannon(torch.full((2,), 1e4), torch.full((2,), -1e4)).item() == 0.0
    assert jensen_shannon(torch.full((2,), -1e4), torch.full((2,), 1e4)).item() == pytest.approx(-2e4)


def test_scales_are_positive_whatever_the_network_says():
    parameters = torch.tensor([[1.0, 2.0, -200.0, 0.0]])
    mean, scale = gaussians(parameters)
    assert mean.tolist() == [[1.0, 2.0]]
    assert scale.tolist() == [[pytest.approx(1e-7), pytest.approx(math.log(2))]]
    assert divergences(mean, scale, mean + 1, scale).isfinite().all()


@pytest.mark.parametrize(
    ("progress", "expected"), [(0.0, 1e-3), (0.2, 1e-3), (0.3, 1e-3 * 1000**0.25), (0.4, 10**-1.5), (0.6, 1), (1, 1)]
)
def test_beta_waits_rises_geometrically_and_stays(progress, expected):
    assert beta_at(progress, SETTINGS) == pytest.approx(expected, rel=1e-12)


def test_beta_may_be_constant_or_jump():
    assert beta_at(0.3, replace(SETTINGS, beta=(0.5, 0.5))) == 0.5
    jump = replace(SETTINGS, beta_from=0.3, beta_until=0.3)
    assert [beta_at(progress, jump) for progress in (0.3, 0.31)] == [1e-3, 1.0]


def test_the_weight_of_the_divergence_is_beta_and_follows_the_training():
    method = build()
    assert method.weights == {"information": -1.0, "divergence": 1e-3}
    method.after_step(0.4)
    assert method.weights == {"information": -1.0, "divergence": beta_at(0.4, SETTINGS)}


def test_a_checkpoint_brings_beta_to_the_bit():
    method, fresh = build(), build()
    method.after_step(1 / 3)
    fresh.load_state_dict(copy.deepcopy(method.state_dict()))
    assert fresh.weights == method.weights
    assert "noise" not in method.state_dict()


def test_the_methods_terms_are_a_loop_over_pairs_taken_both_ways():
    method, source = build(), NumberedNoise()
    method.before_step(0, source)
    twin, (views, labels) = copy.deepcopy(method), source.at(0)
    outcome = method(views, labels)
    one, two = (gaussians(twin.projector(twin.backbone(view))) for view in views)
    total = 0.0
    for a, b in ((one, two), (two, one)):
        z1, z2 = (c.mean + c.scale * twin.noise[:, place] for place, c in enumerate((a, b)))
        for i in range(K):
            paired, unpaired = (twin.critic(z1[[j]], z2[[i]]).item() for j in (i, i - 1))
            total += -math.log1p(math.exp(-paired)) - math.log1p(math.exp(unpaired))
    assert outcome.terms["information"].item() == pytest.approx(total / (2 * K), rel=1e-5)
    torch.testing.assert_close(outcome.terms["divergence"], divergences(*one, *two).mean())
    for got, expected in zip(outcome.embeddings, (one.mean, two.mean), strict=True):
        torch.testing.assert_close(got, expected)


def test_the_loss_does_not_know_which_view_is_the_first():
    method, source = build(), NumberedNoise()
    method.before_step(0, source)
    views, labels = source.at(0)
    there, back = (copy.deepcopy(method)(order, labels).terms for order in (views, views[::-1]))
    for name, term in there.items():
        torch.testing.assert_close(back[name], term)


def test_a_batch_of_one_image_has_no_unpaired_sample():
    method, source = build(), NumberedNoise(k=1)
    method.eval()  # batch norm refuses a single image in training
    method.before_step(0, source)
    with pytest.raises(InvalidEmbeddings, match="need at least two embeddings"):
        method(*source.at(0))


def test_noise_moves_a_sample_by_its_scale():
    one = random_gaussians(1)
    assert torch.equal(sample(one, torch.zeros_like(one.mean)), one.mean)
    torch.testing.assert_close(sample(one, torch.ones_like(one.mean)) - one.mean, one.scale)


def noise_of(step, **options):
    """Return the noise of each sample of a step's batch."""
    method, source = build(), NumberedNoise(**options)
    method.before_step(step, source)
    return dict(zip(source.samples(step).tolist(), method.noise, strict=True))


def test_an_images_noise_is_the_same_in_every_batch():
    first = noise_of(0)
    for others in (noise_of(2, order=torch.arange(35, -1, -1)), noise_of(0, k=5)):
        shared = first.keys() & others.keys()
        assert len(shared) >= 5
        assert all(torch.equal(first[sample], others[sample]) for sample in shared)


def test_noise_differs_between_seeds_epochs_samples_places_and_coordinates():
    noise = torch.cat([*noise_of(0).values(), *noise_of(0, seed=1).values(), *noise_of(PER_EPOCH).values()])
    assert noise.shape == (3 * K * 2, 6)
    assert noise.unique().numel() == noise.numel()


def test_noise_is_standard_normal_in_both_places_and_they_are_independent():
    noise = torch.stack(list(noise_of(0, order=torch.arange(9000), k=9000).values())).double()
    for place in noise.unbind(dim=1):
        assert stats.kstest(place.flatten().numpy(), "norm").pvalue > 0.01
    correlations = torch.corrcoef(noise.flatten(1).T) - torch.eye(12)
    assert correlations.abs().max() < 5 / math.sqrt(9000)


def test_a_uniform_number_of_zero_has_a_finite_quantile(monkeypatch):
    monkeypatch.setattr(randomness, "uniform", lambda keys, count: torch.zeros(len(keys), count, dtype=torch.float64))
    assert standard_normal(torch.zeros(2, dtype=torch.int64), 3)[0, 0].item() == pytest.approx(stats.norm.ppf(2**-54))


def test_processes_share_the_critics_gradient_and_each_has_the_samples_whole(monkeypatch):
    torch.manual_seed(0)
    critic, z1, z2 = Critic(5, (8,)).double(), rows(seed=1).requires_grad_(), rows(seed=2)
    inputs = [z1, *critic.parameters()]
    alone = torch.autograd.grad(critic(z1, z2).square().sum(), inputs)
    monkeypatch.setattr(collectives, "size", lambda: 4)
    shared = torch.autograd.grad(critic(z1, z2).square().sum(), inputs)
    torch.testing.assert_close(shared[0], alone[0])
    for got, expected in zip(shared[1:], alone[1:], strict=True):
        torch.testing.assert_close(4 * got, expected)
