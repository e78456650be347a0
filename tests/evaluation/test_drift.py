"""What a sample says of a change: unbiased to first order by its design, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from harness.evaluation.drift import draw, first_order, stakes
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import deterministic


@pytest.fixture(scope="module")
def drift(sepsis):
    """A policy of ICU-Sepsis, and one that differs from it in a tenth of the states."""
    rng = np.random.default_rng(5)
    mdp = sepsis.mdp
    legal = [np.flatnonzero(row) if row.any() else [0] for row in mdp.legal]
    first, other = (np.array([rng.choice(actions) for actions in legal]) for _ in range(2))
    second = np.where(rng.random(mdp.n_states) < 0.1, other, first)
    return mdp, deterministic(mdp, first), deterministic(mdp, second)


def test_the_design_is_unbiased_for_the_change_to_first_order(drift):
    mdp, old, new = drift
    among = ~mdp.terminal
    found = stakes(mdp, old, among)
    V = evaluate(mdp, old)
    expected = V.occupancy @ ((new - old) * np.nan_to_num(action_values(mdp, V.V))).sum(axis=1)
    chance = found.stake / found.total
    drawable = np.flatnonzero(chance > 0)
    each = [first_order(found, np.array([s]), new[[s]]).value for s in drawable]
    assert chance[drawable] @ each == pytest.approx(expected, abs=1e-12)
    assert np.abs(each).max() <= found.total * (1 + 1e-12)


def test_intervals_cover_the_exact_change(drift):
    mdp, old, new = drift
    among = ~mdp.terminal
    change = evaluate(mdp, new).J - evaluate(mdp, old).J
    found = stakes(mdp, old, among)
    estimates = []
    for seed in range(200):
        drawn = draw(found, among, 100, seed)
        estimates.append(first_order(found, drawn, new[drawn]))
    assert np.mean([e.lower <= change <= e.upper for e in estimates]) >= 0.95
    assert np.mean([e.upper - e.lower for e in estimates]) < 0.02


def test_states_that_were_not_asked_are_never_drawn(drift):
    mdp, old, _ = drift
    among = np.zeros(mdp.n_states, dtype=bool)
    among[[3, 7, 11]] = True
    assert set(draw(stakes(mdp, old, among), among, 100, 0).tolist()) == {3, 7, 11}
