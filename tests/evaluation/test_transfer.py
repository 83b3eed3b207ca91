import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from entrec.data.images import ArrayImages
from entrec.errors import UserError
from entrec.evaluation.features import Compute
from entrec.evaluation.fine_tuning import fine_tune, with_fresh_head
from entrec.evaluation.transfer import transfer_scores
from entrec.networks.small_resnet import SmallResNet
from entrec.results import BothMetrics, Point
from entrec.training.batches import Batches

COMPUTE = Compute(torch.device("cpu"), "float32", channels_last=False)


@pytest.fixture
def backbone():
    torch.manual_seed(0)
    return SmallResNet(channels=1, width=4, stem="3x3")


def trained(backbone, data, recipe, *, seed=0):
    model = with_fresh_head(copy.deepcopy(backbone), classes=3, seed=seed)
    return fine_tune(model, data, transfer=recipe, seed=seed, compute=COMPUTE)


def scores_of(backbone, data, recipe, metric="top1"):
    return transfer_scores(copy.deepcopy(backbone), data, transfer=recipe, metric=metric, seed=0, compute=COMPUTE)


def same_bits(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(backbone, stripes, recipe):
    first, again, other = (trained(backbone, stripes, recipe, seed=s) for s in (0, 0, 1))
    for a, b, c in zip(first, again, other, strict=True):
        assert same_bits(a.model, b.model)
        assert not same_bits(a.model, c.model)


def test_a_point_of_the_grid_ends_with_the_bits_it_has_alone(backbone, stripes, recipe):
    for candidate in trained(backbone, stripes, recipe):
        alone = replace(recipe, lr=(candidate.lr,), weight_decay=(candidate.weight_decay,))
        assert same_bits(candidate.model, trained(backbone, stripes, alone)[0].model)


def test_the_grid_is_every_rate_with_every_decay(backbone, stripes, recipe):
    points = [candidate.point for candidate in trained(backbone, stripes, replace(recipe, epochs=1))]
    assert points == [Point(lr=lr, weight_decay=wd) for lr in (1e-3, 1e-2) for wd in (0.0, 0.1)]


def test_a_step_is_that_of_torch_at_the_cosine_rate(backbone, stripes, recipe):
    # one epoch of one batch: step 0 of 1, at the full rate, on the one order and the views of epoch 0
    recipe = replace(recipe, epochs=1, batch_size=48, lr=(1e-2,), weight_decay=(0.1,))
    model = with_fresh_head(backbone, classes=3, seed=0)
    by_torch = copy.deepcopy(model).train()
    ours = fine_tune(model, stripes, transfer=recipe, seed=0, compute=COMPUTE)[0].model

    batches = Batches(stripes, (recipe.view,), batch_size=48, seed=0, device=COMPUTE.device, channels_last=False)
    (x,), y = batches.at(0)
    weights = [p for p in by_torch.parameters() if p.ndim > 1]
    others = [p for p in by_torch.parameters() if p.ndim == 1]
    optimiser = torch.optim.AdamW(
        [{"params": weights, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=1e-2
    )
    torch.nn.functional.cross_entropy(by_torch(x), y).backward()
    optimiser.step()
    for name, tensor in by_torch.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, msg=name)


def test_all_weights_and_the_batch_norm_statistics_move(backbone, stripes, recipe):
    model = with_fresh_head(copy.deepcopy(backbone), classes=3, seed=0)
    before = copy.deepcopy(model.state_dict())
    after = fine_tune(model, stripes, transfer=recipe, seed=0, compute=COMPUTE)[0].model.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in before)


def test_what_the_test_data_are_changes_nothing_that_is_chosen(backbone, stripes, recipe):
    test = stripes.splits == 2
    labels, images = stripes.labels.copy(), stripes.images.array.copy()
    labels[test] = np.roll(labels[test], 1)
    images[test] = 255 - images[test]
    scores, other = (
        scores_of(backbone, d, recipe) for d in (stripes, replace(stripes, labels=labels, images=ArrayImages(images)))
    )
    assert scores["test"] != other["test"]
    for key in ("validation", "chosen", "grid"):
        assert scores[key] == other[key]


def test_the_first_of_the_best_validation_scores_is_chosen(backbone, stripes, recipe):
    scores = scores_of(backbone, stripes, recipe, metric="mean_per_class")
    best = max(scores["grid"], key=lambda row: row.validation)  # max keeps the first of equals
    assert scores["validation"] == best.validation
    assert scores["chosen"] == Point(lr=best.lr, weight_decay=best.weight_decay)
    assert scores["metric"] == "mean_per_class"


def test_of_equal_validation_scores_the_first_of_the_grid_is_chosen(backbone, stripes, recipe):
    scores = scores_of(backbone, stripes, replace(recipe, epochs=1, lr=(1e-3,), weight_decay=(1e-9, 0.0)))
    assert scores["grid"][0].validation == scores["grid"][1].validation
    assert scores["chosen"] == Point(lr=1e-3, weight_decay=1e-9)


def test_fine_tuning_learns_what_an_untrained_network_does_not_know(backbone, stripes, recipe):
    scores = scores_of(backbone, stripes, replace(recipe, epochs=15, lr=(1e-2,), weight_decay=(0.0,)))
    assert scores["test"].top1 == scores["test"].mean_per_class > 0.9


def test_a_diverged_model_is_never_right(backbone, stripes, recipe):
    with torch.no_grad():
        backbone.stem.weight.fill_(torch.nan)
    scores = scores_of(backbone, stripes, replace(recipe, epochs=1))
    assert scores["test"] == BothMetrics(top1=0.0, mean_per_class=0.0)


def test_a_training_part_smaller_than_a_batch_is_told(backbone, stripes, recipe):
    message = "evaluation.transfer.batch_size: 49 is more than the 48 training images of stripes"
    with pytest.raises(UserError, match=message):
        scores_of(backbone, stripes, replace(recipe, batch_size=49))
