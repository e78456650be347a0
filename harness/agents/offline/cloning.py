"""Behaviour cloning: the policy that is seen in the data.

In tables the maximum-likelihood clone of a state is the share of each action among the state's visits (Pomerleau,
Neural Computation 1991;3:88, for networks). Smoothing adds the same to every count (Lidstone).
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.offline.empirical import Learned
from harness.mdp.dataset import Dataset, counts


class Settings(BaseModel):
    """How behaviour is cloned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothing: float = Field(0.0, ge=0, allow_inf_nan=False, description="added to the count of every action")


def learn(data: Dataset, settings: Settings | None = None) -> Learned:
    """`π(a|s) = (n(s, a) + λ) / (n(s) + λ A)`; where n(s) and λ are 0, every action is as likely. No action-values."""
    smoothing = (settings or Settings()).smoothing
    visits = counts(data).visits + smoothing
    total = visits.sum(axis=1, keepdims=True)
    return np.where(total > 0, visits / np.where(total > 0, total, 1.0), 1.0 / data.n_actions), None
