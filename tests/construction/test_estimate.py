"""From counts to an MDP: the threshold, the mean of admissible rows, ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.construction.estimate import estimate, supported
from harness.mdp.dataset import checked
from harness.mdp.evaluate import evaluate


def logged(rows, n_states=4, n_actions=3, discount=1.0, terminated=()):
    """Transitions (state, action, reward, next state), each an episode of its own."""
    state, action, paid, following = map(list, zip(*rows, strict=True))
    return checked(
        episode=range(len(rows)), step=[0] * len(rows), state=state, action=action, reward=paid, next_state=following,
        terminated=[s in terminated for s in following], n_states=n_states, n_actions=n_actions, discount=discount,
    )  # fmt: skip


def dense(mdp):
    """(S, A, S), zero in terminal states."""
    rows = mdp.rows.toarray()[mdp.row_of]
    rows[mdp.terminal] = 0.0
    return rows


TERMINAL = np.array([False, False, False, True])


def test_inadmissible_actions_do_as_the_admissible_ones_on_average_each_counting_the_same():
    rows = [(0, 0, 1.0, 3)] * 4 + [(0, 1, 0.0, 1)] * 2 + [(0, 2, 9.0, 2)] + [(1, 0, 0.0, 3)] * 2 + [(2, 0, 0.0, 3)] * 2
    found = estimate(logged(rows, terminated=(3,)), TERMINAL, visits=2)
    assert found.mdp.admissible.tolist() == [[True, True, False], [True] + [False] * 2, [True] + [False] * 2,
                                             [False] * 3]  # fmt: skip
    assert dense(found.mdp)[0].tolist() == [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0.5, 0, 0.5]]
    assert found.mdp.reward()[0].tolist() == [1.0, 0.0, 0.5]
    assert found.mdp.start == pytest.approx(np.array([7, 2, 2, 0]) / 11)  # as often as episodes began there
    assert found.behaviour[0] == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_where_no_action_has_the_visits_the_most_frequent_is_admissible():
    assert supported(np.array([[1, 2, 2], [0, 0, 0], [5, 0, 4]]), 4).tolist() == [
        [False, True, False],
        [False] * 3,
        [True, False, True],
    ]


def test_a_state_in_which_nothing_was_decided_does_as_all_states_on_average():
    rows = [(0, 0, 1.0, 3)] * 3 + [(1, 0, 2.0, 2)]
    found = estimate(logged(rows, terminated=(3,)), TERMINAL, visits=1)
    assert dense(found.mdp)[2].tolist() == [[0, 0, 0.25, 0.75]] * 3
    assert found.mdp.reward()[2].tolist() == [1.25] * 3


def test_a_state_without_support_moves_on_as_all_who_were_in_it_whatever_is_done():
    rows = [(0, 0, 1.0, 0), (0, 0, 1.0, 1), (0, 1, 4.0, 3)] + [(1, 0, 0.0, 3)] * 5
    found = estimate(logged(rows, terminated=(3,)), TERMINAL, visits=5)
    assert dense(found.mdp)[0] == pytest.approx(np.tile([1 / 3, 1 / 3, 0, 1 / 3], (3, 1)))
    assert found.mdp.reward()[0].tolist() == [2.0] * 3
    assert found.mdp.admissible[0].tolist() == [True, False, False]


def test_a_state_that_its_admissible_action_never_leaves_moves_on_as_all_who_were_in_it():
    rows = [(0, 0, 0.0, 0)] * 6 + [(0, 1, 0.0, 3)] * 2 + [(1, 0, 0.0, 0), (2, 0, 0.0, 3)]
    found = estimate(logged(rows, terminated=(3,)), TERMINAL, visits=5)
    assert dense(found.mdp)[0] == pytest.approx(np.tile([0.75, 0, 0, 0.25], (3, 1)))
    assert found.mdp.always_ends


def test_where_observation_stops_the_value_is_the_discounted_one():
    rows = [(0, 0, 1.0, 1), (1, 0, 0.0, 0), (2, 0, 0.0, 2)]
    found = estimate(logged(rows, n_actions=1, discount=0.9), TERMINAL, visits=1)
    value = evaluate(found.mdp, np.ones((4, 1)))
    assert value.V[0] == pytest.approx(1 / (1 - 0.81))
    assert value.length == pytest.approx(10)
    assert dense(found.mdp)[:3, 0, 3] == pytest.approx([0.1] * 3)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.floats(-5, 5), st.integers(0, 2)), min_size=1, max_size=60
    ),
    visits=st.integers(1, 4),
)
def test_rows_sum_to_one_and_admissible_is_what_has_the_visits(rows, visits):
    data = logged(rows, discount=0.95)
    found = estimate(data, TERMINAL, visits)
    assert dense(found.mdp)[:3].sum(axis=2) == pytest.approx(np.ones((3, 3)))
    enough = found.visits[:3] >= visits
    assert (found.mdp.admissible[:3] >= enough).all()
    alone = enough.any(axis=1)
    assert (found.mdp.admissible[:3][alone] == enough[alone]).all()
    assert found.visits.sum() == len(rows)
    lowest, highest = min(r for _, _, r, _ in rows), max(r for _, _, r, _ in rows)
    paid = found.mdp.reward()[:3]
    assert lowest - 1e-9 <= paid.min() <= paid.max() <= highest + 1e-9
