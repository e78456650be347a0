"""Policies tied across states that look alike: against the optimum, and against trying them all."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import InvalidMDP
from harness.mdp.build import from_arrays
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.mdp.solve import solve
from harness.mdp.tied import best_tied

S, A = 7, 3  # six states and an end
SEEN = np.array([0, 0, 1, 1, 2, 2, 9])


def random_mdp(seed, legal=None):
    rng = np.random.default_rng(seed)
    P = 0.95 * rng.dirichlet(np.full(S, 0.3), size=(S, A))
    P[:, :, -1] += 0.05
    start = np.append(rng.dirichlet(np.ones(S - 1)), 0.0)
    end = np.arange(S) == S - 1
    return from_arrays(P, rng.normal(size=(S, A)), start, terminal=end, discount=0.95, legal=legal)


def value(mdp, by_sight):
    return evaluate(mdp, deterministic(mdp, np.append(np.repeat(by_sight, 2), 0))).J


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_it_is_tied_its_value_is_exact_and_no_change_at_one_sight_improves_it(seed):
    mdp = random_mdp(seed)
    found = best_tied(mdp, SEEN)
    by_sight = found.actions[[0, 2, 4]]
    assert np.array_equal(found.actions[:-1], np.repeat(by_sight, 2))
    assert pytest.approx(value(mdp, by_sight), abs=1e-9) == found.J
    assert pytest.approx(found.J, abs=1e-9) == mdp.start @ found.V
    for sight, action in product(range(3), range(A)):
        other = by_sight.copy()
        other[sight] = action
        assert value(mdp, other) <= found.J + 1e-9
    assert found.J <= solve(mdp).J + 1e-9


def test_it_is_the_best_of_all_in_nearly_every_small_problem():
    missed = 0
    for seed in range(40):
        mdp = random_mdp(seed)
        best = max(value(mdp, np.array(actions)) for actions in product(range(A), repeat=3))
        missed += best - 1e-9 > best_tied(mdp, SEEN).J
    assert missed <= 2


def test_where_everything_is_seen_it_is_the_optimum():
    mdp = random_mdp(3)
    assert pytest.approx(solve(mdp).J, abs=1e-9) == best_tied(mdp, np.arange(S)).J


def test_only_what_is_legal_in_all_states_of_a_sight_is_done():
    free = random_mdp(5)
    taken = best_tied(free, SEEN).actions[2]
    legal = np.ones((S, A), dtype=bool)
    legal[3, taken] = False
    found = best_tied(random_mdp(5, legal), SEEN)
    assert found.actions[2] == found.actions[3] != taken


def test_a_sight_without_a_common_action_is_named():
    mdp = random_mdp(5)
    row_of = mdp.row_of.copy()
    row_of[2, :2] = row_of[3, 2] = -1
    with pytest.raises(InvalidMDP, match="No action is legal in all the states that look like state 2"):
        best_tied(replace(mdp, row_of=row_of), SEEN)
