"""The results of studies of methods: a pretraining, its evaluation, and its transfer to other datasets."""

from typing import Annotated, Literal

from pydantic import Field

from entrec.results.model import Digest, Result, Section
from entrec.results.numbers import Count, Natural, NonNegative, Positive
from entrec.settings import Fraction


class PretrainingResult(Result):
    """`run.json`: a run, and the digests of its encoder and of its history.

    `parameters` counts those of the backbone. `steps` is 0 for a method that is never trained.
    """

    run: str
    study: str
    method: str
    batch_size: Natural
    epochs: Natural
    seed: Count
    steps: Count
    parameters: Natural
    encoder: Digest
    history: Digest


# `history.csv`: these columns first, then the terms of the method's own loss, then what was measured (in nats, but for
# the geometry, which has no unit). A row that was logged without a measurement leaves the measured columns empty.
HISTORY = ("step", "epoch", "lr", "loss")
INFORMATION = ("entropy", "reconstruction", "bound")
GEOMETRY = ("effective_rank", "uniformity", "alignment")
DISCRETE = ("discrete_entropy", "discrete_reconstruction")  # only methods with a discrete surrogate have these
MEASURED = (*INFORMATION, *GEOMETRY, *DISCRETE)


class Accuracies(Section):
    """Accuracies of one classifier of frozen features; `test` and `validation` are top-1."""

    test: Fraction
    test_mean_per_class: Fraction
    validation: Fraction


class Strength(Section):
    """One L2 strength that was tried: the validation accuracy and the gradient's norm at the solution."""

    l2: NonNegative
    validation: Fraction
    gradient_norm: NonNegative


class LinearAccuracies(Accuracies):
    """Accuracies of the linear classifier with the chosen `l2`, and the `grid` out of which it was chosen."""

    l2: NonNegative
    grid: Annotated[tuple[Strength, ...], Field(min_length=1)]


class EvaluationResult(Result):
    """`evaluation.json`: linear and nearest-neighbour accuracies of the frozen features of a run's `encoder`."""

    run: str
    encoder: Digest
    linear: LinearAccuracies
    knn: Accuracies


class BothMetrics(Section):
    """The two metrics of the test split."""

    top1: Fraction
    mean_per_class: Fraction


class Point(Section):
    """One point of the grid of fine-tuning."""

    lr: Positive
    weight_decay: NonNegative


class ScoredPoint(Point):
    """A point of the grid with its validation score."""

    validation: Fraction


class TransferResult(Result):
    """`transfer/<dataset>.json`: the accuracy of a run's `encoder` after fine-tuning.

    `validation` scores are in the dataset's own `metric`.
    """

    run: str
    encoder: Digest
    dataset: str
    metric: Literal["top1", "mean_per_class"]
    test: BothMetrics
    validation: Fraction
    chosen: Point
    grid: Annotated[tuple[ScoredPoint, ...], Field(min_length=1)]
