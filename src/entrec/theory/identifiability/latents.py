"""Latents and their positive pairs (Zimmermann et al. 2021, arXiv:2102.08850, section 4.1).

Marginals: uniform on the unit sphere or in the unit box, standard normal in R^n. A positive is drawn around its
anchor, coordinate by coordinate in box and R^n. In the box the density is truncated to it exactly, by the inverse of
its distribution function, where the release (brendel-group/cl-ica) draws again until all is inside. On the sphere
every density but von Mises-Fisher is what the release makes of it: noise in R^n, projected back.

Nothing here waits for the device. Uniform numbers and quantiles are float64, latents float32.
"""

import math
from functools import lru_cache

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from entrec.information.sphere import sample_uniform, sample_vmf
from entrec.theory.settings.identifiability import EXPONENTS, Density, Space

KNOTS = 2**15 + 1  # of the tabled distribution function: odd, so that the median is one of them


def sample_latents(k: int, n: int, *, space: Space, generator: Generator) -> Tensor:
    """`k` draws of the marginal, (k, n), on the generator's device."""
    if space == "sphere":
        return sample_uniform(k, n, generator=generator)
    sampler = torch.rand if space == "box" else torch.randn
    return sampler(k, n, generator=generator, device=generator.device)


def sample_positives(z: Tensor, *, space: Space, density: Density, generator: Generator) -> Tensor:
    """One draw of `density` around each row of `z` (k, n), within `space`; (k, n)."""
    if density.kind == "vmf":
        return sample_vmf(z, kappa=density.width, generator=generator)
    exponent, alpha = EXPONENTS[density.kind], stretch(density)
    low, high = (0.0, 1.0) if space == "box" else (-math.inf, math.inf)
    positives = sample_around(z.double(), alpha=alpha, exponent=exponent, low=low, high=high, generator=generator)
    return F.normalize(positives, dim=1).to(z.dtype) if space == "sphere" else positives.to(z.dtype)


def stretch(density: Density) -> float:
    """The alpha of exp(-|x / alpha|^exponent): sqrt(2) standard deviations of a normal, the width of the others."""
    return math.sqrt(2) * density.width if density.kind == "normal" else density.width


def sample_around(
    centres: Tensor, *, alpha: float, exponent: int, low: float, high: float, generator: Generator
) -> Tensor:
    """Draws of exp(-|x - centre|^exponent / alpha^exponent), truncated to low..high; float64, as `centres`.

    Centres lie within low..high, so that half of the mass on either side never gets lost to rounding.
    """
    share = torch.rand(centres.shape, generator=generator, device=centres.device, dtype=torch.float64)
    lowest, highest = (cumulative((edge - centres) / alpha, exponent=exponent) for edge in (low, high))
    level = lowest + share * (highest - lowest)
    return (centres + alpha * quantile(level, exponent=exponent)).clamp(low, high)


def cumulative(t: Tensor, *, exponent: int) -> Tensor:
    """Distribution function of the density proportional to exp(-|t|^exponent) at float64 `t`."""
    if exponent == 1:
        return (1 - t.sign() * torch.expm1(-t.abs())) / 2
    if exponent == 2:
        return (1 + torch.erf(t)) / 2
    return (1 + t.sign() * torch.special.gammainc(torch.full_like(t, 1 / exponent), t.abs() ** exponent)) / 2


def quantile(level: Tensor, *, exponent: int) -> Tensor:
    """Inverse of `cumulative`, levels 0 and 1 taken as the next number that float64 has between them.

    Closed forms for Laplace's density and the normal. For other exponents, whose inverse torch has not, a table of
    the distribution function read by linear interpolation: off by less than 1e-7.
    """
    p = level.clamp(2.0**-54, 1 - 2.0**-53)
    if exponent == 1:
        return (p - 0.5).sign() * -torch.log1p(-2 * (p - 0.5).abs())
    if exponent == 2:
        return torch.special.erfinv(2 * p - 1)
    t, levels = _table(exponent, level.device)
    right = torch.searchsorted(levels, p).clamp(1, KNOTS - 1)
    below, above = levels[right - 1], levels[right]
    share = ((p - below) / (above - below).clamp(min=2.0**-60)).clamp(0, 1)
    return torch.lerp(t[right - 1], t[right], share)


@lru_cache
def _table(exponent: int, device: torch.device) -> tuple[Tensor, Tensor]:
    farthest = 37 ** (1 / exponent)  # exp(-37) is below the spacing of levels near 1
    t = torch.linspace(-farthest, farthest, KNOTS, dtype=torch.float64, device=device)
    return t, cumulative(t, exponent=exponent)
