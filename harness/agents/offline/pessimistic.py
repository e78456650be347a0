"""Pessimistic value iteration (Jin, Yang and Wang, ICML 2021): every value is lowered by how uncertain it is.

The penalty is `β / sqrt(n(s, a))`, the tabular form of theirs (a lower confidence bound by Hoeffding's inequality),
with β as a setting instead of the constant that their proof needs. Their truncation keeps the bound within what a value
can be: the penalty takes no value below the least return that followed any decision in the data.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.offline.empirical import Learned, empirical, fixed_point
from harness.mdp.dataset import Dataset


class Settings(BaseModel):
    """How pessimistic values are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beta: float = Field(0.1, ge=0, allow_inf_nan=False, description="β of the penalty β / sqrt(visits)")


def learn(data: Dataset, settings: Settings | None = None) -> Learned:
    """The greedy policy of the lowered values, and those values.

    Raises
    ------
    InvalidDataset
        If the values do not settle (γ = 1).
    """
    model = empirical(data)
    penalty = (settings or Settings()).beta / np.sqrt(model.visits)
    least = data.to_come.min()
    q = fixed_point(model, lambda targets: np.maximum(targets - penalty, np.minimum(targets, least)))
    return model.greedy(q), model.table(q)
