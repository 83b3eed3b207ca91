"""Weighted nearest neighbours by cosine (Wu, Xiong, Yu & Lin, arXiv:1805.01978, section 3.4).

The images of the training split vote on those of the validation and the test split; nothing is chosen.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.errors import UserError
from entrec.evaluation.metrics import mean_per_class, top1
from entrec.evaluation.splits import Splits
from entrec.information.products import product
from entrec.results import Accuracies
from entrec.settings import KNN

CHUNK = 1024  # queries that are compared with the training split at once: limits memory, changes no result


def evaluate_knn(splits: Splits, *, classes: int, knn: KNN) -> Accuracies:
    """Return the accuracies of nearest-neighbour votes of `splits.train`."""

    def predict(queries: Tensor) -> Tensor:
        bank, labels = splits.train
        return votes(
            queries, bank, labels, classes=classes, neighbours=knn.neighbours, temperature=knn.temperature
        ).argmax(dim=1)

    test = predict(splits.test.features)
    return Accuracies(
        test=top1(test, splits.test.labels),
        test_mean_per_class=mean_per_class(test, splits.test.labels, classes=classes),
        validation=top1(predict(splits.validation.features), splits.validation.labels),
    )


def votes(
    queries: Tensor, bank: Tensor, labels: Tensor, *, classes: int, neighbours: int, temperature: float
) -> Tensor:
    """Return the votes of a `bank` `(n, d)` with `labels` `(n,)` on `queries` `(q, d)`: `(q, classes)`, rows sum to 1.

    Each of the `neighbours` that are nearest by cosine votes for its own class, with weight
    exp(similarity / temperature). Raises `UserError` when the bank is smaller than `neighbours`.
    """
    check_neighbours(neighbours, train=len(bank))
    bank = F.normalize(bank, dim=1)
    rows = []
    for chunk in F.normalize(queries, dim=1).split(CHUNK):
        similarity, nearest = (product(chunk, bank.T)).topk(neighbours, dim=1)  # (chunk, neighbours)
        weight = (similarity / temperature).softmax(dim=1)  # the exp without overflow; votes keep their order
        rows.append(weight.new_zeros(len(chunk), classes).scatter_add_(1, labels[nearest], weight))
    return torch.cat(rows)


def check_neighbours(neighbours: int, *, train: int) -> None:
    """Raise `UserError` if the `train` images of the training split are fewer than `neighbours`."""
    if neighbours > train:
        raise UserError(
            f"evaluation.knn.neighbours: {neighbours} is more than the {train} training images; choose at most {train}"
        )
