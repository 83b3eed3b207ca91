"""Products: torch's own in double precision, and the layer's against torch's layer."""

import pytest
import torch
from torch import nn

from entrec.information import products
from entrec.information.products import Linear

SHAPES = [(1, 7, 9), (5, 1, 3), (64, 32, 1), (257, 65, 33), (300, 500, 100)]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n, k, m", SHAPES)
@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_and_its_gradients_are_those_of_double_precision(n, k, m, transposed):
    a = normal(k, n).T if transposed else normal(n, k)
    b = normal(m, k, seed=1).T if transposed else normal(k, m, seed=1)
    values = [x.detach().requires_grad_() for x in (a, b)]
    exact = [x.detach().double().requires_grad_() for x in (a, b)]
    direction = normal(n, m, seed=2)
    found = products.product(*values)
    expected = exact[0] @ exact[1]
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-4)
    for one, other in zip(
        torch.autograd.grad(found, values, direction),
        torch.autograd.grad(expected, exact, direction.double()),
        strict=True,
    ):
        torch.testing.assert_close(one, other.float(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_the_layer_is_torchs_layer(bias):
    torch.manual_seed(0)
    ours, theirs = Linear(20, 30, bias=bias), nn.Linear(20, 30, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    x = normal(50, 20)
    (ours(x).square().sum() + theirs(x).square().sum()).backward()
    torch.testing.assert_close(ours(x), theirs(x))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_a_product_is_added_to_a_part_of_a_larger_tensor():
    target, a, b = normal(8, 20), normal(8, 5, seed=1), normal(5, 6, seed=2)
    expected = target.clone()
    expected[:, 3:9] += a @ b
    products.add_product_(target[:, 3:9], a, b)
    torch.testing.assert_close(target, expected)


def test_other_types_and_shapes_have_torchs_own_product():
    a, b = normal(6, 4).double(), normal(4, 5, seed=1).double()
    assert torch.equal(products.product(a, b), a @ b)
    batches = normal(2, 6, 4)
    assert torch.equal(products.linear(batches, b.T.float(), None), nn.functional.linear(batches, b.T.float()))
    assert products.product(normal(0, 4), b.float()).shape == (0, 5)


def test_autocast_chooses_the_type_of_a_layers_output():
    with torch.autocast("cpu", torch.bfloat16):
        assert Linear(4, 3)(normal(2, 4)).dtype == torch.bfloat16
