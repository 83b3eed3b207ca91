"""MIB, the multi-view information bottleneck (Federici et al., ICLR 2020, arXiv:2002.07017).

This follows `training/mib.py`, `utils/modules.py` and `utils/schedulers.py` of the release at
mfederici/Multi-View-Information-Bottleneck 72ce0aa. Representations are Gaussian with independent coordinates, sampled
by reparametrisation; both views share one encoder. A critic of pairs of samples is trained by the Jensen-Shannon
objective; unpaired samples are those of the previous image of the batch. The weight beta of the divergence rises
geometrically.

Deviations: the divergence of two representations is in closed form (the release: a difference of log densities at the
samples); the pairs are scored in both orders, each with its own noise, so that it does not matter which view is the
first; noise depends on seed, epoch, sample and place in the pair only; the encoder is the study's backbone and a
projector with batch norm; beta rises between shares of the training (the release: numbers of steps); the optimiser is
the study's (the release: Adam).
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from entrec.collectives import gather, share_gradient
from entrec.data import randomness
from entrec.information.checks import check_pairs, check_sample
from entrec.information.precision import full_precision, lift
from entrec.information.products import Linear
from entrec.methods.method import BatchSource, Method, StepOutput
from entrec.methods.registry import MIBSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp

SMALLEST_SCALE = 1e-7  # as in the release


class Gaussians(NamedTuple):
    """k Gaussians with independent coordinates: `mean` (k, d) and `scale` (k, d), the standard deviation."""

    mean: Tensor
    scale: Tensor


class MIB(Method):
    """The backbone, a projector to means and scales, and a critic of pairs of samples.

    `noise` (k, 2, d) is that of the first and the second place in the pairs of this process's images. `progress` is the
    share of the training that is done, on which the weight of the divergence depends.
    """

    views = 2
    progress: Tensor
    noise: Tensor

    def __init__(self, backbone: nn.Module, settings: MIBSettings) -> None:
        super().__init__()
        *hidden, d = settings.projector
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), (*hidden, 2 * d))
        self.critic = Critic(d, settings.critic)
        self.settings = settings
        # in double precision, so that a resumed run has the same bits of beta
        self.register_buffer("progress", torch.zeros((), dtype=torch.float64))
        self.register_buffer("noise", torch.zeros(0, 2, d), persistent=False)
        self.register_load_state_dict_post_hook(_weigh_as_loaded)
        self._weigh(0.0)

    def before_step(self, step: int, source: BatchSource) -> None:
        """Draw the noise of the batch's images."""
        _, places, d = self.noise.shape
        epoch, samples = step // source.steps_per_epoch, source.samples(step)
        keys = randomness.key(randomness.Purpose.NOISE, source.seed, epoch, torch.arange(places), samples[:, None])
        self.noise = standard_normal(keys.flatten(), d).unflatten(0, keys.shape).to(self.noise)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        one, two = (gaussians(gather(lift(self.projector(self.backbone(view))))) for view in views)
        noise1, noise2 = gather(self.noise).unbind(dim=1)
        both_ways = [self._information(sample(a, noise1), sample(b, noise2)) for a, b in ((one, two), (two, one))]
        terms = {"information": torch.stack(both_ways).mean(), "divergence": divergences(*one, *two).mean()}
        return StepOutput(terms, (one.mean, two.mean))

    def after_step(self, progress: float) -> None:
        """Update the weight of the divergence."""
        self.progress.fill_(progress)
        self._weigh(progress)

    def _information(self, z1: Tensor, z2: Tensor) -> Tensor:
        check_sample(z1)
        return jensen_shannon(self.critic(z1, z2), self.critic(z1.roll(1, dims=0), z2))

    def _weigh(self, progress: float) -> None:
        beta = beta_at(progress, self.settings)
        self.weights = {"information": -1.0, "divergence": beta}


def _weigh_as_loaded(method: nn.Module, _: Any) -> None:
    assert isinstance(method, MIB)
    method._weigh(method.progress.item())


class Critic(nn.Module):
    """An MLP of linear layers and ReLU that gives each pair of samples a score."""

    def __init__(self, d: int, hidden: Sequence[int]) -> None:
        super().__init__()
        widths = itertools.pairwise([2 * d, *hidden, 1])
        layers = [layer for a, b in widths for layer in (Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Return scores (k,) of row i of `z1` (k, d) with row i of `z2` (k, d), the samples of all processes."""
        parameters = {name: share_gradient(parameter) for name, parameter in self.layers.named_parameters()}
        scores: Tensor = functional_call(self.layers, parameters, (torch.cat([z1, z2], dim=1),))
        return scores.squeeze(1)


@full_precision
def gaussians(parameters: Tensor) -> Gaussians:
    """Return the Gaussians of `parameters` (k, 2 d): means, and numbers whose softplus are the scales."""
    mean, raw = parameters.chunk(2, dim=1)
    return Gaussians(mean, F.softplus(raw) + SMALLEST_SCALE)


def sample(distributions: Gaussians, noise: Tensor) -> Tensor:
    """Return a sample (k, d) of each of k Gaussians, made from standard normal `noise` (k, d)."""
    return distributions.mean + distributions.scale * noise


@full_precision
def jensen_shannon(paired: Tensor, unpaired: Tensor) -> Tensor:
    """Return `information.bounds.js` of the scores of pairs and of unpaired samples, (k,) each; it is at most 0."""
    return -F.softplus(-paired).mean() - F.softplus(unpaired).mean()


@full_precision
def divergences(mean1: Tensor, scale1: Tensor, mean2: Tensor, scale2: Tensor) -> Tensor:
    """Return the mean of KL(1 || 2) and KL(2 || 1) in nats, (k,), of Gaussians with means and scales (k, d).

    The logarithms of the scales cancel; the rest is written so that no digits cancel. Raises `InvalidEmbeddings` for
    means of different shapes.
    """
    check_pairs(mean1, mean2)
    v1, v2 = scale1.square(), scale2.square()
    return (((v1 - v2).square() + (v1 + v2) * (mean1 - mean2).square()) / (4 * v1 * v2)).sum(dim=1)


def standard_normal(keys: Tensor, count: int) -> Tensor:
    """Return `count` standard normal draws for each of `keys` (n,), int64; (n, count) in float64."""
    return torch.special.ndtri(randomness.uniform(keys, count).clamp(min=2.0**-54))  # ndtri(0) is -inf


def beta_at(progress: float, settings: MIBSettings) -> float:
    """Return the divergence's weight: its logarithm rises linearly from the share `beta_from` to `beta_until`."""
    first, last = settings.beta
    if progress <= settings.beta_from:
        return first
    if progress >= settings.beta_until:
        return last
    share = (progress - settings.beta_from) / (settings.beta_until - settings.beta_from)
    return first * (last / first) ** share
