"""What a contextual bandit is shown of each state of a tabular task: numbers, scaled alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import FloatArray


def contexts(env: TabularEnvironment[Any, Any]) -> FloatArray:
    """The features of every state and a constant 1, shape (S, d); terminal states are all zero.

    The features are the environment's, each less its mean over the decision states and divided by its standard
    deviation there. Where there are none, one column for each decision state, which is 1 there.
    """
    live = env.mdp.decision_states
    shown = env.features
    found = np.zeros((env.mdp.n_states, len(live) if shown is None else shown.shape[1] + 1))
    if shown is None:
        found[live, np.arange(len(live))] = 1.0
        return found
    spread = shown[live].std(axis=0)
    found[live, :-1] = (shown[live] - shown[live].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found[live, -1] = 1.0
    return found
