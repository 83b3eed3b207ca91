"""The schedule and the optimisers against their definitions."""

import math

import pytest
import torch
from torch import nn

from entrec.settings import Optimiser
from entrec.training import eager
from entrec.training.optimiser import build_optimiser, parameter_groups, scaled_lr
from entrec.training.schedule import cosine_with_warmup


def settings(**changes):
    return Optimiser(
        **{"name": "adamw", "lr": 0.4, "lr_scaling": "none", "momentum": 0.9, "weight_decay": 0.1, **changes}
    )


def test_the_schedule_rises_linearly_and_falls_by_a_half_cosine():
    factors = [cosine_with_warmup(step, steps=110, warmup=10) for step in range(110)]
    assert factors[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert factors[10] == 1.0
    assert factors[60] == pytest.approx(0.5)
    assert factors[109] == pytest.approx((1 + math.cos(math.pi * 0.99)) / 2)
    assert factors[10:] == sorted(factors[10:], reverse=True)


@pytest.mark.parametrize(("scaling", "expected"), [("none", 0.4), ("linear", 1.6), ("sqrt", 0.8)])
def test_rates_are_given_for_a_batch_of_256(scaling, expected):
    assert scaled_lr(settings(lr_scaling=scaling), batch_size=1024) == pytest.approx(expected)


def test_biases_and_norms_are_not_decayed_and_frozen_weights_not_listed():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2).requires_grad_(False))
    decayed, spared = parameter_groups(module, 0.1)
    assert [p.ndim for p in decayed["params"]] == [4]
    assert [p.ndim for p in spared["params"]] == [1, 1, 1]
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)


@pytest.mark.parametrize("decay", [0.1, 0.0])
def test_lars_takes_the_step_of_its_paper(decay):
    """You, Gitman & Ginsburg (arXiv:1708.03888), eq. 6: rate times trust * |w| / (|g| + decay |w|)."""
    layer = nn.Linear(3, 1)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimiser = build_optimiser(layer, settings(name="lars", momentum=0.0, weight_decay=decay), batch_size=256)
    g = torch.tensor([[1.0, 2.0, 2.0]])
    layer.weight.grad, layer.bias.grad = g.clone(), torch.ones(1)
    eager.step(optimiser)
    trust = 0.001 * weight.norm() / (g.norm() + decay * weight.norm() + 1e-8)
    torch.testing.assert_close(layer.weight.detach(), weight - 0.4 * trust * (g + decay * weight))
    torch.testing.assert_close(layer.bias.detach(), bias - 0.4)


def test_sgd_has_the_momentum_of_the_study():
    optimiser = build_optimiser(nn.Linear(2, 2), settings(name="sgd", momentum=0.7), batch_size=256)
    assert all(group["momentum"] == 0.7 for group in optimiser.param_groups)
