"""Orders and batches are functions of seed and epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from entrec.data.loader import batches, epoch_order
from entrec.errors import UserError

INDICES = np.arange(100, 400)


@given(seed=st.integers(0, 2**31), epoch=st.integers(0, 10**6))
def test_an_order_is_a_permutation_and_the_same_every_time(seed, epoch):
    order = epoch_order(INDICES, seed=seed, epoch=epoch)
    assert sorted(order) == INDICES.tolist()
    assert order.dtype == np.int64
    assert np.array_equal(order, epoch_order(INDICES[::-1], seed=seed, epoch=epoch))


def test_epochs_and_seeds_have_unrelated_orders():
    orders = [epoch_order(INDICES, seed=seed, epoch=epoch) for seed in range(3) for epoch in range(3)]
    orders.append(INDICES)
    for i, a in enumerate(orders):
        for b in orders[:i]:
            assert stats.spearmanr(a, b).pvalue > 1e-4


def test_every_sample_comes_equally_often_at_every_place():
    first = [epoch_order(np.arange(10), seed=0, epoch=epoch)[0] for epoch in range(2000)]
    assert stats.chisquare(np.bincount(first, minlength=10)).pvalue > 1e-3


@given(batch_size=st.integers(1, len(INDICES)))
def test_batches_are_full_follow_the_order_and_drop_the_rest(batch_size):
    drawn = list(batches(INDICES, batch_size))
    whole = len(INDICES) // batch_size
    assert [len(batch) for batch in drawn] == [batch_size] * whole
    assert np.array_equal(np.concatenate(drawn), INDICES[: whole * batch_size])


def test_a_batch_larger_than_the_set_is_refused():
    with pytest.raises(UserError, match=r"batch size 301: more than the 300 images"):
        batches(INDICES, 301)
