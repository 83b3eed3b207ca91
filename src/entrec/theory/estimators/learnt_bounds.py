"""The bounds of the registry with the networks that they learn.

A learner is a module that maps a batch of pairs, `x` (k, d) and `y` (k, d), to two scalars in nats: the objective,
which training maximises, and the estimate of the information. They differ for JS and SMILE only, whose critics are
trained with the Jensen-Shannon objective. The functions below the classes build the learners from the settings of the
study; their weights come from torch's global generator.
"""

import math
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.information import bounds
from entrec.information.kernels import VMFKernel
from entrec.theory.estimators.critics import Encoders, GaussianDensity, JointCritic, SeparableCritic, mlp
from entrec.theory.settings.estimators import EntRec, Gaussian

ObjectiveAndEstimate = tuple[Tensor, Tensor]
OfScores = Callable[[Tensor], Tensor]
OfEmbeddings = Callable[[Tensor, Tensor], Tensor]


class OfCritic(nn.Module):
    """A bound of a critic's scores (k, k); `estimate` is its value where that is not the `objective` of training."""

    def __init__(self, settings: Gaussian, objective: OfScores, estimate: OfScores | None = None) -> None:
        super().__init__()
        self.critic = critic(settings)
        self.objective, self.estimate = objective, estimate

    def forward(self, x: Tensor, y: Tensor) -> ObjectiveAndEstimate:
        """Return objective and estimate for `x` (k, d) and `y` (k, d)."""
        scores = self.critic(x, y)
        objective = self.objective(scores)
        return objective, self.estimate(scores.detach()) if self.estimate else objective.detach()


class Tuba(nn.Module):
    """TUBA whose baseline log a(y) is a network with the critic's hidden widths."""

    def __init__(self, settings: Gaussian) -> None:
        super().__init__()
        self.critic = critic(settings)
        self.log_baseline = mlp(settings.dimension, settings.hidden, 1)

    def forward(self, x: Tensor, y: Tensor) -> ObjectiveAndEstimate:
        """Return objective and estimate for `x` (k, d) and `y` (k, d)."""
        bound = bounds.tuba(self.critic(x, y), log_baseline=self.log_baseline(y).squeeze(1))
        return bound, bound.detach()


class BarberAgakov(nn.Module):
    """Barber and Agakov's bound with a learnt Gaussian q(y|x) and the entropy H(Y) of the standard normal y."""

    def __init__(self, settings: Gaussian) -> None:
        super().__init__()
        self.density = GaussianDensity(settings.dimension, settings.hidden)
        self.entropy = settings.dimension / 2 * math.log(2 * math.pi * math.e)

    def forward(self, x: Tensor, y: Tensor) -> ObjectiveAndEstimate:
        """Return objective and estimate for `x` (k, d) and `y` (k, d)."""
        bound = bounds.barber_agakov(self.density(x, y), entropy=self.entropy)
        return bound, bound.detach()


class OfEncoders(nn.Module):
    """EntRec's bound of the information between the encodings of x and y, which is at most that between x and y.

    Each side has its own network, and the bound is taken in one direction. With one network and the mean over both
    directions, an encoding would have to be certain where it is predicted and uncertain where it predicts; where the
    views correlate little this favours constant categories.
    """

    def __init__(self, encoders: Encoders, bound: OfEmbeddings) -> None:
        super().__init__()
        self.encoders, self.bound = encoders, bound

    def forward(self, x: Tensor, y: Tensor) -> ObjectiveAndEstimate:
        """Return objective and estimate for `x` (k, d) and `y` (k, d)."""
        bound = self.bound(*self.encoders(x, y))
        return bound, bound.detach()


def critic(settings: Gaussian) -> nn.Module:
    """Return the critic that the study asks for, `separable` or `joint`."""
    if settings.critic == "joint":
        return JointCritic(settings.dimension, settings.hidden)
    return SeparableCritic(settings.dimension, settings.hidden, settings.embedding)


def barber_agakov(settings: Gaussian) -> nn.Module:
    """Build the learner of Barber and Agakov's bound."""
    return BarberAgakov(settings)


def tuba(settings: Gaussian) -> nn.Module:
    """Build the learner of TUBA."""
    return Tuba(settings)


def nwj(settings: Gaussian) -> nn.Module:
    """Build the learner of NWJ."""
    return OfCritic(settings, bounds.nwj)


def js(settings: Gaussian) -> nn.Module:
    """Build a critic that the Jensen-Shannon objective trains and NWJ evaluates."""
    return OfCritic(settings, bounds.js, bounds.js_information)


def smile(settings: Gaussian) -> nn.Module:
    """Build a critic that the Jensen-Shannon objective trains and SMILE evaluates."""
    return OfCritic(settings, bounds.js, partial(bounds.smile, clip=settings.smile.clip))


def info_nce(settings: Gaussian) -> nn.Module:
    """Build the learner of InfoNCE."""
    return OfCritic(settings, bounds.info_nce_bound)


def entrec_resubstitution(settings: Gaussian) -> nn.Module:
    """Build the learner of EntRec on the sphere with the resubstitution estimate of entropy."""
    return _on_sphere(settings, settings.entrec_resubstitution, bounds.entrec_bound)


def entrec_leave_one_out(settings: Gaussian) -> nn.Module:
    """Build the learner of EntRec on the sphere with the leave-one-out estimate of entropy."""
    return _on_sphere(settings, settings.entrec_leave_one_out, bounds.entrec_leave_one_out_bound)


def entrec_discrete(settings: Gaussian) -> nn.Module:
    """Build the learner of EntRec with a categorical surrogate."""
    encoders = Encoders(settings.dimension, settings.hidden, settings.entrec_discrete.categories)
    return OfEncoders(encoders, bounds.entrec_discrete_bound)


def _on_sphere(settings: Gaussian, own: EntRec, bound: Callable[..., Tensor]) -> nn.Module:
    encoders = Encoders(settings.dimension, settings.hidden, settings.embedding, finish=F.normalize)
    return OfEncoders(encoders, partial(bound, kernel=VMFKernel(own.kernel_kappa), kappa=own.kappa))
