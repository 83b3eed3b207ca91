"""Data of known entropy, with an estimator of it and the limit of that estimator for many samples."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from entrec.information import entropy
from entrec.information.kernels import GaussianKernel, Kernel, VMFKernel
from entrec.information.portable import log
from entrec.information.sphere import log_area, sample_uniform
from entrec.theory.registry import ENTROPY_ESTIMATORS
from entrec.theory.settings.estimators import RateCase


@dataclass(frozen=True)
class KnownEntropy:
    """Data whose `entropy` is known, and one estimator of it; entropies are in nats.

    `draw(k, generator)` returns a sample (k, d) on the generator's device, and `estimate(sample)` the estimate.
    `limit` is the estimate for k -> infinity. `oracle(sample)` is the estimate to first order in the fluctuations of
    the sample (Hajek's projection), computed from the limit of the density. It is a mean over the points of the
    sample, and its expectation is exactly `limit`.
    """

    entropy: float
    limit: float
    draw: Callable[[int, Generator], Tensor]
    estimate: Callable[[Tensor], Tensor]
    oracle: Callable[[Tensor], Tensor]


def known_entropy(case: RateCase, width: float | None) -> KnownEntropy:
    """Return the data and the estimator of a case, whose kernel has the width `width`; the plug-in has no kernel."""
    if case.data == "dirichlet":
        return soft_categories(case.dimension)
    assert width is not None
    build = gaussian if case.data == "gaussian" else uniform_on_sphere
    return build(case.dimension, width, ENTROPY_ESTIMATORS[case.estimator].load())


def gaussian(d: int, h: float, estimator: Callable[..., Tensor]) -> KnownEntropy:
    """Return the case of N(0, I) in R^d, which a Gaussian kernel of bandwidth h smooths to p_h = N(0, (1 + h^2) I).

    The oracle is the mean over points z of 1 - log p_h(z) - g(z), where g(z) is the integral over x of
    kernel(x - z) p(x) / p_h(x). The logarithm is what a point contributes as a sample, and g(z) what it contributes
    to the densities of the other points.
    """
    smoothed = 1 + h**2
    ratio = smoothed / h**2  # variance of the bell p / p_h
    kernel: Kernel = GaussianKernel(h)

    def oracle(z: Tensor) -> Tensor:
        square = z.double().square().sum(dim=1)
        log_density = -square / (2 * smoothed) - d / 2 * math.log(2 * math.pi * smoothed)
        wide = ratio + h**2
        g = (smoothed * ratio / wide) ** (d / 2) * (-square / (2 * wide)).exp()
        return (1 - log_density - g).mean()

    return KnownEntropy(
        entropy=d / 2 * math.log(2 * math.pi * math.e),
        limit=d / 2 * math.log(2 * math.pi * smoothed) + d / (2 * smoothed),
        draw=lambda k, generator: torch.randn(k, d, generator=generator, device=generator.device),
        estimate=lambda z: estimator(z, kernel=kernel),
        oracle=oracle,
    )


def uniform_on_sphere(d: int, kappa: float, estimator: Callable[..., Tensor]) -> KnownEntropy:
    """Return the case of the uniform density on S^(d-1), which a vMF kernel leaves uniform: the limit is the truth.

    The limit of the density is constant, so that the fluctuations of the sample cancel to first order and the variance
    falls as k^-2.
    """
    kernel: Kernel = VMFKernel(kappa)
    area = log_area(d)
    return KnownEntropy(
        entropy=area,
        limit=area,
        draw=lambda k, generator: sample_uniform(k, d, generator=generator),
        estimate=lambda z: estimator(z, kernel=kernel),
        oracle=lambda z: torch.tensor(area, dtype=torch.float64),
    )


def soft_categories(categories: int) -> KnownEntropy:
    """Return the case of soft assignments from a Dirichlet distribution with weights 1/2, 1/3, 1/4 …

    Their mean is far from uniform; its entropy is what the plug-in estimates.
    """
    weights = 1 / torch.arange(2.0, categories + 2, dtype=torch.float64)
    mean = weights / weights.sum()
    truth = torch.special.entr(mean).sum().item()

    def draw(k: int, generator: Generator) -> Tensor:
        shapes = weights.to(generator.device).expand(k, categories)
        gammas = torch._standard_gamma(shapes, generator=generator)  # torch.distributions takes no generator
        return gammas / gammas.sum(dim=1, keepdim=True)

    return KnownEntropy(
        entropy=truth,
        limit=truth,
        draw=draw,
        estimate=entropy.plug_in_entropy,
        oracle=lambda rows: -(rows.mean(dim=0) * log(mean.to(rows.device))).sum(),
    )
