"""The mixing is invertible and well conditioned."""

import numpy as np
import pytest
import torch
from tests.theory.conftest import inverse
from torch.nn import functional as F

from entrec.theory.identifiability.mixing import Mixing, best_conditioned, draw_columns, draw_mixing
from entrec.theory.settings.identifiability import Network


def drawn(seed=0, *, draws=1000, layers=3):
    network = Network(layers=layers, slope=0.2, draws=draws, hidden=(8,), encoder_slope=0.2)
    return draw_mixing(10, network, seed=seed)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_inverse_gives_the_latents_back(layers):
    mixing = drawn(layers=layers).double()
    z = torch.randn(500, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert (inverse(mixing, mixing(z)) - z).abs().max() < 1e-9


def test_the_mixing_is_linear_maps_with_a_leaky_rectifier_between():
    mixing = drawn()
    z = torch.randn(20, 10, generator=torch.Generator().manual_seed(1))
    expected = z
    for i, weight in enumerate(mixing.weights):
        expected = torch.stack([weight @ row for row in expected])
        if i < 2:
            expected = torch.where(expected > 0, expected, 0.2 * expected)
    assert torch.allclose(mixing(z), expected, atol=1e-5)


def test_it_is_not_linear_itself():
    mixing = drawn()
    z = torch.randn(20, 10, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(mixing(-z), -mixing(z), atol=0.1)


def test_the_best_conditioned_draw_is_taken():
    matrices = draw_columns(200, 4, generator=torch.Generator().manual_seed(0))
    assert np.linalg.cond(best_conditioned(matrices)) == min(map(np.linalg.cond, matrices.numpy()))


def test_columns_have_length_one_and_each_layer_is_as_well_conditioned_as_its_draws_allow():
    mixing = drawn(draws=5000)
    assert torch.allclose(mixing.weights.norm(dim=1), torch.ones(3, 10), atol=1e-6)
    assert (torch.linalg.cond(mixing.weights) < 5).all()
    assert not torch.allclose(mixing.weights[0], mixing.weights[1])


def test_a_seed_decides_the_mixing():
    assert torch.equal(drawn(3).weights, drawn(3).weights)
    assert not torch.equal(drawn(3).weights, drawn(4).weights)


def test_its_weights_are_no_parameters_but_are_kept():
    mixing = drawn()
    assert not list(mixing.parameters())
    again = Mixing(torch.zeros(3, 10, 10), slope=0.2)
    again.load_state_dict(mixing.state_dict())
    assert torch.equal(again.weights, mixing.weights)
    assert F.mse_loss(again(torch.ones(2, 10)), mixing(torch.ones(2, 10))) == 0
