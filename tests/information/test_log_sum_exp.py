"""Sums by tiles against the sums of the whole matrix: values, gradients, memory."""

import math

import pytest
import torch

from entrec.information.log_sum_exp import cross_log_sum_exp, row_log_sum_exp, self_log_sum_exp

NEEDS_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]
DEVICES = ["cpu", pytest.param("cuda", marks=NEEDS_GPU)]


def normal(*shape, seed=0, dtype=torch.float64, device="cpu"):
    z = torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    return z.to(device).requires_grad_()


def by_matrix(z, bias, skip_diagonal):
    scores = z @ z.T + bias[:, None] + bias
    if skip_diagonal:
        scores = scores.masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), -math.inf)
    return scores.logsumexp(dim=1)


def gradients(values, weights, *inputs):
    return torch.autograd.grad((values * weights).sum(), inputs)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("skip_diagonal", [False, True])
@pytest.mark.parametrize("tile", [None, 1, 8, 37, 64])
def test_sums_over_one_sample_and_their_gradients_are_those_of_the_matrix(device, skip_diagonal, tile):
    z, bias = normal(37, 5, device=device), normal(37, seed=1, device=device)
    weights = normal(37, seed=2, device=device).detach()
    tiled = self_log_sum_exp(z, bias=bias, skip_diagonal=skip_diagonal, tile=tile)
    whole = by_matrix(z, bias, skip_diagonal)
    torch.testing.assert_close(tiled, whole)
    torch.testing.assert_close(gradients(tiled, weights, z, bias), gradients(whole, weights, z, bias))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("tile", [None, 1, 8, 64])
def test_sums_over_two_samples_and_their_gradients_are_those_of_the_matrix(device, tile):
    a, b = normal(29, 5, device=device), normal(37, 5, seed=1, device=device)
    tiled = cross_log_sum_exp(a, b, tile=tile)
    whole = (a @ b.T).logsumexp(dim=1), (a @ b.T).logsumexp(dim=0)
    torch.testing.assert_close(tiled, whole)
    total = [rows.square().sum() + columns.sin().sum() for rows, columns in (tiled, whole)]
    torch.testing.assert_close(torch.autograd.grad(total[0], (a, b)), torch.autograd.grad(total[1], (a, b)))


def test_gradients_agree_with_finite_differences():
    z, bias, b = normal(9, 3), normal(9, seed=1), normal(7, 3, seed=2)
    for skip in (False, True):
        assert torch.autograd.gradcheck(
            lambda z, c, skip=skip: self_log_sum_exp(z, bias=c, skip_diagonal=skip, tile=4), (z, bias)
        )
    assert torch.autograd.gradcheck(lambda a, b: cross_log_sum_exp(a, b, tile=4), (z, b))


def test_in_single_precision_value_and_gradient_agree_with_the_matrix_to_a_hundred_thousandth():
    z = (torch.nn.functional.normalize(normal(1500, 128, dtype=torch.float32), dim=1) * 10**0.5).detach()
    z.requires_grad_()
    tiled, whole = self_log_sum_exp(z), (z @ z.T).logsumexp(dim=1)
    torch.testing.assert_close(tiled, whole, rtol=1e-5, atol=0)
    weights = torch.ones(1500)
    (g,), (reference,) = gradients(tiled, weights, z), gradients(whole, weights, z)
    assert ((g - reference).norm() / reference.norm()).item() < 1e-5


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_scores_far_from_each_other_neither_overflow_nor_vanish(scale):
    z = normal(40, 6, dtype=torch.float32).detach().mul(scale).requires_grad_()
    tiled, whole = self_log_sum_exp(z, tile=16), (z @ z.T).logsumexp(dim=1)
    torch.testing.assert_close(tiled, whole)
    (gradient,) = gradients(tiled, torch.ones(40), z)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("spread", [1.0, 3.0, 6.0, 10.0, 30.0])  # one exp for rows and columns, or one for each
def test_sums_close_together_and_far_apart_have_the_matrix_s_values_and_gradients(spread):
    z, b = (normal(n, 4, seed=n).detach().mul(spread).requires_grad_() for n in (40, 30))
    tiled, whole = self_log_sum_exp(z, tile=16), (z @ z.T).logsumexp(dim=1)
    torch.testing.assert_close(tiled, whole, rtol=1e-13, atol=1e-12)
    weights = normal(40, seed=5).detach()
    torch.testing.assert_close(gradients(tiled, weights, z), gradients(whole, weights, z), rtol=1e-10, atol=1e-10)
    rows, columns = cross_log_sum_exp(z, b, tile=16)
    torch.testing.assert_close((rows, columns), ((z @ b.T).logsumexp(dim=1), (z @ b.T).logsumexp(dim=0)))
    totals = [
        (weights * r).sum() + c.sum() for r, c in ((rows, columns), ((z @ b.T).logsumexp(1), (z @ b.T).logsumexp(0)))
    ]
    ours, theirs = (torch.autograd.grad(total, (z, b)) for total in totals)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_no_tensor_as_large_as_the_matrix_is_ever_made():
    k, tile = 1024, 64
    z = normal(k, 8, dtype=torch.float32)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            made = function(*args, **(kwargs or {}))
            for tensor in made if isinstance(made, tuple) else (made,):
                if isinstance(tensor, torch.Tensor):
                    largest = max(largest, tensor.numel())
            return made

    with Watch():
        self_log_sum_exp(z, tile=tile).sum().backward()
        cross_log_sum_exp(z, z.detach(), tile=tile)[0].sum().backward()
    assert largest == k * 8
    assert largest < k * k / 16


def test_the_same_sums_come_out_every_time():
    z = normal(700, 16, dtype=torch.float32)
    first, second = (self_log_sum_exp(z, tile=128) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(*(gradients(s, torch.ones(700), z)[0] for s in (first, second)))


def test_rows_alone_are_those_of_both_with_the_same_gradients():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 5, generator=generator, dtype=torch.float64, requires_grad=True) for n in (70, 33))
    weights = torch.randn(70, generator=generator, dtype=torch.float64)
    rows, both = row_log_sum_exp(a, b, tile=16), cross_log_sum_exp(a, b, tile=16)[0]
    torch.testing.assert_close(rows, both, rtol=1e-12, atol=0)
    ours, theirs = (torch.autograd.grad((weights * one).sum(), (a, b)) for one in (rows, both))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
