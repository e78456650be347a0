"""The offline learners by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from harness.agents.offline import batch_constrained, cloning, conservative, fitted_q, pessimistic
from harness.agents.offline.empirical import Learned
from harness.core.errors import unknown_name
from harness.mdp.dataset import Dataset
from harness.mdp.policy import uniform
from harness.mdp.tabular import BoolArray, FloatArray


@dataclass(frozen=True)
class Learner:
    """A learner: its settings, and the function of a dataset and these."""

    settings: type[BaseModel]
    learn: Callable[[Dataset, Any], Learned]


LEARNERS = {
    "behaviour-cloning": Learner(cloning.Settings, cloning.learn),
    "fitted-q": Learner(fitted_q.Settings, fitted_q.learn),
    "batch-constrained-q": Learner(batch_constrained.Settings, batch_constrained.learn),
    "conservative-q": Learner(conservative.Settings, conservative.learn),
    "pessimistic-vi": Learner(pessimistic.Settings, pessimistic.learn),
}


def learner(name: str) -> Learner:
    """The learner of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in LEARNERS:
        raise unknown_name("offline learner", name, LEARNERS)
    return LEARNERS[name]


def within_legal(policy: FloatArray, legal: BoolArray) -> FloatArray:
    """The policy (S, A) kept to the legal actions; where it takes none of them, every legal one is as likely.

    Data hold legal actions alone, but smoothing, and a state that is not in the data, know nothing of legality.
    """
    kept = policy * legal
    total = kept.sum(axis=1, keepdims=True)
    return np.where(total > 0, kept / np.where(total > 0, total, 1.0), uniform(legal))
