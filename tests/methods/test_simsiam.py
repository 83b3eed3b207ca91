"""SimSiam: its loss against lightly's, targets without gradient, the shape of its heads."""

import pytest
import torch
from tests.methods.builders import ZOO, assert_targets_get_no_gradient, build, views
from torch import nn

from entrec.methods.simsiam import negative_cosines

SETTINGS = ZOO.method("simsiam")


def rows(seed, k=8, d=5):
    return torch.randn(k, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_loss_agrees_with_lightlys_negative_cosine():
    from lightly.loss import NegativeCosineSimilarity

    p, z = rows(1), rows(2)
    torch.testing.assert_close(negative_cosines(p, z).mean(), NegativeCosineSimilarity()(p, z))


def test_the_cosine_of_three_four_and_four_three_is_24_over_25():
    assert negative_cosines(torch.tensor([[3.0, 4.0]]), torch.tensor([[8.0, 6.0]])).item() == pytest.approx(-0.96)


def test_no_gradient_reaches_the_targets():
    p, z = rows(1).requires_grad_(), rows(2).requires_grad_()
    negative_cosines(p, z).sum().backward()
    assert z.grad is None
    assert p.grad.abs().sum() > 0


def test_the_term_is_half_the_sum_over_the_two_views():
    from lightly.loss import NegativeCosineSimilarity

    method, pair = build("simsiam"), views()
    got = method(pair, None).terms["negative_cosine"]
    method, theirs = build("simsiam"), NegativeCosineSimilarity()
    z1, z2 = (method.projector(method.backbone(view)) for view in pair)
    p1, p2 = method.predictor(z1), method.predictor(z2)
    torch.testing.assert_close(got, (theirs(p1, z2) + theirs(p2, z1)) / 2)


def test_with_a_predictor_that_ignores_its_input_the_encoder_has_no_gradient():
    assert_targets_get_no_gradient(build("simsiam"), "negative_cosine")


def test_the_gradient_is_that_of_the_predictions_with_targets_held_fixed():
    method, pair = build("simsiam"), views()
    method(pair, None).terms["negative_cosine"].backward()
    got = [p.grad.clone() for p in method.parameters()]
    other = build("simsiam")
    with torch.no_grad():
        fixed1, fixed2 = (other.projector(other.backbone(view)) for view in pair)
    p1, p2 = (other.predictor(other.projector(other.backbone(view))) for view in pair)
    cosine = nn.CosineSimilarity(dim=1)
    (-(cosine(p1, fixed2).mean() + cosine(p2, fixed1).mean()) / 2).backward()
    for ours, parameter in zip(got, other.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-4, atol=1e-6)


def test_the_projector_ends_in_a_norm_without_scale_and_the_predictor_is_a_bottleneck():
    method = build("simsiam")
    last = method.projector[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert not last.affine
    hidden, output = (m for m in method.predictor if isinstance(m, nn.Linear))
    assert hidden.out_features == SETTINGS.bottleneck < hidden.in_features == output.out_features
    assert hidden.bias is None
    assert output.bias is not None
    assert method.predictor[-1] is output  # neither norm nor ReLU after it
    assert all(m.training for m in method.modules())
