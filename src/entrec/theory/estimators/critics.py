"""The networks that the bounds of the Gaussian benchmark learn (Poole et al., ICML 2019, arXiv:1905.06922)."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from entrec.information.products import Linear, product


def mlp(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Return linear layers with ReLU between them, from `inputs` to `outputs` coordinates."""
    widths = [inputs, *hidden, outputs]
    layers = [layer for a, b in itertools.pairwise(widths) for layer in (Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class SeparableCritic(nn.Module):
    """Scores <f(x_i), g(y_j)>, which take k passes through each of two networks for k^2 pairs."""

    def __init__(self, dimension: int, hidden: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.f, self.g = (mlp(dimension, hidden, embedding) for _ in range(2))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the scores (k, k) of all pairs of `x` (k, d) and `y` (k, d)."""
        return product(self.f(x), self.g(y).T)


class JointCritic(nn.Module):
    """Scores f(x_i, y_j) of one network on the concatenated pair, which take k^2 passes."""

    def __init__(self, dimension: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.f = mlp(2 * dimension, hidden, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the scores (k, k) of all pairs of `x` (k, d) and `y` (k, d)."""
        k = len(x)
        pairs = torch.cat([x[:, None].expand(k, k, -1), y[None].expand(k, k, -1)], dim=2)
        return self.f(pairs).squeeze(2)


class CriticAndBaseline(nn.Module):
    """A critic of pairs, and a network for the baseline log a(y) of TUBA."""

    def __init__(self, critic: nn.Module, log_baseline: nn.Module) -> None:
        super().__init__()
        self.critic, self.log_baseline = critic, log_baseline

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (k, k) of all pairs of `x` (k, d) and `y` (k, d), and the baselines (k,) of `y`."""
        return self.critic(x, y), self.log_baseline(y).squeeze(1)


class GaussianDensity(nn.Module):
    """log q(y | x) with independent normal coordinates given x; one network gives their means and log scales."""

    def __init__(self, dimension: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.parameters_of = mlp(dimension, hidden, 2 * dimension)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the log densities (k,) in nats of `y` (k, d) given `x` (k, d)."""
        mean, log_scale = self.parameters_of(x).chunk(2, dim=1)
        standard = (y - mean) * (-log_scale).exp()
        return -(standard.square() / 2 + log_scale + math.log(2 * math.pi) / 2).sum(dim=1)


class Encoders(nn.Module):
    """Two networks, one for each side of a pair, both followed by the function `finish`."""

    def __init__(
        self, dimension: int, hidden: Sequence[int], outputs: int, *, finish: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.f, self.g = (mlp(dimension, hidden, outputs) for _ in range(2))
        self.finish = finish or nn.Identity()

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the encodings of `x` (k, d) and of `y` (k, d), both (k, outputs)."""
        return self.finish(self.f(x)), self.finish(self.g(y))
