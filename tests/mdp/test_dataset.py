"""Logged transitions: what is refused, in one sentence that names the row, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import InvalidDataset
from harness.mdp.dataset import checked, counts

GOOD = {
    "episode": [0, 0, 0, 1, 1],
    "step": [0, 1, 2, 0, 1],
    "state": [0, 1, 0, 1, 1],
    "action": [0, 1, 1, 1, 0],
    "reward": [0.0, -1.0, 2.0, 0.5, 0.0],
    "next_state": [1, 0, 2, 1, 0],
    "terminated": [False, False, True, False, False],
    "propensity": [0.5, 1.0, np.nan, 0.25, 1.0],
}


def data(**changed):
    sizes = {"n_states": 3, "n_actions": 2, "discount": 0.5}
    return checked(**{**GOOD, **sizes, **changed})


def put(column, row, value):
    values = list(GOOD[column])
    values[row] = value
    return {column: values}


def test_episodes_and_their_returns():
    logged = data()
    assert (len(logged), logged.n_episodes) == (5, 2)
    assert logged.first.tolist() == [0, 3]
    assert logged.returns.tolist() == [-0.5 + 2.0 / 4, 0.5]
    assert logged.to_come.tolist() == [-0.5 + 2.0 / 4, 0.0, 2.0, 0.5, 0.0]
    assert logged.action.dtype == np.int64
    assert logged.terminated.dtype == np.bool_


def test_propensities_are_unknown_if_not_given():
    assert np.isnan(data(propensity=None).propensity).all()


def test_counts_add_up():
    counted = counts(data())
    assert counted.visits.tolist() == [[1, 1], [1, 2], [0, 0]]
    assert counted.reward.tolist() == [[0.0, 2.0], [0.0, -0.5], [0.0, 0.0]]
    assert counted.start.tolist() == [1, 1, 0]
    assert counted.terminal.tolist() == [False, False, True]
    dense = counted.transitions.toarray().reshape(3, 2, 3)
    assert dense.sum(axis=2).tolist() == counted.visits.tolist()
    assert dense[1, 1].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (put("action", 3, 2), "Row 3, column 'action' is 2; expected 0 to 1."),
        (put("action", 1, -1), "Row 1, column 'action' is -1; expected 0 to 1."),
        (put("action", 1, 0.5), "Row 1, column 'action' is 0.5; expected a whole number."),
        (put("state", 0, 3), "Row 0, column 'state' is 3; expected 0 to 2."),
        (put("next_state", 4, 7), "Row 4, column 'next_state' is 7; expected 0 to 2."),
        (put("next_state", 0, 0), "Row 0, column 'next_state' is 0; expected the state of the next row"),
        (put("next_state", 4, np.nan), "Row 4, column 'next_state' is nan; expected a whole number."),
        (put("reward", 2, np.nan), "Row 2, column 'reward' is nan; expected a finite number."),
        (put("reward", 2, np.inf), "Row 2, column 'reward' is inf"),
        (put("propensity", 1, 0.0), "Row 1, column 'propensity' is 0.0; expected a probability above 0"),
        (put("propensity", 1, 1.5), "Row 1, column 'propensity' is 1.5"),
        (put("terminated", 0, True), "Row 0, column 'terminated' is True; expected false"),
        (put("terminated", 0, 2), "Row 0, column 'terminated' is 2; expected true or false"),
        (put("terminated", 4, True), "Row 0, column 'state' is 0; expected a state that is not terminal"),
        (put("episode", 3, 2), "Row 3, column 'episode' is 2; expected episodes numbered 0, 1, 2"),
        (put("episode", 0, 1), "Row 0, column 'episode' is 1"),
        ({"step": [0, 2, 1, 0, 1]}, r"Row 1, column 'step' is 2; expected steps .* in time order \(and 1 more rows\)"),
        ({"step": [1, 2, 3, 0, 1]}, "Row 0, column 'step' is 1"),
        ({"reward": [0.0]}, "The column 'reward' has 1 rows and 'state' has 5"),
        ({"reward": ["a"] * 5}, "The column 'reward' is no list of numbers"),
        ({"reward": [[0.0], [0.0, 1.0]]}, "The column 'reward' is no list of numbers"),
        ({name: [] for name in GOOD}, "The data hold no transition"),
        ({"discount": 0.0}, "the discount 0.0"),
        ({"discount": 1.5}, "the discount 1.5"),
    ],
)
def test_wrong_data_get_one_sentence(changed, said):
    with pytest.raises(InvalidDataset, match=said):
        data(**changed)
