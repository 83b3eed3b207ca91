"""Weighted nearest neighbours by cosine (Wu, Xiong, Yu & Lin, arXiv:1805.01978, section 3.4).

The training part votes, both for the validation part and for the test part; nothing is chosen.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.errors import UserError
from entrec.evaluation.metrics import mean_per_class, top1
from entrec.evaluation.parts import Parts
from entrec.results import Accuracies
from entrec.settings import KNN

CHUNK = 1024  # queries compared with the whole training part at once; bounds memory, not results


def evaluate_knn(parts: Parts, *, classes: int, knn: KNN) -> Accuracies:
    """Return the accuracies of nearest-neighbour votes of `parts.train`."""

    def predict(queries: Tensor) -> Tensor:
        bank, labels = parts.train
        return votes(
            queries, bank, labels, classes=classes, neighbours=knn.neighbours, temperature=knn.temperature
        ).argmax(dim=1)

    test = predict(parts.test.features)
    return Accuracies(
        test=top1(test, parts.test.labels),
        test_mean_per_class=mean_per_class(test, parts.test.labels, classes=classes),
        validation=top1(predict(parts.validation.features), parts.validation.labels),
    )


def votes(
    queries: Tensor, bank: Tensor, labels: Tensor, *, classes: int, neighbours: int, temperature: float
) -> Tensor:
    """Votes `(q, classes)`, each row summing to 1, for queries `(q, d)` from a bank `(n, d)` with labels `(n,)`.

    Each of the `neighbours` nearest by cosine votes exp(similarity / temperature) for its own class.
    """
    check_neighbours(neighbours, train=len(bank))
    bank = F.normalize(bank, dim=1)
    rows = []
    for chunk in F.normalize(queries, dim=1).split(CHUNK):
        similarity, nearest = (chunk @ bank.T).topk(neighbours, dim=1)  # (chunk, neighbours)
        weight = (similarity / temperature).softmax(dim=1)  # exp without overflow; the order of votes is the same
        rows.append(weight.new_zeros(len(chunk), classes).scatter_add_(1, labels[nearest], weight))
    return torch.cat(rows)


def check_neighbours(neighbours: int, *, train: int) -> None:
    """Raise `UserError` if the training part has fewer images than neighbours are asked for."""
    if neighbours > train:
        raise UserError(
            f"evaluation.knn.neighbours: {neighbours} is more than the {train} training images; choose at most {train}"
        )
