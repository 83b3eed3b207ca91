"""Linear evaluation: multinomial logistic regression on frozen, standardised features.

Protocol: the standardisation and every head are fitted on the training split. The chosen L2 strength is the one with
the best validation accuracy (ties: the stronger). Its head is scored once on the test split. It is not fitted again on
training and validation split together, so that the score is that of the chosen head, and the scores of all methods
rest on the same number of labels.
"""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from entrec.evaluation.metrics import mean_per_class, top1
from entrec.evaluation.solvers import SMALL_GRADIENT, Head, gradient_norm, solve_lbfgs, solve_sgd
from entrec.evaluation.splits import Split, Splits
from entrec.information.portable import sqrt
from entrec.results import LinearAccuracies, Strength
from entrec.settings import Linear

BLOCK = 1 << 16  # rows converted to double precision at a time: all of ImageNet's would fill a GPU


@dataclass(frozen=True)
class Standardisation:
    """Shift and scale, each `(d,)`, that give features zero mean and unit variance; constant ones are only shifted."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Standardisation":
        """Return the standardisation of `features` `(n, d)`, from sums in double precision."""
        blocks = features.split(BLOCK)
        mean = torch.stack([block.double().sum(dim=0) for block in blocks]).sum(dim=0) / len(features)
        squares = torch.stack([(block.double() - mean).square().sum(dim=0) for block in blocks]).sum(dim=0)
        std = sqrt(squares / len(features))
        rounding = 10 * torch.finfo(features.dtype).eps * mean.abs()  # the std of a constant column is at most this
        return cls(mean, torch.where(std > rounding, std, 1.0))

    def __call__(self, features: Tensor) -> Tensor:
        """Return `features` `(n, d)` standardised, in float32."""
        return torch.cat([((block - self.mean) / self.scale).float() for block in features.split(BLOCK)])


@dataclass(frozen=True)
class Choice:
    """The head with the best validation accuracy, and the `grid` of all strengths that were tried."""

    standardisation: Standardisation
    head: Head
    l2: float
    validation: float
    grid: list[Strength]

    def predict(self, features: Tensor) -> Tensor:
        """Return the predicted classes `(n,)` of features `(n, d)` that are not standardised."""
        return self.head(self.standardisation(features)).argmax(dim=1)


def evaluate_linear(splits: Splits, *, classes: int, linear: Linear, seed: int) -> LinearAccuracies:
    """Return the accuracies of the chosen head."""
    choice = choose(splits.train, splits.validation, classes=classes, linear=linear, seed=seed)
    predictions = choice.predict(splits.test.features)
    return LinearAccuracies(
        test=top1(predictions, splits.test.labels),
        test_mean_per_class=mean_per_class(predictions, splits.test.labels, classes=classes),
        validation=choice.validation,
        l2=choice.l2,
        grid=tuple(choice.grid),
    )


def choose(train: Split, validation: Split, *, classes: int, linear: Linear, seed: int) -> Choice:
    """Fit a head for every L2 strength, from strong to weak, and return the best one on the validation split."""
    standardisation = Standardisation.of(train.features)
    x, y = standardisation(train.features), train.labels
    grid: list[Strength] = []
    best: Choice | None = None
    head: Head | None = None
    for l2 in sorted(linear.l2, reverse=True):
        head = _fit(x, y, classes=classes, l2=l2, linear=linear, seed=seed, start=head)
        candidate = Choice(standardisation, head, l2, validation=0.0, grid=grid)
        accuracy = top1(candidate.predict(validation.features), validation.labels)
        grid.append(Strength(l2=l2, validation=accuracy, gradient_norm=gradient_norm(head, x, y, l2=l2)))
        if best is None or accuracy > best.validation:
            best = Choice(standardisation, head, l2, accuracy, grid)
    assert best is not None  # settings.Linear has at least one strength
    return best


def _fit(x: Tensor, y: Tensor, *, classes: int, l2: float, linear: Linear, seed: int, start: Head | None) -> Head:
    if linear.solver == "sgd":
        return solve_sgd(
            x, y, classes=classes, l2=l2, epochs=linear.epochs, batch_size=linear.batch_size, lr=linear.lr, seed=seed
        )
    head = solve_lbfgs(x, y, classes=classes, l2=l2, start=start)
    if not (norm := gradient_norm(head, x, y, l2=l2)) <= SMALL_GRADIENT:
        warnings.warn(f"linear head at l2 {l2:g}: gradient {norm:.1e} is above {SMALL_GRADIENT:.0e}", stacklevel=2)
    return head
