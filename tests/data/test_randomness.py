"""The counter-based generator: SplitMix64's numbers, uniform and unrelated."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from entrec.data.randomness import Purpose, fold, key, mix, uniform

WORDS = st.integers(0, 2**64 - 1)


def signed(word: int) -> int:
    return word - 2**64 if word >= 2**63 else word


def splitmix64(state: int, position: int) -> int:
    """Steele, Lea & Flood's generator in Python's integers."""
    z = (state + (position + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def test_the_numbers_are_the_published_ones_of_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    ours = fold(torch.tensor(1234567), torch.arange(4)).tolist()
    assert [word % 2**64 for word in ours] == published


@given(state=WORDS, position=WORDS)
def test_tensors_wrap_around_as_64_bit_words_do(state, position):
    assert fold(torch.tensor(signed(state)), position).item() == signed(splitmix64(state, position))


@given(words=st.lists(WORDS, min_size=2, max_size=64))
def test_vectors_and_single_words_are_mixed_alike(words):
    together = mix(torch.tensor([signed(word) for word in words]))
    assert together.tolist() == [mix(torch.tensor(signed(word))).item() for word in words]


def test_numbers_are_uniform_for_neighbouring_samples_and_for_neighbouring_draws():
    u = uniform(key(Purpose.VIEW, 0, 0, 0, torch.arange(2000)), 40).numpy()
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    counts = np.bincount((u.ravel() * 256).astype(int), minlength=256)
    assert stats.chisquare(counts).pvalue > 1e-3
    by_draw = [stats.kstest(column, "uniform").pvalue for column in u.T]
    assert stats.kstest(by_draw, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("word", ["seed", "epoch", "view", "sample", "draw"])
def test_neighbours_in_every_word_are_independent(word):
    base = {"seed": 3, "epoch": 5, "view": 0}
    samples = torch.arange(5000)

    def numbers(step: int) -> np.ndarray:
        words = {name: value + step * (name == word) for name, value in base.items()}
        keys = key(Purpose.VIEW, *words.values(), samples + step * (word == "sample"))
        return uniform(keys, 2)[:, step * (word == "draw")].numpy()

    pairs, _, _ = np.histogram2d(numbers(0), numbers(1), bins=10, range=[(0, 1), (0, 1)])
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3


def test_flipping_one_bit_flips_half_of_the_bits():
    words = torch.arange(1000)
    for bit in range(0, 64, 7):
        changed = mix(words) ^ mix(words ^ signed(1 << bit))
        flipped = sum(bin(word % 2**64).count("1") for word in changed.tolist()) / len(words)
        assert flipped == pytest.approx(32, abs=1)


def test_purposes_and_the_order_of_words_make_other_keys():
    keys = [key(purpose, a, b).item() for purpose in Purpose for a in range(10) for b in range(10)]
    assert len(set(keys)) == len(keys)
