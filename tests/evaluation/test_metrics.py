import pytest
import torch

from entrec.errors import UserError
from entrec.evaluation.metrics import mean_per_class, score, top1

TARGETS = torch.tensor([0, 0, 0, 0, 1, 1])
PREDICTIONS = torch.tensor([0, 0, 0, 1, 1, 0])  # 3 of 4 and 1 of 2


def test_top1_counts_every_image_once():
    assert top1(PREDICTIONS, TARGETS) == 4 / 6


def test_mean_per_class_counts_every_class_once():
    assert mean_per_class(PREDICTIONS, TARGETS, classes=2) == (3 / 4 + 1 / 2) / 2


def test_the_majority_class_alone_scores_its_share_at_top1_and_chance_per_class():
    predictions = torch.zeros(6, dtype=torch.int64)
    assert score("top1", predictions, TARGETS, classes=2) == 4 / 6
    assert score("mean_per_class", predictions, TARGETS, classes=2) == 1 / 2


def test_a_class_without_targets_has_no_accuracy():
    with pytest.raises(UserError, match=r"classes \[2, 3\] have no image"):
        mean_per_class(PREDICTIONS, TARGETS, classes=4)


def test_an_empty_part_has_no_accuracy():
    with pytest.raises(UserError, match="empty"):
        top1(TARGETS[:0], TARGETS[:0])
