"""Where the difference between two policies comes from, state by state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.tabular import FloatArray


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The difference between two policies, state by state.

    Attributes
    ----------
    env : TabularEnvironment
    base, other : float array, shape (S, A)
    visits : float array, shape (S,)
        Expected visits under `other`.
    worth : float array, shape (S,)
        `visits * (Q_base(s, other) - V_base(s))`; these add up to the difference of the two policies' values, and are
        exactly zero where both do the same.
    """

    env: TabularEnvironment[Any, Any]
    base: FloatArray
    other: FloatArray
    visits: FloatArray
    worth: FloatArray


def decomposition(env: TabularEnvironment[Any, Any], base: FloatArray, other: FloatArray) -> Decomposition:
    """What every state contributes to the difference (performance-difference identity, Kakade and Langford 2002).

    Raises
    ------
    InvalidPolicy
        If one is no policy, or (γ = 1) never ends.
    """
    Q = np.nan_to_num(action_values(env.mdp, evaluate(env.mdp, base).V))
    visits = evaluate(env.mdp, other).occupancy
    return Decomposition(env, base, other, visits, visits * ((other - base) * Q).sum(axis=1))
