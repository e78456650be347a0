"""Batch-constrained Q-learning in tables: only what the data support is considered, in acting and in backing up.

After Fujimoto, Meger and Precup (ICML 2019), whose tabular form allows the pairs that are in the batch; here a pair
must have been seen a number of times, which bounds how wrong its estimate can be (Liu, Swaminathan, Agarwal and
Brunskill, NeurIPS 2020).
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.offline.empirical import Empirical, Learned, empirical, fixed_point
from harness.mdp.dataset import Dataset
from harness.mdp.tabular import BoolArray


class Settings(BaseModel):
    """How much support an action needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    support: int = Field(10, ge=1, description="visits of a state and action from which on the action is considered")


def learn(data: Dataset, settings: Settings | None = None) -> Learned:
    """The greedy policy among the supported actions, and their Q.

    In a state where no action has the support, only the one that was taken most often is considered (the lowest of
    several).

    Raises
    ------
    InvalidDataset
        If the values do not settle (γ = 1).
    """
    model = empirical(data)
    model = model.kept(supported(model, (settings or Settings()).support))
    q = fixed_point(model, lambda targets: targets)
    return model.greedy(q), model.table(q)


def supported(model: Empirical, visits: int) -> BoolArray:
    """Which pairs (n,) have that many visits, or are the most frequent of a state without one that has."""
    enough = model.visits >= visits
    most = np.maximum.reduceat(model.visits, model.first)
    sizes = np.diff(model.first, append=len(model.state))
    first_of_most = np.zeros(len(enough), dtype=np.bool_)
    at_most = np.flatnonzero(model.visits == np.repeat(most, sizes))
    first_of_most[at_most[np.unique(model.state[at_most], return_index=True)[1]]] = True
    chosen: BoolArray = enough | (np.repeat(most < visits, sizes) & first_of_most)
    return chosen
