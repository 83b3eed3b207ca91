"""Each bound of the registry with what it learns: a module from a batch of pairs to (objective, estimate).

The objective is what training maximises, the estimate what the bound says, both in nats; they differ for JS
and SMILE alone, whose critics the Jensen-Shannon objective trains.
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

Pair = tuple[Tensor, Tensor]
OfScores = Callable[[Tensor], Tensor]
OfEmbeddings = Callable[[Tensor, Tensor], Tensor]


def build(name: str, settings: Gaussian) -> nn.Module:
    """The learner of the bound called `name`, with weights from torch's global generator."""
    return LEARNERS[name](settings)


class OfCritic(nn.Module):
    """A bound that reads the critic's scores, trained by `objective` and read off by `estimate`."""

    def __init__(self, settings: Gaussian, objective: OfScores, estimate: OfScores | None = None) -> None:
        super().__init__()
        self.critic = critic(settings)
        self.objective, self.estimate = objective, estimate

    def forward(self, x: Tensor, y: Tensor) -> Pair:
        """From `x` (k, d) and `y` (k, d)."""
        scores = self.critic(x, y)
        objective = self.objective(scores)
        return objective, self.estimate(scores.detach()) if self.estimate else objective.detach()


class Tuba(nn.Module):
    """TUBA with log a(y) learnt by a network of the critic's hidden widths."""

    def __init__(self, settings: Gaussian) -> None:
        super().__init__()
        self.critic = critic(settings)
        self.log_baseline = mlp(settings.dimension, settings.hidden, 1)

    def forward(self, x: Tensor, y: Tensor) -> Pair:
        """From `x` (k, d) and `y` (k, d)."""
        bound = bounds.tuba(self.critic(x, y), log_baseline=self.log_baseline(y).squeeze(1))
        return bound, bound.detach()


class BarberAgakov(nn.Module):
    """A learnt Gaussian q(y|x), and H(Y) of the standard normal y."""

    def __init__(self, settings: Gaussian) -> None:
        super().__init__()
        self.density = GaussianDensity(settings.dimension, settings.hidden)
        self.entropy = settings.dimension / 2 * math.log(2 * math.pi * math.e)

    def forward(self, x: Tensor, y: Tensor) -> Pair:
        """From `x` (k, d) and `y` (k, d)."""
        bound = bounds.barber_agakov(self.density(x, y), entropy=self.entropy)
        return bound, bound.detach()


class OfEncoders(nn.Module):
    """EntRec's bound of the information between two encodings, which is at most that between x and y.

    The sides have networks of their own and the bound runs one way. With one network and the mean of both ways
    a code would have to be sharp as what is predicted and soft as what predicts, which favours constant categories
    where the views correlate little.
    """

    def __init__(self, encoders: Encoders, bound: OfEmbeddings) -> None:
        super().__init__()
        self.encoders, self.bound = encoders, bound

    def forward(self, x: Tensor, y: Tensor) -> Pair:
        """From `x` (k, d) and `y` (k, d)."""
        bound = self.bound(*self.encoders(x, y))
        return bound, bound.detach()


def critic(settings: Gaussian) -> nn.Module:
    """The critic that the study names."""
    if settings.critic == "joint":
        return JointCritic(settings.dimension, settings.hidden)
    return SeparableCritic(settings.dimension, settings.hidden, settings.embedding)


def _smile(settings: Gaussian) -> nn.Module:
    return OfCritic(settings, bounds.js, partial(bounds.smile, clip=settings.smile.clip))


def _entrec_resubstitution(settings: Gaussian) -> nn.Module:
    return _on_sphere(settings, settings.entrec_resubstitution, bounds.entrec_bound)


def _entrec_leave_one_out(settings: Gaussian) -> nn.Module:
    return _on_sphere(settings, settings.entrec_leave_one_out, bounds.entrec_leave_one_out_bound)


def _on_sphere(settings: Gaussian, own: EntRec, bound: Callable[..., Tensor]) -> nn.Module:
    encoders = Encoders(settings.dimension, settings.hidden, settings.embedding, finish=F.normalize)
    return OfEncoders(encoders, partial(bound, kernel=VMFKernel(own.kernel_kappa), kappa=own.kappa))


def _entrec_discrete(settings: Gaussian) -> nn.Module:
    encoders = Encoders(settings.dimension, settings.hidden, settings.entrec_discrete.categories)
    return OfEncoders(encoders, bounds.entrec_discrete_bound)


LEARNERS: dict[str, Callable[[Gaussian], nn.Module]] = {
    "barber_agakov": BarberAgakov,
    "tuba": Tuba,
    "nwj": partial(OfCritic, objective=bounds.nwj),
    "js": partial(OfCritic, objective=bounds.js, estimate=bounds.js_information),
    "smile": _smile,
    "info_nce": partial(OfCritic, objective=bounds.info_nce_bound),
    "entrec_resubstitution": _entrec_resubstitution,
    "entrec_leave_one_out": _entrec_leave_one_out,
    "entrec_discrete": _entrec_discrete,
}
