"""MIB, the multi-view information bottleneck (Federici et al., ICLR 2020, arXiv:2002.07017).

Follows `training/mib.py`, `utils/modules.py` and `utils/schedulers.py` of the release at
mfederici/Multi-View-Information-Bottleneck 72ce0aa: codes are Gaussian with independent coordinates, drawn by
reparametrisation; both views have one encoder; a critic of pairs of codes is trained by the Jensen-Shannon objective,
the unpaired ones being with the image before in the batch; the weight beta of the divergence rises geometrically.
Deviations: the divergence of two codes is in closed form (the release: a difference of log densities at the codes
drawn); the pairs are taken both ways, each with noise of its own, so that it does not matter which view is the first;
noise depends on seed, epoch, sample and place in the pair alone; the encoder is the study's backbone and a projector
with batch norm; beta moves between shares of the training (the release: numbers of steps); the optimiser is the
study's (the release: Adam).
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from entrec.collectives import gather, size
from entrec.data import randomness
from entrec.information.checks import check_pairs, check_sample
from entrec.information.precision import full_precision, lift
from entrec.methods.method import BatchSource, Method, StepOutput
from entrec.methods.registry import MIBSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp

SMALLEST_SCALE = 1e-7  # the release's


class Codes(NamedTuple):
    """Gaussians with independent coordinates: `mean` and `scale`, their standard deviation, (k, d) each."""

    mean: Tensor
    scale: Tensor


class MIB(Method):
    """Backbone, projector to means and scales, and a critic of pairs of codes.

    `noise` (k, 2, d) is for the first and the second place in the pairs of this process's images; `progress` is that
    of the training, which the weight of the divergence follows.
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
        # in double precision: a run that goes on has beta's bits
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
        one, two = (codes(gather(lift(self.projector(self.backbone(view))))) for view in views)
        noise1, noise2 = gather(self.noise).unbind(dim=1)
        both_ways = [self._information(drawn(a, noise1), drawn(b, noise2)) for a, b in ((one, two), (two, one))]
        terms = {"information": torch.stack(both_ways).mean(), "divergence": divergences(*one, *two).mean()}
        return StepOutput(terms, (one.mean, two.mean))

    def after_step(self, progress: float) -> None:
        """The weight of the divergence follows `progress`."""
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
    """One number for each pair of codes, from linear layers with ReLU between them."""

    def __init__(self, d: int, hidden: Sequence[int]) -> None:
        super().__init__()
        widths = itertools.pairwise([2 * d, *hidden, 1])
        layers = [layer for a, b in widths for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Scores (k,) of row i of `z1` (k, d) with row i of `z2` (k, d), which are of all processes."""
        # every process has the whole gradient, and they are summed
        shares = {name: torch.lerp(p.detach(), p, 1 / size()) for name, p in self.layers.named_parameters()}
        scores: Tensor = functional_call(self.layers, shares, (torch.cat([z1, z2], dim=1),))
        return scores.squeeze(1)


@full_precision
def codes(parameters: Tensor) -> Codes:
    """Means and, by softplus, scales from the halves of each row of `parameters` (k, 2 d)."""
    mean, raw = parameters.chunk(2, dim=1)
    return Codes(mean, F.softplus(raw) + SMALLEST_SCALE)


def drawn(distributions: Codes, noise: Tensor) -> Tensor:
    """A draw (k, d) from each of k Gaussians, by standard normal `noise` (k, d)."""
    return distributions.mean + distributions.scale * noise


@full_precision
def jensen_shannon(paired: Tensor, unpaired: Tensor) -> Tensor:
    """`information.bounds.js` of k scores of pairs and k of unpaired draws, (k,) each: at most 0, to be maximised."""
    return -F.softplus(-paired).mean() - F.softplus(unpaired).mean()


@full_precision
def divergences(mean1: Tensor, scale1: Tensor, mean2: Tensor, scale2: Tensor) -> Tensor:
    """The mean of KL(1 || 2) and KL(2 || 1) in nats, (k,), of Gaussians with independent coordinates, (k, d) each.

    The logarithms of the scales cancel, and what is left is written so that nothing else does.
    """
    check_pairs(mean1, mean2)
    v1, v2 = scale1.square(), scale2.square()
    return (((v1 - v2).square() + (v1 + v2) * (mean1 - mean2).square()) / (4 * v1 * v2)).sum(dim=1)


def standard_normal(keys: Tensor, count: int) -> Tensor:
    """`count` draws for each key: (n,) int64 to (n, count) float64."""
    return torch.special.ndtri(randomness.uniform(keys, count).clamp(min=2.0**-54))  # at 0 it is -inf


def beta_at(progress: float, settings: MIBSettings) -> float:
    """Weight of the divergence: its logarithm rises in a line from the share `beta_from` to `beta_until`."""
    first, last = settings.beta
    if progress <= settings.beta_from:
        return first
    if progress >= settings.beta_until:
        return last
    share = (progress - settings.beta_from) / (settings.beta_until - settings.beta_from)
    return first * (last / first) ** share
