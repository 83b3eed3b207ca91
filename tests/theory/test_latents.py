"""Latents and positives: their distributions, and the spaces they stay in."""

import math

import pytest
import torch
from scipy import stats
from tests.conftest import generator

from entrec.information.sphere import mean_resultant_length
from entrec.theory.identifiability.latents import (
    cumulative,
    quantile,
    sample_around,
    sample_latents,
    sample_positives,
    stretch,
)
from entrec.theory.settings.identifiability import EXPONENTS, Density

SCIPY = {1: stats.laplace(), 2: stats.norm(scale=math.sqrt(0.5)), 3: stats.gennorm(3)}
every_exponent = pytest.mark.parametrize("exponent", SCIPY)


@every_exponent
def test_the_distribution_function_is_scipys(exponent):
    t = torch.linspace(-4, 4, 101, dtype=torch.float64)
    expected = torch.from_numpy(SCIPY[exponent].cdf(t.numpy()))
    assert torch.allclose(cumulative(t, exponent=exponent), expected, atol=1e-12)


@every_exponent
def test_the_quantile_undoes_the_distribution_function(exponent):
    level = torch.tensor([1e-9, 1e-4, 0.2, 0.5, 0.500001, 0.7, 0.9999], dtype=torch.float64)
    found = quantile(level, exponent=exponent)
    assert torch.allclose(found, torch.from_numpy(SCIPY[exponent].ppf(level.numpy())), atol=1e-7)
    ends = quantile(torch.tensor([0.0, 1.0], dtype=torch.float64), exponent=exponent)
    assert ends.isfinite().all()
    assert ends[0] < found[0] < found[-1] < ends[1]


@every_exponent
@pytest.mark.parametrize("centre", [0.0, 0.03, 0.5, 1.0])
def test_draws_in_the_box_follow_the_truncated_density(exponent, centre):
    alpha, size = 0.3, 4000
    centres = torch.full((size, 1), centre, dtype=torch.float64)
    draws = sample_around(centres, alpha=alpha, exponent=exponent, low=0.0, high=1.0, generator=generator())[:, 0]
    assert draws.min() >= 0
    assert draws.max() <= 1

    whole = SCIPY[exponent]
    low, high = whole.cdf((0 - centre) / alpha), whole.cdf((1 - centre) / alpha)

    def truncated(x):
        return (whole.cdf((x - centre) / alpha) - low) / (high - low)

    assert stats.kstest(draws.numpy(), truncated).pvalue > 0.01


@pytest.mark.parametrize("kind", EXPONENTS)
def test_an_untruncated_positive_has_the_density_it_is_named_after(kind):
    density = Density(kind=kind, width=0.7)
    z = sample_latents(3000, 2, space="unbounded", generator=generator())
    difference = sample_positives(z, space="unbounded", density=density, generator=generator(1)) - z
    for column in difference.T:
        assert stats.kstest(column.numpy() / stretch(density), SCIPY[EXPONENTS[kind]].cdf).pvalue > 0.01
    if kind == "normal":
        assert difference.std().item() == pytest.approx(0.7, rel=0.03)


@pytest.mark.parametrize("kind", EXPONENTS)
def test_positives_stay_in_the_box_without_gathering_at_its_faces(kind):
    z = sample_latents(2000, 10, space="box", generator=generator())
    positives = sample_positives(z, space="box", density=Density(kind=kind, width=0.2), generator=generator(1))
    assert ((positives >= 0) & (positives <= 1)).all()
    assert ((positives == 0) | (positives == 1)).float().mean() < 1e-3


@pytest.mark.parametrize("kind", ["vmf", *EXPONENTS])
def test_positives_of_the_sphere_are_unit_vectors_near_their_anchors(kind):
    width = 50.0 if kind == "vmf" else 0.05
    z = sample_latents(2000, 10, space="sphere", generator=generator())
    positives = sample_positives(z, space="sphere", density=Density(kind=kind, width=width), generator=generator(1))
    assert torch.allclose(positives.norm(dim=1), torch.ones(2000), atol=1e-5)
    cosine = (z * positives).sum(dim=1).mean().item()
    if kind == "vmf":
        assert cosine == pytest.approx(mean_resultant_length(10, kappa=50.0), abs=0.003)
    else:
        assert 0.9 < cosine < 0.999


@pytest.mark.parametrize(("space", "kind"), [("sphere", "vmf"), ("box", "cubic"), ("unbounded", "laplace")])
def test_a_seed_decides_every_bit_and_latents_are_single_precision(space, kind):
    def draw(seed):
        g = generator(seed)
        z = sample_latents(8, 3, space=space, generator=g)
        return z, sample_positives(z, space=space, density=Density(kind=kind, width=0.5), generator=g)

    for once, again, other in zip(draw(0), draw(0), draw(1), strict=True):
        assert once.dtype == torch.float32
        assert torch.equal(once, again)
        assert not torch.equal(once, other)
