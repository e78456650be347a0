"""Policies as tables: (S, A) arrays of action probabilities, made and checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.core.errors import InvalidPolicy
from harness.mdp.tabular import BoolArray, FloatArray, TabularMDP


def deterministic(mdp: TabularMDP, actions: ArrayLike) -> FloatArray:
    """One action per state as a policy table, shape (S, A)."""
    chosen = np.asarray(actions, dtype=np.int64)
    if chosen.shape != (mdp.n_states,):
        raise InvalidPolicy(f"Actions have shape {chosen.shape}; expected ({mdp.n_states},).")
    bad = np.flatnonzero((chosen < 0) | (chosen >= mdp.n_actions))
    if bad.size:
        raise InvalidPolicy(f"The action of state {bad[0]} is {chosen[bad[0]]}; expected 0 to {mdp.n_actions - 1}.")
    policy = np.zeros((mdp.n_states, mdp.n_actions))
    policy[np.arange(mdp.n_states), chosen] = 1.0
    return policy


def uniform(mask: BoolArray) -> FloatArray:
    """Equal probability for every action where `mask` (S, A) is true."""
    counts = mask.sum(axis=1, keepdims=True)
    return np.where(mask, 1.0 / np.maximum(counts, 1), 0.0)


def check_policy(mdp: TabularMDP, policy: ArrayLike) -> FloatArray:
    """The policy as a float array, or one sentence about what is wrong with it.

    Raises
    ------
    InvalidPolicy
        If the shape is not (S, A), a probability is negative or NaN, a decision state's row does not sum to one,
        or an illegal action has positive probability.
    """
    table = np.asarray(policy, dtype=np.float64)
    if table.shape != (mdp.n_states, mdp.n_actions):
        raise InvalidPolicy(f"The policy has shape {table.shape}; expected {(mdp.n_states, mdp.n_actions)}.")
    live = mdp.decision_states
    bad = live[~np.all(table[live] >= 0, axis=1)]
    if bad.size:
        raise InvalidPolicy(f"The policy of state {bad[0]} holds a negative or missing probability.")
    sums = table[live].sum(axis=1)
    bad = live[np.abs(sums - 1.0) > 1e-8]
    if bad.size:
        raise InvalidPolicy(f"The policy of state {bad[0]} sums to {table[bad[0]].sum():.10g}; expected 1.")
    bad = live[np.any((table[live] > 0) & ~mdp.legal[live], axis=1)]
    if bad.size:
        state = int(bad[0])
        action = int(np.flatnonzero((table[state] > 0) & ~mdp.legal[state])[0])
        raise InvalidPolicy(f"The policy takes action {action} in state {state}, where it is not legal.")
    return table
