"""Conservative Q-learning (Kumar, Zhou, Tucker and Levine, NeurIPS 2020), the variant CQL(H), in tables.

Given the targets `y(s, a) = r(s, a) + γ Σ P(s'|s, a) max Q(s', a')` of the empirical model, the new Q minimises

    Σ_s n(s) { α [ log Σ_a exp Q(s, a) - Σ_a π(a|s) Q(s, a) ] + 1/2 Σ_a π(a|s) [ Q(s, a) - y(s, a) ]² }

with π(a|s) = n(s, a) / n(s): the mean over the data of `α (logsumexp Q - Q(a)) + 1/2 TD²`. This is repeated to a fixed
point; nothing is a gradient step. An action that was never taken in a state has no error to hold its Q up: in the
minimum it is minus infinity, so the sum over all actions is that over the actions seen.

Each minimum is exact. Where the gradient is zero, `Q = y + α (1 - p / π)` with p the softmax of Q (their equation for
the penalty, 1 - μ / π). With z = logsumexp Q this is, for each action, `ω(y + α - z + log κ) = p κ` with κ = α / π and
ω Wright's function (ω + log ω = its argument), so what is left is one number z for each state at which the p sum to 1.
That sum is convex and falling in z, and Newton's method finds it.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import wrightomega

from harness.agents.offline.empirical import Empirical, Learned, empirical, fixed_point
from harness.core.errors import InvalidDataset
from harness.mdp.dataset import Dataset
from harness.mdp.tabular import FloatArray

NEWTON_STEPS = 100

SUMS_TO_ONE = 1e-12
"""How far the probabilities of a state may be from summing to one."""


class Settings(BaseModel):
    """How conservative values are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(1.0, ge=0, allow_inf_nan=False, description="α, the weight of the conservative term")


def learn(data: Dataset, settings: Settings | None = None) -> Learned:
    """The greedy policy of the conservative Q, and Q. With α = 0 it is fitted Q iteration.

    Raises
    ------
    InvalidDataset
        If the values do not settle.
    """
    model = empirical(data)
    alpha = (settings or Settings()).alpha
    q = fixed_point(model, lambda targets: targets) if alpha == 0 else fixed_point(model, Minimum(model, alpha))
    return model.greedy(q), model.table(q)


class Minimum:
    """The Q (n,) that minimises the objective for targets (n,); each call starts from the z of the one before."""

    def __init__(self, model: Empirical, alpha: float) -> None:
        self._first = model.first
        self._sizes = np.diff(model.first, append=len(model.state))
        self._alpha = alpha
        self._kappa = alpha / model.share
        self._z: FloatArray | None = None

    def __call__(self, targets: FloatArray) -> FloatArray:
        """Q, shape (n,)."""
        top = targets + self._alpha  # Q = top - κ p
        # some p is 1 or more at `least`, so z is not below it, and Newton's method rises to z from there
        least = np.maximum.reduceat(top - self._kappa, self._first)
        z = least if self._z is None else np.maximum(self._z, least)
        for _ in range(NEWTON_STEPS):
            omega = wrightomega(top - np.repeat(z, self._sizes) + np.log(self._kappa))
            excess = np.add.reduceat(omega / self._kappa, self._first) - 1.0
            if np.abs(excess).max() <= SUMS_TO_ONE:
                self._z = z
                found: FloatArray = top - omega
                return found
            slope = np.add.reduceat(omega / (1.0 + omega) / self._kappa, self._first)
            z = np.maximum(z + excess / slope, least)
        raise InvalidDataset(
            f"The conservative values of a state were not found in {NEWTON_STEPS} steps; α = {self._alpha:g} does not "
            "fit rewards of this size."
        )
