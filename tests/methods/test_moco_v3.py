"""MoCo v3: its loss by hand and by torch's cross-entropy, keys without gradient, the momentum encoder's steps."""

import math

import pytest
import torch
from tests.methods.builders import ZOO, assert_targets_get_no_gradient, build, views
from torch import nn
from torch.nn import functional as F

from entrec.methods.moco_v3 import momentum_contrast

SETTINGS = ZOO.method("moco_v3")


def unit(k=12, d=6, seed=0):
    z = torch.randn(k, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(z, dim=1)


@pytest.mark.parametrize("k", [2, 12, 600])  # 600 is more than a tile
def test_the_loss_and_its_gradient_are_twice_the_temperature_times_torchs_cross_entropy(k):
    queries, keys = unit(k, seed=1).requires_grad_(), unit(k, seed=2)
    cosines = (
        F.normalize(queries, dim=1) @ keys.T
    )  # the loss takes its queries for unit vectors, and so moves them on the sphere
    expected = 2 * 0.2 * F.cross_entropy(cosines / 0.2, torch.arange(k))
    ours = momentum_contrast(queries, keys, temperature=0.2)
    torch.testing.assert_close(ours, expected)
    (gradient,) = torch.autograd.grad(ours, queries)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, queries)[0])


def test_orthogonal_pairs_of_two_have_the_loss_one_computes_by_hand():
    """Each query scores 1 / tau with its key and 0 with the other: -log(e^(1/tau) / (e^(1/tau) + 1))."""
    axes = torch.eye(2)
    expected = 2 * 0.5 * math.log(1 + math.exp(-1 / 0.5))
    assert momentum_contrast(axes, axes, temperature=0.5).item() == pytest.approx(expected)


def test_the_loss_agrees_with_lightlys_given_the_other_keys_as_a_memory():
    from lightly.loss import NTXentLoss

    queries, keys = unit(5, seed=1), unit(5, seed=2)
    losses = []
    for i in range(5):
        theirs = NTXentLoss(temperature=0.2, memory_bank_size=(4, 6))
        theirs.memory_bank.bank = torch.cat([keys[:i], keys[i + 1 :]])
        losses.append(theirs(queries[i : i + 1], keys[i : i + 1]))
    torch.testing.assert_close(momentum_contrast(queries, keys, temperature=0.2), 2 * 0.2 * torch.stack(losses).mean())


def test_no_gradient_reaches_the_keys():
    queries, keys = unit(seed=1).requires_grad_(), unit(seed=2).requires_grad_()
    momentum_contrast(queries, keys, temperature=0.2).backward()
    assert keys.grad is None
    assert queries.grad.abs().sum() > 0


def test_with_a_predictor_that_ignores_its_input_the_encoder_has_no_gradient():
    assert_targets_get_no_gradient(build("moco_v3"), "contrastive")


def test_the_term_is_the_sum_over_both_views_of_query_against_the_other_views_keys():
    method, pair = build("moco_v3"), views()
    got = method(pair, None).terms["contrastive"]
    method = build("moco_v3")
    q1, q2 = (F.normalize(method.predictor(method.projector(method.backbone(v)))) for v in pair)
    k1, k2 = (F.normalize(method.momentum_encoder(v)) for v in pair)
    tau, own = SETTINGS.temperature, torch.arange(16)
    expected = 2 * tau * (F.cross_entropy(q1 @ k2.T / tau, own) + F.cross_entropy(q2 @ k1.T / tau, own))
    torch.testing.assert_close(got, expected)


def test_the_momentum_encoder_follows_by_a_half_cosine_step_by_step():
    method = build("moco_v3")
    slow = [p.clone() for p in method.momentum_encoder.parameters()]
    for step in range(4):
        fast = [*method.backbone.parameters(), *method.projector.parameters()]
        with torch.no_grad():
            for parameter in fast:
                parameter.add_(0.1 * (step + 1))
        method.after_step(step / 4)
        m = 1 - (1 - SETTINGS.momentum) * (math.cos(math.pi * step / 4) + 1) / 2
        slow = [m * s + (1 - m) * f for s, f in zip(slow, fast, strict=True)]
        for expected, parameter in zip(slow, method.momentum_encoder.parameters(), strict=True):
            torch.testing.assert_close(parameter, expected)


def test_the_momentum_encoder_uses_statistics_of_the_batch_and_keeps_its_own():
    method, pair = build("moco_v3"), views()
    assert method.momentum_encoder.training
    before = {n: b.clone() for n, b in method.momentum_encoder.named_buffers()}
    method(pair, None)
    after = dict(method.momentum_encoder.named_buffers())
    assert all(not torch.equal(after[n], b) for n, b in before.items())
    keys = method.momentum_encoder(pair[0])
    torch.testing.assert_close(keys.mean(dim=0), torch.zeros(keys.shape[1]), atol=1e-5, rtol=0)


def test_the_heads_are_those_of_the_releases_resnets():
    method = build("moco_v3")
    last = method.projector[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert not last.affine
    assert isinstance(method.predictor[-1], nn.Linear)
    assert all(
        m.bias is None for head in (method.projector, method.predictor) for m in head if isinstance(m, nn.Linear)
    )
