import math
import warnings

import pytest
import torch
from torch.nn import functional as F

from entrec.errors import UserError
from entrec.evaluation.knn import evaluate_knn, votes
from entrec.evaluation.splits import Split, Splits
from entrec.results import Accuracies
from entrec.settings import KNN


def random_split(n, seed, classes=4, d=6):
    generator = torch.Generator().manual_seed(seed)
    return Split(torch.randn(n, d, generator=generator), torch.randint(classes, (n,), generator=generator))


def test_three_neighbours_by_hand():
    bank = torch.tensor([[2.0, 0.0], [0.0, 3.0], [5.0, 5.0], [-1.0, 0.0]])
    labels = torch.tensor([0, 1, 1, 2])
    query = torch.tensor([[7.0, 0.0]])  # cosines 1, 0, sqrt(1/2), -1: the last is no neighbour
    zero, one = math.exp(1 / 0.5), math.exp(0) + math.exp(math.sqrt(0.5) / 0.5)
    expected = torch.tensor([[zero, one, 0.0]]) / (zero + one)
    torch.testing.assert_close(votes(query, bank, labels, classes=3, neighbours=3, temperature=0.5), expected)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_every_vote_is_that_of_a_search_by_loops(temperature, monkeypatch):
    monkeypatch.setattr("entrec.evaluation.knn.CHUNK", 7)  # and so in several chunks
    (bank, labels), (queries, _) = random_split(30, 0), random_split(20, 1)
    ours = votes(queries, bank, labels, classes=4, neighbours=5, temperature=temperature)
    for query, vote in zip(queries, ours, strict=True):
        cosines = [float(F.cosine_similarity(query, row, dim=0)) for row in bank]
        nearest = sorted(range(30), key=lambda i: -cosines[i])[:5]
        expected = [sum(math.exp(cosines[i] / temperature) for i in nearest if labels[i] == c) for c in range(4)]
        torch.testing.assert_close(vote, torch.tensor(expected) / sum(expected))


def test_the_predictions_are_those_of_lightly():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what lightly imports warns of its own future
        from lightly.utils.benchmarking.knn import knn_predict

    (bank, labels), (queries, _) = random_split(100, 0), random_split(50, 1)
    unit_bank, unit_queries = F.normalize(bank, dim=1), F.normalize(queries, dim=1)
    theirs = knn_predict(unit_queries, unit_bank.T, labels, num_classes=4, knn_k=20, knn_t=0.1)[:, 0]
    ours = votes(queries, bank, labels, classes=4, neighbours=20, temperature=0.1).argmax(dim=1)
    assert torch.equal(ours, theirs)


def test_a_cold_temperature_neither_overflows_nor_forgets_the_nearest():
    bank, labels = random_split(30, 0)
    cold = votes(-bank, bank, labels, classes=4, neighbours=5, temperature=1e-4)
    assert cold.isfinite().all()
    nearest = labels[(F.normalize(-bank, dim=1) @ F.normalize(bank, dim=1).T).argmax(dim=1)]
    assert torch.equal(cold.argmax(dim=1), nearest)


def test_separable_classes_are_all_found_and_by_the_training_part_alone():
    centres = 10 * torch.eye(4)
    labels = torch.arange(40) % 4
    split = Split(centres[labels], labels)
    knn = KNN(neighbours=5, temperature=0.07)
    scores = evaluate_knn(Splits(split, split, split), classes=4, knn=knn)
    assert scores == Accuracies(test=1.0, test_mean_per_class=1.0, validation=1.0)
    wrong_bank = Split(split.features, (labels + 1) % 4)
    scores = evaluate_knn(Splits(wrong_bank, split, split), classes=4, knn=knn)
    assert scores == Accuracies(test=0.0, test_mean_per_class=0.0, validation=0.0)


def test_more_neighbours_than_training_images_are_told():
    bank, labels = random_split(30, 0)
    with pytest.raises(UserError, match=r"evaluation.knn.neighbours: 31 is more than the 30 training images"):
        votes(bank, bank, labels, classes=4, neighbours=31, temperature=0.07)
