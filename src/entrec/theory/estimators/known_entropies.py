"""Data whose entropy is known, with an estimator of it and that estimator's limit for many samples."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from entrec.information import entropy
from entrec.information.kernels import GaussianKernel, Kernel, VMFKernel
from entrec.information.sphere import log_area, sample_uniform
from entrec.theory.settings.estimators import RateCase


@dataclass(frozen=True)
class Known:
    """Everything about one case, entropies in nats.

    `draw(k, generator)` gives a sample, on the generator's device; `estimate(sample)` what is studied;
    `limit` its value for k -> infinity, and `oracle(sample)` the estimate to first order in the sample's
    fluctuations (Hajek's projection), from the limit of the density: a mean over points, whose expectation is
    exactly the limit.
    """

    entropy: float
    limit: float
    draw: Callable[[int, Generator], Tensor]
    estimate: Callable[[Tensor], Tensor]
    oracle: Callable[[Tensor], Tensor]


def known(case: RateCase, width: float | None) -> Known:
    """The case with a kernel of this width."""
    if case.data == "dirichlet":
        return soft_categories(case.dimension)
    assert width is not None
    estimate = {"kernel_entropy": entropy.kernel_entropy, "leave_one_out_entropy": entropy.leave_one_out_entropy}
    kind = estimate[case.estimator]
    return (gaussian if case.data == "gaussian" else uniform_on_sphere)(case.dimension, width, kind)


def gaussian(d: int, h: float, estimator: Callable[..., Tensor]) -> Known:
    """N(0, I) in R^d; a Gaussian kernel of bandwidth h smooths it to p_h = N(0, (1 + h^2) I).

    The oracle's mean is over 1 - log p_h(z) - g(z), with g(z) the integral of kernel(x - z) p(x) / p_h(x) over x:
    what the point does as a sample, and what it does to the densities of the others.
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

    return Known(
        entropy=d / 2 * math.log(2 * math.pi * math.e),
        limit=d / 2 * math.log(2 * math.pi * smoothed) + d / (2 * smoothed),
        draw=lambda k, generator: torch.randn(k, d, generator=generator, device=generator.device),
        estimate=lambda z: estimator(z, kernel=kernel),
        oracle=oracle,
    )


def uniform_on_sphere(d: int, kappa: float, estimator: Callable[..., Tensor]) -> Known:
    """Uniform on S^(d-1), which a vMF kernel leaves uniform: the limit is the truth.

    The limit's density is flat, so that the sample's fluctuation cancels to first order: the variance falls as k^-2.
    """
    kernel: Kernel = VMFKernel(kappa)
    area = log_area(d)
    return Known(
        entropy=area,
        limit=area,
        draw=lambda k, generator: sample_uniform(k, d, generator=generator),
        estimate=lambda z: estimator(z, kernel=kernel),
        oracle=lambda z: torch.tensor(area, dtype=torch.float64),
    )


def soft_categories(categories: int) -> Known:
    """Soft assignments from a Dirichlet distribution with weights 1/2, 1/3, 1/4 …, whose mean is far from uniform."""
    weights = 1 / torch.arange(2.0, categories + 2, dtype=torch.float64)
    mean = weights / weights.sum()
    truth = torch.special.entr(mean).sum().item()

    def draw(k: int, generator: Generator) -> Tensor:
        shapes = weights.to(generator.device).expand(k, categories)
        gammas = torch._standard_gamma(shapes, generator=generator)  # torch.distributions takes no generator
        return gammas / gammas.sum(dim=1, keepdim=True)

    return Known(
        entropy=truth,
        limit=truth,
        draw=draw,
        estimate=entropy.plug_in_entropy,
        oracle=lambda rows: -(rows.mean(dim=0) * mean.to(rows.device).log()).sum(),
    )
