"""LinUCB with disjoint linear models (Li, Chu, Langford and Schapire, WWW 2010, algorithm 1)."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from harness.agents.bandits.contextual import Settings, best
from harness.agents.bandits.linear import LinearModels
from harness.mdp.tabular import BoolArray, FloatArray


class LinUCB(Settings):
    """What LinUCB is told."""

    alpha: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="α: widths added to the mean, in units of the return"
    )

    def tried(self, models: LinearModels, legal: BoolArray, random: np.random.Generator) -> FloatArray:
        """The policy of the next patients, shape (S, A): the largest `x θ + α sqrt(xᵀ A⁻¹ x)`, evenly among several."""
        return best(models.mean() + self.alpha * models.width(), legal)
