"""Gymnasium's toy-text tables: their optima against a value iteration that shares no code with ours."""

from __future__ import annotations

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

from harness.core.errors import InvalidMDP, UsageError
from harness.mdp.solve import solve
from harness.mdp.toy_text import from_toy_text


def value_by_loops(env, discount):
    """Value iteration on the table itself, `done` deciding whether a transition has a future."""
    table, start = env.unwrapped.P, env.unwrapped.initial_state_distrib
    V = np.zeros(len(start))
    for _ in range(3_000):
        new = np.array(
            [
                max(sum(p * (r + discount * V[n] * (not done)) for p, n, r, done in listed) for listed in row.values())
                for _, row in sorted(table.items())
            ]
        )
        if np.abs(new - V).max() < 1e-12:
            break
        V = new
    return V, float(start @ V)


@pytest.mark.parametrize("name", ["FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "Taxi-v4"])
def test_the_optimum_is_that_of_the_table(name):
    discount = 0.9 if name == "Taxi-v4" else 0.99
    env = gymnasium.make(name)
    mdp = from_toy_text(env, discount=discount)
    V, J = value_by_loops(env, discount)
    ours = solve(mdp)
    live = [s for s in mdp.decision_states if s < len(V)]
    assert pytest.approx(J, abs=1e-9) == ours.J
    assert np.abs(ours.V[live] - V[live]).max() < 1e-9


def test_known_undiscounted_optima():
    assert pytest.approx(14 / 17) == solve(from_toy_text(gymnasium.make("FrozenLake-v1"), discount=1.0)).J
    assert pytest.approx(-13.0) == solve(from_toy_text(gymnasium.make("CliffWalking-v1"), discount=1.0)).J


def test_taxi_needs_an_end_of_its_own_and_the_lake_does_not():
    assert from_toy_text(gymnasium.make("Taxi-v4")).n_states == 501
    assert from_toy_text(gymnasium.make("FrozenLake-v1")).n_states == 16


def toy(table, start):
    return SimpleNamespace(unwrapped=SimpleNamespace(P=table, initial_state_distrib=start), spec=None)


def test_equal_successors_are_added_and_their_rewards_averaged():
    table = {0: {0: [(0.25, 1, 4.0, True), (0.25, 1, 0.0, True), (0.5, 0, 1.0, False)]}, 1: {0: [(1.0, 1, 0.0, True)]}}
    mdp = from_toy_text(toy(table, [1.0, 0.0]))
    assert mdp.rows.toarray().tolist() == [[0.5, 0.5]]
    assert mdp.row_rewards.toarray().tolist() == [[1.0, 2.0]]
    assert mdp.terminal.tolist() == [False, True]


def test_a_state_entered_both_ways_stays_usable():
    table = {0: {0: [(0.5, 1, 1.0, True), (0.5, 1, 0.0, False)]}, 1: {0: [(1.0, 0, 5.0, True)]}}
    mdp = from_toy_text(toy(table, [1.0, 0.0]), discount=0.5)
    assert mdp.terminal.tolist() == [False, False, True]
    assert solve(mdp).V.tolist() == pytest.approx([0.5 + 0.25 * 5.0, 5.0, 0.0])


def test_an_action_that_a_state_does_not_list_is_illegal():
    table = {0: {0: [(1.0, 1, 1.0, True)]}, 1: {0: [(1.0, 1, 0.0, True)], 1: [(1.0, 1, 0.0, True)]}}
    assert from_toy_text(toy(table, [1.0, 0.0])).legal[0].tolist() == [True, False]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({0: {0: [(1.0, 7, 0.0, True)]}}, r"P\[0\]\[0\] holds probability 1 of state 7; expected .* from 0 to 1"),
        ({0: {0: [(-1.0, 1, 0.0, True)]}}, r"P\[0\]\[0\] holds probability -1"),
        ({0: {0: [(1.0, 1)]}}, r"P\[0\]\[0\] holds \(1.0, 1\); expected \(probability"),
        ({5: {0: [(1.0, 1, 0.0, True)]}}, "P has a state 5; expected 0 to 1"),
        ({0: {0: [(0.5, 1, 0.0, True)]}}, "state 0, action 0 sum to 0.5"),
    ],
)
def test_each_fault_is_named(table, sentence):
    with pytest.raises(InvalidMDP, match=sentence):
        from_toy_text(toy(table, [1.0, 0.0]))


def test_an_environment_without_a_table_is_named():
    with pytest.raises(UsageError, match=r"Blackjack-v1 has no table of transitions .* FrozenLake-v1"):
        from_toy_text(gymnasium.make("Blackjack-v1"))
