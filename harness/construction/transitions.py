"""Logged transitions of a table, from the states, actions and rewards of its rows. None goes from patient to patient.

Where trajectories end with an outcome, each patient's last row leads to death (state K) or survival (K + 1), K being
the number of clusters. Where observation just stops, the last row has no successor and no reward and is left out; the
state K is where the MDP ends (`estimate.py`), and no transition leads there.
"""

from __future__ import annotations

import numpy as np

from harness.construction.patients import before_the_last
from harness.construction.recipe import Recipe
from harness.construction.rewards import reward
from harness.core.errors import UsageError
from harness.data.table import IntArray, Table
from harness.mdp.dataset import Dataset, checked
from harness.mdp.tabular import BoolArray

SURVIVED, DIED, STOPPED = "survived", "died", "observation stopped"


def endings(recipe: Recipe) -> tuple[str, ...]:
    """What the terminal states are, in their order after the clusters."""
    return (DIED, SURVIVED) if recipe.ends.kind == "outcome" else (STOPPED,)


def transitions(table: Table, recipe: Recipe, states: IntArray, actions: IntArray, K: int, A: int) -> Dataset:
    """The transitions of a table.

    Parameters
    ----------
    table : Table
    recipe : Recipe
    states, actions : int array, shape (rows,)
    K, A : int
        Numbers of clusters and of actions.

    Returns
    -------
    Dataset
        With the discount of the horizon, `1 - 1 / (decisions per patient)`, or 1 where there are outcomes.

    Raises
    ------
    UsageError
        If no patient has two rows, or the flag of who died changes within a patient.
    """
    now = before_the_last(table)
    if not len(now):
        raise UsageError("No patient has two rows; expected a row for every step of each patient.")
    paid = reward(recipe)
    columns = {name: table.columns[name] for name in set(recipe.reward.columns.values())}
    rewards = np.zeros(table.n_rows)
    rewards[now] = paid({n: c[now] for n, c in columns.items()}, {n: c[now + 1] for n, c in columns.items()})
    _check(table, rewards, now)
    following = np.append(states[1:], 0)
    ended = np.zeros(table.n_rows, dtype=np.bool_)
    discount, kept = 1.0, np.arange(table.n_rows)
    if recipe.ends.column is not None:
        last = table.patients[1:] - 1
        died = _died(table, recipe.ends.column)[last]
        following[last] = np.where(died, K, K + 1)
        ended[last] = True
        if recipe.reward.kind == "outcome":
            rewards[last] = ~died
        elif recipe.reward.kind == "column":
            rewards[last] = table.columns[recipe.reward.columns["reward"]][last]
    else:
        kept = now
        discount = 1.0 - (len(np.flatnonzero(np.diff(table.patients) > 1)) / len(now))
    patient = table.patient_of
    return checked(
        episode=np.unique(patient[kept], return_inverse=True)[1],
        step=(np.arange(table.n_rows) - table.patients[patient])[kept],
        state=states[kept],
        action=actions[kept],
        reward=rewards[kept],
        next_state=following[kept],
        terminated=ended[kept],
        n_states=K + len(endings(recipe)),
        n_actions=A,
        discount=discount,
    )


def _died(table: Table, column: str) -> BoolArray:
    died: BoolArray = table.levels(column) == 1
    changed = np.flatnonzero((died[1:] != died[:-1]) & (np.diff(table.patient_of) == 0))
    if len(changed):
        who = table.columns[table.schema.patient][changed[0]]
        raise UsageError(f"Column '{column}' changes within patient {who}; expected who died to be said in all rows.")
    return died


def _check(table: Table, rewards: np.ndarray, now: IntArray) -> None:
    bad = now[~np.isfinite(rewards[now])]
    if len(bad):
        who, when = (table.columns[name][bad[0]] for name in (table.schema.patient, table.schema.time))
        raise UsageError(
            f"The reward of patient {who} at time {when} is no number, for a value that it needs is missing; leave the "
            "patient out, or fill the value in."
        )
