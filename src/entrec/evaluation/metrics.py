"""Accuracies, as fractions from 0 to 1."""

from typing import Literal

import torch
from torch import Tensor

from entrec.errors import UserError

Metric = Literal["top1", "mean_per_class"]


def top1(predictions: Tensor, targets: Tensor) -> float:
    """Share of the `(n,)` predicted classes that are the targets."""
    if len(targets) == 0:
        raise UserError("accuracy of an empty part; enlarge its share in the study's datasets")
    return int((predictions == targets).sum()) / len(targets)


def mean_per_class(predictions: Tensor, targets: Tensor, *, classes: int) -> float:
    """Mean over the classes of the accuracy within each, whatever their sizes.

    Raises `UserError` when one of the classes 0 ... `classes` - 1 has no target.
    """
    of_class = torch.bincount(targets.cpu(), minlength=classes)
    absent = torch.nonzero(of_class == 0).flatten().tolist()
    if absent:
        raise UserError(
            f"mean per-class accuracy of {classes} classes, but classes {absent} have no image in this part; "
            "enlarge the part in the study's datasets, or use metric top1"
        )
    right = torch.bincount(targets[predictions == targets].cpu(), minlength=classes)
    return float((right.double() / of_class).mean())


def score(metric: Metric, predictions: Tensor, targets: Tensor, *, classes: int) -> float:
    """The accuracy that a dataset's convention asks for."""
    if metric == "mean_per_class":
        return mean_per_class(predictions, targets, classes=classes)
    return top1(predictions, targets)
