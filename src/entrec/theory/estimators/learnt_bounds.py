"""The bounds of the registry with the networks that they learn.

A learner is a module that maps a batch of pairs, `x` (k, d) and `y` (k, d), to two scalars in nats: the objective,
which training maximises, and the estimate of the information. They differ for JS and SMILE only, whose critics are
trained with the Jensen-Shannon objective. The functions below the class build the learners from the settings of the
study; their weights come from torch's global generator.

EntRec's bound is that of the information between the encodings of x and y, which is at most that between x and y. Each
side has its own network, and the bound is taken in one direction. With one network and the mean over both directions,
an encoding would have to be certain where it is predicted and uncertain where it predicts; where the views correlate
little this favours constant categories.
"""

import math
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.information import bounds
from entrec.information.kernels import VMFKernel
from entrec.theory.estimators.critics import (
    CriticAndBaseline,
    Encoders,
    GaussianDensity,
    JointCritic,
    SeparableCritic,
    mlp,
)
from entrec.theory.settings.estimators import EntRec, Gaussian


class Learner(nn.Module):
    """What `networks` make of pairs, and a bound of it: `estimate`, where that is not the `objective` of training.

    `networks` map a batch of pairs to the arguments of both functions, a tensor or a tuple of tensors.
    """

    def __init__(
        self, networks: nn.Module, objective: Callable[..., Tensor], estimate: Callable[..., Tensor] | None = None
    ) -> None:
        super().__init__()
        self.networks, self.objective, self.estimate = networks, objective, estimate

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return objective and estimate for `x` (k, d) and `y` (k, d)."""
        found = self.networks(x, y)
        arguments = found if isinstance(found, tuple) else (found,)
        objective = self.objective(*arguments)
        if self.estimate is None:
            return objective, objective.detach()
        return objective, self.estimate(*(argument.detach() for argument in arguments))


def critic(settings: Gaussian) -> nn.Module:
    """Return the critic that the study asks for, `separable` or `joint`."""
    if settings.critic == "joint":
        return JointCritic(settings.dimension, settings.hidden)
    return SeparableCritic(settings.dimension, settings.hidden, settings.embedding)


def barber_agakov(settings: Gaussian) -> nn.Module:
    """Build Barber and Agakov's bound with a learnt Gaussian q(y|x) and the entropy H(Y) of the standard normal y."""
    entropy = settings.dimension / 2 * math.log(2 * math.pi * math.e)
    density = GaussianDensity(settings.dimension, settings.hidden)
    return Learner(density, partial(bounds.barber_agakov, entropy=entropy))


def tuba(settings: Gaussian) -> nn.Module:
    """Build TUBA whose baseline log a(y) is a network with the critic's hidden widths."""
    networks = CriticAndBaseline(critic(settings), mlp(settings.dimension, settings.hidden, 1))
    return Learner(networks, lambda scores, log_baseline: bounds.tuba(scores, log_baseline=log_baseline))


def nwj(settings: Gaussian) -> nn.Module:
    """Build the learner of NWJ."""
    return Learner(critic(settings), bounds.nwj)


def js(settings: Gaussian) -> nn.Module:
    """Build a critic that the Jensen-Shannon objective trains and NWJ evaluates."""
    return Learner(critic(settings), bounds.js, bounds.js_information)


def smile(settings: Gaussian) -> nn.Module:
    """Build a critic that the Jensen-Shannon objective trains and SMILE evaluates."""
    return Learner(critic(settings), bounds.js, partial(bounds.smile, clip=settings.smile.clip))


def info_nce(settings: Gaussian) -> nn.Module:
    """Build the learner of InfoNCE."""
    return Learner(critic(settings), bounds.info_nce_bound)


def entrec_resubstitution(settings: Gaussian) -> nn.Module:
    """Build the learner of EntRec on the sphere with the resubstitution estimate of entropy."""
    return _on_sphere(settings, settings.entrec_resubstitution, bounds.entrec_bound)


def entrec_leave_one_out(settings: Gaussian) -> nn.Module:
    """Build the learner of EntRec on the sphere with the leave-one-out estimate of entropy."""
    return _on_sphere(settings, settings.entrec_leave_one_out, bounds.entrec_leave_one_out_bound)


def entrec_discrete(settings: Gaussian) -> nn.Module:
    """Build the learner of EntRec with a categorical surrogate."""
    encoders = Encoders(settings.dimension, settings.hidden, settings.entrec_discrete.categories)
    return Learner(encoders, bounds.entrec_discrete_bound)


def _on_sphere(settings: Gaussian, own: EntRec, bound: Callable[..., Tensor]) -> nn.Module:
    encoders = Encoders(settings.dimension, settings.hidden, settings.embedding, finish=F.normalize)
    return Learner(encoders, partial(bound, kernel=VMFKernel(own.kernel_kappa), kappa=own.kappa))
