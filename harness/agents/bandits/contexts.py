"""What a contextual bandit is shown of each state of a tabular task: numbers, scaled alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.envs.icu_sepsis.data import parameters
from harness.envs.ids import short_name
from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import FloatArray


def contexts(env: TabularEnvironment[Any, Any]) -> FloatArray:
    """The features of every state and a constant 1, shape (S, d); terminal states are all zero.

    The 47 features of ICU-Sepsis (`harness.envs.icu_sepsis.features`), or those of a user's own MDP if all are numbers
    and known in every state; each less its mean over the decision states and divided by its standard deviation there.
    Where there are none, one column for each decision state, which is 1 there.
    """
    live = env.mdp.decision_states
    shown = parameters().state_cluster_centers if short_name(env.spec.id) == "icu-sepsis" else _named(env)
    found = np.zeros((env.mdp.n_states, len(live) if shown is None else shown.shape[1] + 1))
    if shown is None:
        found[live, np.arange(len(live))] = 1.0
        return found
    spread = shown[live].std(axis=0)
    found[live, :-1] = (shown[live] - shown[live].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found[live, -1] = 1.0
    return found


def _named(env: TabularEnvironment[Any, Any]) -> FloatArray | None:
    """The numbers that observations name, shape (S, features); None if there are none, or one is not known."""
    live = env.mdp.decision_states
    rows = [getattr(env.observe(int(state)), "features", None) for state in live]
    if not rows or not rows[0] or any(not row or row.keys() != rows[0].keys() for row in rows):
        return None
    values = [[row[name] for name in rows[0]] for row in rows]
    if any(isinstance(value, str) for row in values for value in row):
        return None
    found = np.zeros((env.mdp.n_states, len(rows[0])))
    found[live] = values
    return found
