"""Orders and batches are functions of seed and epoch."""

import numpy as np
import pytest
from scipy import stats

from entrec.data.loader import batches, epoch_order
from entrec.errors import UserError

INDICES = np.arange(100, 400)


def test_an_order_is_a_permutation_and_the_same_every_time():
    order = epoch_order(INDICES, seed=1, epoch=2)
    assert sorted(order) == INDICES.tolist()
    assert order.dtype == np.int64
    assert np.array_equal(order, epoch_order(INDICES[::-1], seed=1, epoch=2))


def test_epochs_and_seeds_have_unrelated_orders():
    orders = [epoch_order(INDICES, seed=seed, epoch=epoch) for seed in range(3) for epoch in range(3)]
    orders.append(INDICES)
    for i, a in enumerate(orders):
        for b in orders[:i]:
            assert stats.spearmanr(a, b).pvalue > 1e-4


def test_every_sample_comes_equally_often_at_every_place():
    first = [epoch_order(np.arange(10), seed=0, epoch=epoch)[0] for epoch in range(2000)]
    assert stats.chisquare(np.bincount(first, minlength=10)).pvalue > 1e-3


def test_batches_are_full_and_drop_the_rest():
    drawn = list(batches(INDICES, 64))
    assert [len(batch) for batch in drawn] == [64] * 4
    assert np.array_equal(np.concatenate(drawn), INDICES[:256])


def test_a_batch_of_everything_is_one_batch():
    assert len(list(batches(INDICES, 300))) == 1


def test_a_batch_larger_than_the_set_is_refused():
    with pytest.raises(UserError, match=r"batch size 301: more than the 300 images"):
        batches(INDICES, 301)
