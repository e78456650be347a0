"""Exact sampling distributions: against scipy, against counting by hand, and against simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.reproduce.binomial import compare, episodes, episodes_needed, seed_spread

PROBABILITIES = st.floats(0.01, 0.99)


@given(st.integers(1, 60), PROBABILITIES, st.integers(1, 4))
def test_the_mean_of_equal_seeds_is_that_of_all_their_episodes(n, p, m):
    assert episodes(n, p).mean_of(m).probabilities == pytest.approx(episodes(n * m, p).probabilities, abs=1e-12)


@given(st.integers(1, 200), PROBABILITIES)
def test_the_central_range_is_that_of_the_quantiles(n, p):
    low, high = episodes(n, p).central()
    assert low * n == pytest.approx(stats.binom.ppf(0.025, n, p))
    assert high * n == pytest.approx(stats.binom.ppf(0.975, n, p))


@given(st.integers(1, 200), PROBABILITIES, st.data())
def test_reaching_a_share_is_the_upper_tail(n, p, data):
    k = data.draw(st.integers(0, n))
    assert episodes(n, p).at_least(k / n) == pytest.approx(stats.binom.sf(k - 1, n, p), abs=1e-12)


@given(PROBABILITIES, st.integers(1, 30))
def test_the_best_of_single_episodes_fails_only_if_all_do(p, k):
    assert episodes(1, p).best_of(k).mean == pytest.approx(1 - (1 - p) ** k)


def test_the_best_of_several_is_that_of_simulated_ones():
    drawn = np.random.default_rng(0).binomial(100, 0.78, size=(40_000, 7)).max(axis=1) / 100
    best = episodes(100, 0.78).best_of(7)
    assert best.probabilities.sum() == pytest.approx(1)
    assert drawn.mean() == pytest.approx(best.mean, abs=5 * drawn.std() / 200)
    assert (drawn >= 0.86).mean() == pytest.approx(best.at_least(0.86), abs=0.01)


def test_a_comparison_counts_every_pair():
    n, low, high = 6, 0.3, 0.8
    found = compare(n, low, high)
    right = tie = power = 0.0
    for a, b in product(range(n + 1), repeat=2):
        chance = stats.binom.pmf(a, n, low) * stats.binom.pmf(b, n, high)
        right += chance * (b > a)
        tie += chance * (a == b)
        pooled = (a + b) / (2 * n)
        if b > a and (b - a) / n > stats.norm.ppf(0.975) * np.sqrt(2 * pooled * (1 - pooled) / n):
            power += chance
    assert (found.right_order, found.tie, found.power) == pytest.approx((right, tie, power))


def test_arms_of_the_same_value_are_called_different_about_one_time_in_twenty():
    same = compare(300, 0.78, 0.78)
    assert same.power == pytest.approx(same.wrong)
    assert same.power + same.wrong == pytest.approx(0.05, abs=0.01)
    assert same.right_order == pytest.approx((1 - same.tie) / 2)


def test_as_many_episodes_as_are_needed_have_the_power():
    n = episodes_needed(0.08, (0.78 * 0.22, 0.86 * 0.14))
    assert compare(n, 0.78, 0.86).power == pytest.approx(0.8, abs=0.01)
    assert compare(n // 2, 0.78, 0.86).power < 0.6


def test_the_spread_of_three_seeds_is_that_of_simulated_ones():
    found = seed_spread(100, 0.78)
    drawn = np.random.default_rng(0).binomial(100, 0.78, size=(40_000, 3)) / 100
    sd = drawn.std(axis=1, ddof=1)
    assert sd.mean() == pytest.approx(found.expected, rel=0.02)
    assert np.quantile(sd, [0.025, 0.975]) == pytest.approx([found.low, found.high], abs=0.002)
    assert (np.abs(drawn.mean(axis=1) - 0.78) <= sd + 1e-12).mean() == pytest.approx(found.covered, abs=0.015)
