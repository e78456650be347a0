"""What is no MDP is refused with the offending index."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from harness.core.errors import InvalidMDP
from harness.mdp.build import from_arrays


def good():
    P = np.zeros((3, 2, 3))
    P[0, 0] = [0.0, 0.5, 0.5]
    P[0, 1] = [0.2, 0.4, 0.4]
    return {"transitions": P, "rewards": np.zeros((3, 2)), "start": [1.0, 0.0, 0.0], "terminal": [False, True, True]}


def changed(**changes):
    return good() | changes


def broken_row(value):
    P = good()["transitions"].copy()
    P[0, 1] = value
    return P


def stay_in(*states):
    """Transitions under which these states are never left."""
    P = good()["transitions"].copy()
    for state in states:
        P[state] = np.eye(3)[state]
    return P


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (changed(transitions=np.zeros((3, 3))), r"shape \(3, 3\); expected \(states, actions, states\)"),
        (changed(transitions=broken_row([0.5, 0.4, 0.4])), "state 0, action 1 sum to 1.3"),
        (changed(transitions=broken_row([1.2, -0.2, 0.0])), "state 0, action 1 hold a negative"),
        (changed(transitions=broken_row([np.nan, 0.5, 0.5])), "state 0, action 1 hold a negative or missing"),
        (changed(rewards=np.zeros((2, 2))), r"Rewards have shape \(2, 2\)"),
        (
            changed(rewards=np.array([[0, np.nan], [0, 0], [0, 0]])),
            "reward of state 0, action 1 is nan; expected a number",
        ),
        (changed(start=[0.5, 0.0, 0.0]), "start distribution sums to 0.5"),
        (changed(start=[1.5, -0.5, 0.0]), "start probability of state 1 is -0.5"),
        (changed(start=[1.0, 0.0]), r"start distribution has shape \(2,\)"),
        (changed(terminal=[False, True]), r"'terminal' has shape \(2,\); expected \(3,\)"),
        (changed(start=[0.5, 0.5, 0.0]), "puts 0.5 on state 1, which is terminal"),
        (changed(discount=0.0), "discount is 0.0; expected a number above 0 and at most 1"),
        (changed(discount=1.01), "discount is 1.01"),
        (changed(discount=float("nan")), "discount is nan"),
        (changed(start=[np.nan, 1.0, 0.0]), "start probability of state 0 is nan"),
        (changed(transitions=[[[1.0], [0.5, 0.5]]]), "Transitions are not an array of numbers"),
        (changed(rewards=[["x", 0], [0, 0], [0, 0]]), "Rewards are not an array of numbers"),
        (changed(terminal=[False, False, False], transitions=stay_in(2, 1)), "From state 0 no policy reaches"),
        (changed(terminal=[False, True, False], transitions=stay_in(2)), "From state 2 no policy reaches a terminal"),
        (changed(legal=np.zeros((3, 2), dtype=bool)), "State 0 is not terminal and has no legal action"),
    ],
)
def test_each_fault_is_named(arrays, sentence):
    with pytest.raises(InvalidMDP, match=sentence):
        from_arrays(**arrays)


def test_equal_rows_are_kept_once():
    P = good()["transitions"]
    P[0, 1] = P[0, 0]
    assert from_arrays(**changed(transitions=P)).rows.shape[0] == 1


def test_equal_rows_with_different_rewards_are_kept_apart():
    P = good()["transitions"]
    P[0, 1] = P[0, 0]
    mdp = from_arrays(**changed(transitions=P, rewards=np.array([[0.0, 1.0], [0, 0], [0, 0]])))
    assert mdp.rows.shape[0] == 2
    assert mdp.reward()[0].tolist() == [0.0, 1.0]


def test_rewards_of_transitions_are_paid_when_stepping():
    R = np.zeros((3, 2, 3))
    R[:, :, 1] = 7.0
    mdp = from_arrays(**changed(rewards=R))
    assert mdp.step(0, 0, 0.25) == (1, 7.0)
    assert mdp.step(0, 0, 0.75) == (2, 0.0)
    assert mdp.reward()[0, 0] == 3.5


def test_a_state_that_never_ends_is_allowed_below_discount_one():
    arrays = changed(terminal=[False, True, False], transitions=stay_in(2), discount=0.9)
    assert from_arrays(**arrays).discount == 0.9


def test_a_state_that_one_illegal_action_would_leave_is_stranded():
    P = stay_in(2)
    P[2, 1] = [0.0, 1.0, 0.0]
    arrays = changed(terminal=[False, True, False], transitions=P)
    assert from_arrays(**arrays).n_states == 3
    with pytest.raises(InvalidMDP, match="From state 2 no policy reaches"):
        from_arrays(**arrays, legal=[[True, True], [True, True], [True, False]])


@pytest.mark.parametrize("per_transition", [True, False])
def test_sparse_and_dense_arrays_build_the_same(per_transition):
    rng = np.random.default_rng(5)
    P = rng.dirichlet(np.ones(4), size=(6, 3)) @ np.eye(6)[[0, 2, 4, 5]]
    P[1, 2] = P[1, 0]  # a row that repeats
    R = rng.normal(size=P.shape if per_transition else P.shape[:2])
    R[1, 2] = R[1, 0]
    start, terminal = np.full(6, 1 / 5) * (np.arange(6) < 5), np.arange(6) == 5
    dense = from_arrays(P, R, start, terminal=terminal)
    rewards = sparse.csr_array(R.reshape(-1, 6)) if per_transition else R
    built = from_arrays(sparse.csr_array(P.reshape(-1, 6)), rewards, start, terminal=terminal)
    assert built.rows.shape == (14, 6)  # fifteen decisions, one of them twice
    assert np.array_equal(built.row_of, dense.row_of)
    assert np.array_equal(built.rows.toarray(), dense.rows.toarray())
    assert np.allclose(built.reward(), dense.reward(), equal_nan=True)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [((7, 3), r"shape \(7, 3\); expected \(states \* actions, states\)"), ((0, 0), "expected")],
)
def test_sparse_arrays_of_the_wrong_shape_are_named(shape, sentence):
    with pytest.raises(InvalidMDP, match=sentence):
        from_arrays(sparse.csr_array(shape), np.zeros((1, 1)), [1.0], terminal=[False])
