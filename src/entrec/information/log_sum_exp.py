"""Log-sum-exps over the rows of a similarity matrix that is never held in memory as a whole.

Kernel entropies and contrastive losses are such sums. The matrix is computed tile by tile and each tile is
discarded; the backward pass computes it again and multiplies it with the points at once. This costs one more
matrix product and saves the transfer of the matrix to and from memory (the idea of Rabe & Staats,
arXiv:2112.05682). The extra memory is a few tiles, whatever k is. Of a symmetric matrix only the tiles on and above
the diagonal are computed. Gradients of gradients are not available.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from entrec.information.portable import log
from entrec.information.products import add_product_, product

NEGLIGIBLE = -80.0  # its exp is 2e-35: a million of them change no sum in float64
LOST = 1e-16  # the clamp at `NEGLIGIBLE` may change the last digits of a sum of powers below this
CLOSE = 40.0  # where sums differ by less, powers that matter to the lowest of them are far above `NEGLIGIBLE`
TILES = {"cpu": 512, "cuda": 4096}  # a tile fits in a core's cache, or fills a GPU


def self_log_sum_exp(
    z: Tensor, *, bias: Tensor | None = None, skip_diagonal: bool = False, tile: int | None = None
) -> Tensor:
    """Return log sum_j exp(<z_i, z_j> + bias_i + bias_j) of each row of `z` (k, d), with `bias` (k,) or none; (k,).

    `skip_diagonal` omits j = i; k must then be 2 or more.
    """
    if bias is None:
        bias = z.new_zeros(len(z))
    return _Self.apply(z, bias, skip_diagonal, tile or _tile(z))


def cross_log_sum_exp(a: Tensor, b: Tensor, *, tile: int | None = None) -> tuple[Tensor, Tensor]:
    """Return log sum_j exp<a_i, b_j>, (n,), and log sum_i exp<a_i, b_j>, (m,), for `a` (n, d), `b` (m, d)."""
    return _Cross.apply(a, b, tile or _tile(a))


def row_log_sum_exp(a: Tensor, b: Tensor, *, tile: int | None = None) -> Tensor:
    """Return the first result of `cross_log_sum_exp`, (n,), without the work for the second."""
    return _Rows.apply(a, b, tile or _tile(a))


class _Self(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, bias: Tensor, skip_diagonal: bool, tile: int) -> Tensor:
        sums = z.new_full((len(z),), -math.inf)
        for i, j in _upper(len(z), tile):
            scores = _scores(z, bias, i, j, skip_diagonal)
            if i == j:
                _merge(sums, i, scores, dim=1)
            else:
                _merge_both(sums, i, sums, j, scores)
        ctx.save_for_backward(z, bias, sums)
        ctx.skip_diagonal, ctx.tile = skip_diagonal, tile
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        z, bias, sums = ctx.saved_tensors
        of_z, of_bias = _transposed_zeros(z), torch.zeros_like(bias)
        for i, j in _upper(len(z), ctx.tile):
            scores = _scores(z, bias, i, j, ctx.skip_diagonal)
            weights = _weights(scores, sums[i], sums[j], gradient[i], gradient[j])
            add_product_(of_z[:, i], z[j].T, weights.T)
            of_bias[i] += weights.sum(dim=1)
            if i != j:
                add_product_(of_z[:, j], z[i].T, weights)
                of_bias[j] += weights.sum(dim=0)
        return of_z.T, of_bias, None, None


class _Cross(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, tile: int) -> tuple[Tensor, Tensor]:
        rows, columns = a.new_full((len(a),), -math.inf), b.new_full((len(b),), -math.inf)
        for i in _slices(len(a), tile):
            for j in _slices(len(b), tile):
                _merge_both(rows, i, columns, j, product(a[i], b[j].T))
        ctx.save_for_backward(a, b, rows, columns)
        ctx.tile = tile
        return rows, columns

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_rows: Tensor, of_columns: Tensor) -> tuple[Tensor, Tensor, None]:
        a, b, rows, columns = ctx.saved_tensors
        of_a, of_b = _transposed_zeros(a), _transposed_zeros(b)
        for i in _slices(len(a), ctx.tile):
            for j in _slices(len(b), ctx.tile):
                weights = _weights(product(a[i], b[j].T), rows[i], columns[j], of_rows[i], of_columns[j])
                add_product_(of_a[:, i], b[j].T, weights.T)
                add_product_(of_b[:, j], a[i].T, weights)
        return of_a.T, of_b.T, None


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, tile: int) -> Tensor:
        sums = a.new_full((len(a),), -math.inf)
        for i in _slices(len(a), tile):
            for j in _slices(len(b), tile):
                _merge(sums, i, product(a[i], b[j].T), dim=1)
        ctx.save_for_backward(a, b, sums)
        ctx.tile = tile
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        a, b, sums = ctx.saved_tensors
        of_a, of_b = _transposed_zeros(a), _transposed_zeros(b)
        for i in _slices(len(a), ctx.tile):
            for j in _slices(len(b), ctx.tile):
                weights = _exp(product(a[i], b[j].T).sub_(sums[i, None])).mul_(gradient[i, None])
                add_product_(of_a[:, i], b[j].T, weights.T)
                if ctx.needs_input_grad[1]:  # keys of a momentum encoder have none
                    add_product_(of_b[:, j], a[i].T, weights)
        return of_a.T, of_b.T, None


def _transposed_zeros(z: Tensor) -> Tensor:
    """Return zeros (d, k) for `z` (k, d): where d is small, products of that layout are several times as fast."""
    return z.new_zeros(z.shape[1], z.shape[0])


def _tile(z: Tensor) -> int:
    return TILES.get(z.device.type, TILES["cpu"])


def _slices(k: int, tile: int) -> list[slice]:
    return [slice(start, min(start + tile, k)) for start in range(0, k, tile)]


def _upper(k: int, tile: int) -> Iterator[tuple[slice, slice]]:
    """Return the tiles on and above the diagonal."""
    slices = _slices(k, tile)
    return ((i, j) for n, i in enumerate(slices) for j in slices[n:])


def _scores(z: Tensor, bias: Tensor, i: slice, j: slice, skip_diagonal: bool) -> Tensor:
    scores = product(z[i], z[j].T).add_(bias[i, None]).add_(bias[None, j])
    if skip_diagonal and i == j:
        scores.fill_diagonal_(-math.inf)
    return scores


def _merge(sums: Tensor, at: slice, scores: Tensor, *, dim: int) -> None:
    largest = scores.amax(dim=dim, keepdim=True).clamp_(min=torch.finfo(scores.dtype).min)  # a tile may hold only -inf
    added = log(_exp(scores - largest).sum(dim=dim)).add_(largest.squeeze(dim))
    torch.logaddexp(sums[at], added, out=sums[at])


def _merge_both(rows: Tensor, i: slice, columns: Tensor, j: slice, scores: Tensor) -> None:
    """`_merge` along both dimensions, with one exp for both where values may be read and no sum loses digits by it."""
    if _may_read_values(scores):
        largest = scores.max()
        powers = _exp(scores - largest)
        along_rows, along_columns = powers.sum(dim=1), powers.sum(dim=0)
        if min(along_rows.min(), along_columns.min()) > LOST:
            for sums, at, added in ((rows, i, along_rows), (columns, j, along_columns)):
                torch.logaddexp(sums[at], log(added).add_(largest), out=sums[at])
            return
    _merge(rows, i, scores, dim=1)
    _merge(columns, j, scores, dim=0)


def _weights(scores: Tensor, rows: Tensor, columns: Tensor, of_rows: Tensor, of_columns: Tensor) -> Tensor:
    """Return the gradient in `scores`: the softmaxes along rows and columns, each times the gradient of its sum.

    Each softmax uses its own sum, so that none overflows; one exp serves both where values may be read and the
    sums are close together.
    """
    if _may_read_values(scores):
        highest = max(rows.max(), columns.max())
        if highest - min(rows.min(), columns.min()) < CLOSE:
            along_rows = of_rows * (highest - rows).exp_()
            both = along_rows[:, None] + of_columns * (highest - columns).exp_()
            return _exp(scores.sub_(highest)).mul_(both)
    along_rows = _exp(scores - rows[:, None]).mul_(of_rows[:, None])
    return _exp(scores.sub_(columns)).mul_(of_columns).add_(along_rows)


def _may_read_values(x: Tensor) -> bool:
    """Return whether a decision may depend on values: a GPU would synchronise for them, a compiled graph has none."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def _exp(x: Tensor) -> Tensor:
    """Return exp(x), in place, of numbers up to 0; below `NEGLIGIBLE` they are clamped, since tiny results are slow."""
    return x.clamp_(min=NEGLIGIBLE).exp_()
