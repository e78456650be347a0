"""Differential evolution over sets of drugs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agents.bandits.differential_evolution import _two_others, maximise


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(4, 40), st.integers(1, 30), st.floats(0.05, 0.95))
def test_members_stay_sets_of_drugs(seed, n, width, density):
    rng = np.random.default_rng(seed)
    start = (rng.random((n, width)) < density).astype(np.float32)
    seen = []

    def objective(X):
        seen.append(X.copy())
        return rng.normal(size=len(X)).astype(np.float32)

    best, _ = maximise(objective, start, rng, generations=5)
    everything = np.concatenate([*seen, best[None]])
    assert np.isin(everything, (0.0, 1.0)).all()
    assert len(seen) == 6


@given(st.integers(0, 2**32), st.integers(4, 40))
def test_the_two_others_are_neither_oneself_nor_each_other(seed, n):
    one, two = _two_others(np.random.default_rng(seed), n)
    own = np.arange(n)
    assert (one != own).all()
    assert (two != own).all()
    assert (one != two).all()
    assert one.min() >= 0
    assert max(one.max(), two.max()) < n


def test_the_value_returned_is_the_best_ever_drawn():
    rng = np.random.default_rng(1)
    values = []

    def objective(X):
        values.append(rng.normal(size=len(X)))
        return values[-1]

    _, value = maximise(objective, (rng.random((16, 20)) < 0.3).astype(np.float32), rng)
    assert value == max(v.max() for v in values)


def test_it_climbs_further_than_as_many_random_sets():
    weights = np.linspace(-1, 1, 40).astype(np.float32)
    gains = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        start = (rng.random((32, 40)) < 0.5).astype(np.float32)
        _, found = maximise(lambda X: X @ weights, start, rng)
        chance = (rng.random((32 * 17, 40)) < 0.5).astype(np.float32) @ weights
        gains.append(found - chance.max())
    assert np.mean(gains) > 0.5
    assert min(gains) > -0.5


def test_what_was_given_is_left_alone():
    start = np.eye(6, dtype=np.float32)
    maximise(lambda X: X.sum(axis=1), start, np.random.default_rng(0))
    assert (start == np.eye(6)).all()
