"""Fitted Q iteration (Ernst, Geurts and Wehenkel, JMLR 2005;6:503) in tables.

The regression of the targets on a table is their mean, so each round is one step of value iteration on the empirical
model: `Q(s, a) <- r(s, a) + γ Σ P(s'|s, a) max Q(s', a')`, the maximum over the actions that were seen in s'.
Nothing says how well an action that was seen once is known: this is the learner that the others are to improve on.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.agents.offline.empirical import Learned, empirical, fixed_point
from harness.mdp.dataset import Dataset


class Settings(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def learn(data: Dataset, settings: Settings | None = None) -> Learned:
    """The greedy policy of the fitted Q, and Q.

    Raises
    ------
    InvalidDataset
        If the values do not settle (γ = 1).
    """
    model = empirical(data)
    q = fixed_point(model, lambda targets: targets)
    return model.greedy(q), model.table(q)
