"""Latents and their positive pairs (Zimmermann et al. 2021, arXiv:2102.08850, section 4.1).

Latents are uniform on the unit sphere or in the unit box, or standard normal in R^n. A positive is drawn around its
anchor, in the box and in R^n separately in each coordinate. In the box the density is truncated exactly, by the inverse
of its distribution function, where the authors' release (brendel-group/cl-ica) draws again until all coordinates are
inside. On the sphere every density but von Mises-Fisher is noise in R^n that is projected back, as in the release.

Nothing here synchronises with the device. Uniform numbers and quantiles are float64, and latents are float32.
"""

import math
from functools import lru_cache

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from entrec.information.sphere import sample_uniform, sample_vmf
from entrec.theory.settings.identifiability import EXPONENTS, Density, Space

KNOTS = 2**15 + 1  # of the table of the distribution function: an odd number, so that the median is a knot


def sample_latents(k: int, n: int, *, space: Space, generator: Generator) -> Tensor:
    """Draw `k` latents (k, n) of the marginal distribution in `space`, on the generator's device."""
    if space == "sphere":
        return sample_uniform(k, n, generator=generator)
    sampler = torch.rand if space == "box" else torch.randn
    return sampler(k, n, generator=generator, device=generator.device)


def sample_positives(z: Tensor, *, space: Space, density: Density, generator: Generator) -> Tensor:
    """Draw one positive (k, n) from `density` around each row of `z` (k, n), within `space`."""
    if density.kind == "vmf":
        return sample_vmf(z, kappa=density.width, generator=generator)
    exponent, alpha = EXPONENTS[density.kind], stretch(density)
    low, high = (0.0, 1.0) if space == "box" else (-math.inf, math.inf)
    positives = sample_around(z.double(), alpha=alpha, exponent=exponent, low=low, high=high, generator=generator)
    return F.normalize(positives, dim=1).to(z.dtype) if space == "sphere" else positives.to(z.dtype)


def stretch(density: Density) -> float:
    """Return the alpha of exp(-|x / alpha|^exponent): sqrt(2) standard deviations of a normal, else the width."""
    return math.sqrt(2) * density.width if density.kind == "normal" else density.width


def sample_around(
    centres: Tensor, *, alpha: float, exponent: int, low: float, high: float, generator: Generator
) -> Tensor:
    """Draw from exp(-|x - centre|^exponent / alpha^exponent), truncated to low..high, around each of `centres`.

    Centres and draws are float64. Centres lie within low..high, so that no truncated half is lost to rounding.
    """
    share = torch.rand(centres.shape, generator=generator, device=centres.device, dtype=torch.float64)
    lowest, highest = (cumulative((edge - centres) / alpha, exponent=exponent) for edge in (low, high))
    level = lowest + share * (highest - lowest)
    return (centres + alpha * quantile(level, exponent=exponent)).clamp(low, high)


def cumulative(t: Tensor, *, exponent: int) -> Tensor:
    """Return the distribution function, at float64 `t`, of the density proportional to exp(-|t|^exponent)."""
    if exponent == 1:
        return (1 - t.sign() * torch.expm1(-t.abs())) / 2
    if exponent == 2:
        return (1 + torch.erf(t)) / 2
    return (1 + t.sign() * torch.special.gammainc(torch.full_like(t, 1 / exponent), t.abs() ** exponent)) / 2


def quantile(level: Tensor, *, exponent: int) -> Tensor:
    """Return the inverse of `cumulative`; levels 0 and 1 are replaced by the next float64 numbers between them.

    The inverse is in closed form for Laplace's density and for the normal. For other exponents, which torch has no
    inverse of, a table of the distribution function is interpolated linearly, with an error below 1e-7.
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
