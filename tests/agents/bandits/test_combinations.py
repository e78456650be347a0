"""Simulated combinations: drawn as published, nearest found as by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.bandits.combinations import (
    MEAN_SIZE,
    N_DRUGS,
    PATTERN_RISK,
    Disjoint,
    Simulation,
    from_sets,
    simulate,
)
from harness.core.errors import UsageError


@pytest.fixture(scope="module")
def published():
    """Published density on fewer combinations."""
    return simulate(Simulation(seed=1, combinations=20_000))


def overlap(data):
    """Shared drugs and Hamming distance, shape (n, k), counted densely."""
    X = data.members.toarray()
    shared = X @ data.patterns.T
    return shared, X.sum(axis=1)[:, None] + data.patterns.sum(axis=1) - 2 * shared


def test_every_drug_is_in_a_combination_as_often_as_bernoulli_says(published):
    share = published.members.mean(axis=0)
    p, n = MEAN_SIZE / N_DRUGS, len(published)
    assert np.abs(share - p).max() < 5 * np.sqrt(p * (1 - p) / n)
    assert published.sizes.mean() == pytest.approx(MEAN_SIZE, abs=4 * np.sqrt(MEAN_SIZE / n))
    assert published.sizes.var() == pytest.approx(MEAN_SIZE * (1 - p), rel=0.05)


def test_combinations_and_patterns_are_distinct_and_not_empty(published):
    assert published.sizes.min() >= 1
    assert len({row.tobytes() for row in np.packbits(published.members.toarray() > 0, axis=1)}) == len(published)
    assert len(np.unique(published.patterns, axis=0)) == 10
    assert published.patterns.any(axis=1).all()


@pytest.mark.parametrize(("disjoint", "mean", "sd"), [(Disjoint.NEUTRAL, 1.0, 0.05), (Disjoint.PROTECTIVE, 0.15, 0.1)])
def test_risks_are_those_of_the_nearest_pattern(disjoint, mean, sd):
    data = simulate(Simulation(seed=1, combinations=20_000, disjoint=disjoint))
    shared, distance = overlap(data)
    nearest = distance.argmin(axis=1)
    shares = shared[np.arange(len(data)), nearest] > 0
    apart = data.risk[~shares]
    clipped = np.maximum(np.random.default_rng(0).normal(mean, sd, 200_000), 0)
    assert apart.mean() == pytest.approx(clipped.mean(), abs=5 * sd / np.sqrt(len(apart)))
    assert apart.std() == pytest.approx(clipped.std(), rel=0.05)
    assert data.risk.min() >= 0
    together = data.risk[shares]
    assert PATTERN_RISK[0] - 0.1 - 0.5 < together.min() < together.max() < PATTERN_RISK[1] + 0.5
    for p in range(10):  # within one pattern: the loss with distance, and the spread about it
        own = shares & (nearest == p)
        if own.sum() > 500:
            sizes = data.sizes[own] + data.patterns[p].sum()
            level = data.risk[own] + 0.1 * distance[own, p] / sizes
            assert PATTERN_RISK[0] - 0.02 < level.mean() < PATTERN_RISK[1] + 0.02
            assert level.std() == pytest.approx(0.1, rel=0.15)


def test_the_dangerous_share_is_that_of_combinations_at_a_pattern_and_the_tail_of_the_neutral():
    data = simulate(Simulation(seed=1, combinations=20_000))
    shared, distance = overlap(data)
    at_a_pattern = np.take_along_axis(shared, distance.argmin(axis=1)[:, None], axis=1)[:, 0] > 0
    tail = 0.02275  # P(N(1, 0.05²) > 1.1)
    assert data.dangerous[at_a_pattern].all()
    assert data.dangerous[~at_a_pattern].mean() == pytest.approx(tail, abs=0.005)
    assert 0.05 < data.dangerous.mean() < 0.60


def test_a_combination_that_is_a_pattern_has_exactly_its_risk():
    data = simulate(Simulation(seed=2, drugs=12, combinations=600, patterns=3, mean_size=3))
    _, distance = overlap(data)
    for row, pattern in zip(*np.nonzero(distance == 0), strict=True):
        assert data.risk[row] == pytest.approx(data.risk[distance[:, pattern] == 0][0], abs=0)
        assert PATTERN_RISK[0] <= data.risk[row] <= PATTERN_RISK[1]
    assert (distance == 0).any()


def test_the_same_seed_gives_the_same_data_and_another_seed_does_not():
    made = [simulate(Simulation(seed=s, drugs=40, combinations=300)).fingerprint for s in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
    other = simulate(Simulation(seed=1, drugs=40, combinations=300, disjoint=Disjoint.PROTECTIVE)).fingerprint
    assert other != made[0]


SMALL = simulate(Simulation(seed=3, drugs=25, combinations=400, patterns=2, mean_size=5))


@given(st.lists(st.booleans(), min_size=25, max_size=25))
def test_the_nearest_is_that_of_brute_force(member):
    asked = np.array(member, dtype=np.float32)
    distances = np.abs(SMALL.members.toarray() - asked).sum(axis=1)
    assert SMALL.nearest(asked) == distances.argmin()


def test_sets_of_ones_own_become_rows_in_their_order():
    risks = {frozenset({"c", "a"}): 2.0, frozenset({"b"}): 1.0, frozenset({"d", "b", "a"}): 1.2}
    data = from_sets("own", list("abcd"), risks)
    assert data.members.toarray().tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 1]]
    assert data.dangerous.tolist() == [True, False, True]
    assert data.patterns.shape == (0, 4)
    assert data.nearest(np.array([1, 0, 1, 1])) == 0


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: simulate(Simulation(seed=1, drugs=3, combinations=8, patterns=1, mean_size=1)),
            "8 distinct combinations of 3",
        ),
        (lambda: simulate(Simulation(seed=1, drugs=3, mean_size=4)), "at most the number of drugs"),
        (lambda: from_sets("x", ["a", "a"], {frozenset("a"): 1.0}), "need distinct drugs"),
        (lambda: from_sets("x", ["a"], {}), "at least one set"),
        (lambda: from_sets("x", ["a"], {frozenset("ab"): 1.0}), "a, b is none of the given drugs"),
        (lambda: from_sets("x", ["a"], {frozenset("a"): -1.0}), "is -1.0"),
        (lambda: from_sets("x", ["a"], {frozenset("a"): float("nan")}), "is nan"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(make, sentence):
    with pytest.raises(UsageError, match=sentence):
        make()
