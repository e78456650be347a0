"""Thompson sampling with linear payoffs (Agrawal and Goyal, ICML 2013), a model for each action."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from harness.agents.bandits.contextual import Settings, best
from harness.agents.bandits.linear import LinearModels
from harness.mdp.tabular import BoolArray, FloatArray


class Thompson(Settings):
    """What linear Thompson sampling is told.

    Their proof wants `v = R sqrt(9 d log(t / δ))` with R the sub-Gaussian width of the outcome, 1/2 where it is 0 or 1;
    as is usual v is a setting, R if not given.
    """

    v: float = Field(0.5, ge=0, allow_inf_nan=False, description="spread of the draws, in units of the return")
    draws: int = Field(32, ge=1, description="draws whose best actions make up the policy of a round")

    def tried(self, models: LinearModels, legal: BoolArray, random: np.random.Generator) -> FloatArray:
        """The policy of the next patients, shape (S, A): how often each action is the best of drawn coefficients."""
        scores = models.drawn(self.v, self.draws, random)
        policy: FloatArray = np.mean([best(drawn, legal) for drawn in scores], axis=0)
        return policy
