"""The linear evaluation's solver against scikit-learn's LogisticRegression, for the same objective and accuracy.

Both minimise the mean cross-entropy + l2/2 · ‖W‖² from zero, until no entry of the gradient exceeds the same bound.
"""

import warnings
from collections.abc import Iterator

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from benchmarks.measuring import Ratio, at_most, in_turn, median_ratio
from entrec.evaluation.solvers import SMALL_GRADIENT, solve_lbfgs
from entrec.training.device import make_deterministic, pick_device

IMAGES, FEATURES, CLASSES, L2 = 60_000, 512, 10, 1e-3


def ratios() -> Iterator[Ratio]:
    """Yield the time relative to scikit-learn's."""
    make_deterministic(pick_device(), threads=1)
    x, y = features()
    on_device, labels = x.to(pick_device()), y.to(pick_device())
    x64, numbers = x.double().numpy(), y.numpy()
    times = in_turn(
        {
            "ours": lambda: solve_lbfgs(on_device, labels, classes=CLASSES, l2=L2),
            "scikit-learn": lambda: scikit_learn().fit(x64, numbers),
        },
        rounds=3,
    )
    measured = median_ratio(times["ours"], times["scikit-learn"])
    yield at_most(0.3, f"time of the linear probe over scikit-learn's: {IMAGES} x {FEATURES}", measured)


def features() -> tuple[Tensor, Tensor]:
    """Return standardised features and labels whose classes overlap, with correlated columns as networks have."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (IMAGES,), generator=generator)
    means = 0.5 * torch.randn(CLASSES, 32, generator=generator)
    hidden = means[labels] + torch.randn(IMAGES, 32, generator=generator)
    x = (hidden @ torch.randn(32, FEATURES, generator=generator)).relu()
    x += 0.5 * torch.randn(IMAGES, FEATURES, generator=generator)
    return (x - x.mean(dim=0)) / x.std(dim=0), labels


def scikit_learn() -> LogisticRegression:
    """Return scikit-learn's model of the same objective."""
    warnings.simplefilter("error", ConvergenceWarning)
    return LogisticRegression(C=1 / (L2 * IMAGES), tol=SMALL_GRADIENT, max_iter=5000)
