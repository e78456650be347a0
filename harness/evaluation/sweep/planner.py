"""What a quick planner reaches on the same data: the mark that the offline learners are held against.

Plain value iteration on arrays (S, A), written without the learners' code: a fixed number of sweeps, no tolerance.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.offline.empirical import Learned
from harness.agents.offline.learners import Learner
from harness.mdp.dataset import Dataset, counts
from harness.mdp.tabular import BoolArray, FloatArray

SWEEPS = 500
"""Many times the length of an episode."""


class Support(BaseModel):
    """How much support an action needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    support: int = Field(10, ge=1, description="visits from which on an action is considered")


class Penalty(BaseModel):
    """How pessimistic values are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beta: float = Field(0.1, ge=0, description="β of the penalty β / sqrt(visits)")


def support_constrained(data: Dataset, settings: Support) -> Learned:
    """Plan with the actions seen so often, or else the most frequent one."""
    visits = counts(data).visits
    allowed = visits >= settings.support
    bare = ~allowed.any(axis=1)
    allowed[bare, visits[bare].argmax(axis=1)] = True
    return _planned(data, np.zeros(visits.shape), allowed), None


def pessimistic(data: Dataset, settings: Penalty) -> Learned:
    """Plan with rewards lowered by the penalty; values may fall below any return."""
    visits = counts(data).visits
    return _planned(data, settings.beta / np.sqrt(np.maximum(visits, 1)), visits > 0), None


def _planned(data: Dataset, penalty: FloatArray, allowed: BoolArray) -> FloatArray:
    seen = counts(data)
    n = np.maximum(seen.visits, 1)
    reward = seen.reward / n - penalty
    known = seen.visits.any(axis=1)
    V = np.zeros(data.n_states)
    for _ in range(SWEEPS):
        following = (seen.transitions @ V).reshape(n.shape) / n
        Q = np.where(allowed, reward + data.discount * following, -np.inf)
        V = np.where(known, Q.max(axis=1), 0.0)
    policy = np.full(n.shape, 1.0 / data.n_actions)
    policy[known] = 0.0
    policy[known, Q[known].argmax(axis=1)] = 1.0
    return policy


PLANNERS = {
    "support-planner": Learner(Support, support_constrained),
    "pessimistic-planner": Learner(Penalty, pessimistic),
}
