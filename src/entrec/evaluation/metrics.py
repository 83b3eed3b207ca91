"""Accuracies, as fractions from 0 to 1."""

from typing import Literal

import torch
from torch import Tensor

from entrec.errors import UserError

Metric = Literal["top1", "mean_per_class"]


def top1(predictions: Tensor, targets: Tensor) -> float:
    """Return the share of the predicted classes `(n,)` that equal the targets `(n,)`.

    Raises `UserError` when there are none.
    """
    if len(targets) == 0:
        raise UserError("accuracy of an empty split; enlarge its share in the study's datasets")
    return int((predictions == targets).sum()) / len(targets)


def mean_per_class(predictions: Tensor, targets: Tensor, *, classes: int) -> float:
    """Return the mean over the classes of the accuracy within each class; `predictions` and `targets` are `(n,)`.

    Raises `UserError` when one of the classes 0 ... `classes` - 1 has no target.
    """
    of_class = torch.bincount(targets.cpu(), minlength=classes)
    absent = torch.nonzero(of_class == 0).flatten().tolist()
    if absent:
        raise UserError(
            f"mean per-class accuracy of {classes} classes, but classes {absent} have no image in this split; "
            "enlarge the split in the study's datasets, or use metric top1"
        )
    right = torch.bincount(targets[predictions == targets].cpu(), minlength=classes)
    return float((right.double() / of_class).mean())


def score(metric: Metric, predictions: Tensor, targets: Tensor, *, classes: int) -> float:
    """Return the accuracy by the dataset's own convention, `metric`; raises `UserError` as the two metrics do."""
    if metric == "mean_per_class":
        return mean_per_class(predictions, targets, classes=classes)
    return top1(predictions, targets)
