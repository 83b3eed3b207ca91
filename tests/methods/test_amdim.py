"""AMDIM: its loss by a loop over the definition, the soft clip, the drawn positions, the pairs of each term."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from tests.methods.builders import NumberedNoise
from torch import nn

from entrec.errors import UserError
from entrec.information.checks import InvalidEmbeddings
from entrec.methods.amdim import AMDIM, PositionHead, Projections, amdim_terms, by_position, local_info_nce
from entrec.methods.registry import AMDIMSettings
from entrec.networks import build_backbone
from entrec.networks.feature_maps import feature_maps
from entrec.settings import Network, Optimiser

ADAMW = Optimiser(name="adamw", lr=0.01, lr_scaling="none", momentum=0.9, weight_decay=0.0)
SETTINGS = AMDIMSettings(optimiser=ADAMW, hidden=16, embedding=8, clip=20.0, score_penalty=0.04)
NETWORK = Network(backbone="small_resnet", width=8, stem="3x3")
PER_EPOCH = NumberedNoise.steps_per_epoch


def build(settings=SETTINGS):
    torch.manual_seed(0)
    return AMDIM(build_backbone(NETWORK, channels=1), settings)


def rows(*shape, seed=0, scale=2.0):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def projections(seed, k=6):
    return Projections(*(rows(*shape, seed=seed + i) for i, shape in enumerate([(k, 5), (k, 9, 5), (k, 4, 5), (k, 5)])))


@pytest.mark.parametrize("clip", [0.7, 20.0])
def test_the_loss_is_a_loop_over_its_definition(clip):
    """Each position against every position of other images; the penalty is over all scores, before the clip."""
    sources, targets = rows(4, 5, seed=1), rows(4, 3, 5, seed=2)
    raw = [[[float(s @ t) / math.sqrt(5) for t in image] for image in targets] for s in sources]
    scores = [[[clip * math.tanh(score / clip) for score in image] for image in row] for row in raw]
    losses = []
    for i in range(4):
        others = sum(math.exp(score) for j in range(4) if j != i for score in scores[i][j])
        losses += [-math.log(math.exp(own) / (math.exp(own) + others)) for own in scores[i][i]]
    loss, squares = local_info_nce(sources, targets, clip=clip)
    assert loss.item() == pytest.approx(sum(losses) / 12)
    assert squares.item() == pytest.approx(sum(score**2 for row in raw for image in row for score in image) / 48)


def test_scores_that_are_all_alike_have_the_loss_of_a_guess_among_a_position_and_all_of_others():
    loss, squares = local_info_nce(torch.zeros(6, 4), rows(6, 9, 4).float(), clip=20.0)
    assert loss.item() == pytest.approx(math.log(1 + 5 * 9))
    assert squares.item() == 0.0


def test_scores_far_beyond_the_clip_are_worth_the_clip_and_pull_at_nothing_but_the_penalty():
    """Own scores at clip, others at -clip: softplus(log((k - 1) positions) - 2 clip)."""
    signs = 1e4 * (2 * torch.eye(3) - 1)  # <signs_i, axis_j> is positive for i = j alone
    sources = signs.clone().requires_grad_()
    targets = torch.eye(3)[:, None].repeat(1, 2, 1)
    loss, squares = local_info_nce(sources, targets, clip=2.0)
    assert loss.item() == pytest.approx(math.log1p(2 * 2 * math.exp(-4.0)))
    (gradient,) = torch.autograd.grad(loss, sources, retain_graph=True)
    assert not gradient.any()
    assert torch.autograd.grad(squares, sources)[0].all()


def test_large_scores_of_the_wrong_sign_do_not_overflow():
    loss, _ = local_info_nce(-100 * torch.eye(4), 100 * torch.eye(4)[:, None], clip=200.0)  # exp(200) is no float32
    assert loss.item() == pytest.approx(200.0 + math.log(3), rel=1e-5)


def test_the_order_of_the_images_and_of_positions_does_not_matter():
    sources, targets = rows(6, 5, seed=1), rows(6, 4, 5, seed=2)
    images, positions = torch.tensor([3, 1, 5, 0, 2, 4]), torch.tensor([2, 0, 3, 1])
    expected = local_info_nce(sources, targets, clip=20.0)
    got = local_info_nce(sources[images], targets[images][:, positions], clip=20.0)
    torch.testing.assert_close(got, expected)


def test_one_image_or_targets_of_other_images_are_refused():
    with pytest.raises(InvalidEmbeddings, match="need at least two embeddings"):
        local_info_nce(rows(1, 5), rows(1, 4, 5), clip=20.0)
    with pytest.raises(InvalidEmbeddings, match="need two views of one shape"):
        local_info_nce(rows(6, 5), rows(7, 4, 5), clip=20.0)


def test_half_precision_is_lifted_before_the_scores_are_taken():
    sources, targets = rows(6, 5, seed=1).bfloat16(), rows(6, 4, 5, seed=2).bfloat16()
    lifted = local_info_nce(sources.float(), targets.float(), clip=20.0)
    for got, expected in zip(local_info_nce(sources, targets, clip=20.0), lifted, strict=True):
        assert got.dtype == torch.float32
        assert torch.equal(got, expected)


def test_each_term_predicts_the_other_view_and_the_penalty_is_the_sum_over_terms():
    one, two = projections(1), projections(11)
    terms = amdim_terms(one, two, clip=5.0)
    expected = {
        "pooled_to_coarse": [local_info_nce(a.pooled, b.coarse, clip=5.0) for a, b in ((one, two), (two, one))],
        "pooled_to_fine": [local_info_nce(a.pooled, b.fine, clip=5.0) for a, b in ((one, two), (two, one))],
        "coarse_to_coarse": [local_info_nce(a.drawn, b.coarse, clip=5.0) for a, b in ((one, two), (two, one))],
    }
    for name, directions in expected.items():
        torch.testing.assert_close(terms[name], sum(loss for loss, _ in directions) / 2)
    penalties = [square for directions in expected.values() for _, square in directions]
    torch.testing.assert_close(terms["score_penalty"], sum(penalties) / 2)
    assert set(terms) == {*expected, "score_penalty"}


def test_the_loss_does_not_know_which_view_is_the_first():
    one, two = projections(1), projections(11)
    there, back = amdim_terms(one, two, clip=5.0), amdim_terms(two, one, clip=5.0)
    for name, term in there.items():
        torch.testing.assert_close(back[name], term)


def test_the_methods_terms_are_those_of_its_heads_on_its_backbones_maps():
    method, source = build(), NumberedNoise()
    method.before_step(0, source)
    twin, (views, labels) = copy.deepcopy(method), source.at(0)
    outcome = method(views, labels)
    both = []
    for view in views:
        fine, coarse, pooled = feature_maps(twin.backbone, view)
        local = twin.coarse_head(by_position(coarse))
        drawn = torch.stack([image[int(draw) % 4] for image, draw in zip(local, twin.draws, strict=True)])
        both.append(
            Projections(twin.pooled_head(pooled[:, None])[:, 0], twin.fine_head(by_position(fine)), local, drawn)
        )
    for name, term in amdim_terms(*both, clip=20.0).items():
        torch.testing.assert_close(outcome.terms[name], term)
    for got, view in zip(outcome.embeddings, both, strict=True):
        torch.testing.assert_close(got, nn.functional.normalize(view.pooled, dim=1))


def test_the_score_penalty_is_weighed_by_the_study():
    ones = dict.fromkeys(("pooled_to_coarse", "pooled_to_fine", "coarse_to_coarse"), 1.0)
    assert build(replace(SETTINGS, score_penalty=0.3)).weights == {**ones, "score_penalty": 0.3}


def test_a_map_keeps_its_positions_row_by_row():
    maps = torch.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    assert by_position(maps)[1].tolist() == [maps[1, :, i, j].tolist() for i in range(2) for j in range(2)]


def test_a_head_treats_all_positions_alike_and_standardises_over_images_and_positions():
    torch.manual_seed(0)
    head, features = PositionHead(6, 16, 8), torch.randn(10, 4, 6)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(head(features[:, order]), head(features)[:, order])
    projected = head(features).flatten(0, 1)
    torch.testing.assert_close(projected.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(projected.var(dim=0, correction=0), torch.ones(8), atol=1e-3, rtol=0)


def test_an_images_draw_depends_on_seed_epoch_and_sample_alone():
    def draws(step, **options):
        method = build()
        method.before_step(step, NumberedNoise(**options))
        return dict(zip(NumberedNoise(**options).samples(step).tolist(), method.draws.tolist(), strict=True))

    first, backwards = draws(0), draws(2, order=torch.arange(35, -1, -1))
    assert first == {sample: backwards[sample] for sample in first}
    assert draws(0, k=5) == {sample: first[sample] for sample in range(5)}
    assert not set(first.values()) & set(draws(0, seed=1).values())
    assert not set(first.values()) & set(draws(PER_EPOCH).values())


def test_all_positions_are_drawn_alike_often():
    method, source = build(), NumberedNoise(order=torch.arange(9000), k=9000)
    method.before_step(0, source)
    counts = (method.draws % 9).bincount(minlength=9)
    assert (counts - 1000).abs().max() < 150  # five standard deviations


def test_another_draw_changes_the_prediction_from_positions_and_no_other():
    method, source = build(), NumberedNoise()
    method.before_step(0, source)
    twin = copy.deepcopy(method)
    twin.draws += 1
    first, second = (m(*source.at(0)).terms for m in (method, twin))
    assert first["coarse_to_coarse"] != second["coarse_to_coarse"]
    assert torch.equal(first["pooled_to_coarse"], second["pooled_to_coarse"])
    assert torch.equal(first["pooled_to_fine"], second["pooled_to_fine"])


def test_draws_are_no_part_of_a_checkpoint():
    assert "draws" not in build().state_dict()


def test_a_backbone_without_maps_is_refused_when_the_method_is_built():
    with pytest.raises(UserError, match="Flatten: no maps of local features"):
        AMDIM(nn.Flatten(), SETTINGS)
