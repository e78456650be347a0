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

An action that was taken more often than its p gains in this, again and again where the data go round, so without a
discount below 1 there need be no fixed point (on data of ICU-Sepsis there is none); hence one of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse
from scipy.special import wrightomega

from harness.agents.offline.empirical import (
    MAX_ITERATIONS,
    TOLERANCE,
    Empirical,
    Learned,
    empirical,
    fixed_point,
    unsettled,
)
from harness.core.errors import InvalidDataset
from harness.mdp.dataset import Dataset
from harness.mdp.linear import LinearSystem
from harness.mdp.tabular import FloatArray

NEWTON_STEPS = 100

PATIENCE = 10
"""Steps of Newton's method that may bring V no nearer, one after the other."""

SUMS_TO_ONE = 1e-12
"""How far the probabilities of a state may be from summing to one."""


class Settings(BaseModel):
    """How conservative values are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(1.0, ge=0, allow_inf_nan=False, description="α, the weight of the conservative term")
    discount: float = Field(0.99, gt=0, lt=1, description="γ in learning, where that of the data is not lower")


def learn(data: Dataset, settings: Settings | None = None) -> Learned:
    """The greedy policy of the conservative Q, and Q. With α = 0 it is fitted Q iteration with this discount.

    Raises
    ------
    InvalidDataset
        If the values do not settle.
    """
    given = settings or Settings()
    model = empirical(data)
    model = replace(model, discount=min(given.discount, model.discount))
    with np.errstate(all="ignore"):  # what overflows does not settle, which is said
        q = fixed_point(model, lambda targets: targets) if given.alpha == 0 else settled(model, given.alpha)
    return model.greedy(q), model.table(q)


def settled(model: Empirical, alpha: float) -> FloatArray:
    """Conservative action-values (n,) where repeating changes no state's value by more than `TOLERANCE` of the largest.

    Raises
    ------
    InvalidDataset
        If they do not settle in `MAX_ITERATIONS`.

    Notes
    -----
    From targets to V, repeating is a contraction by γ. In its place are steps of Newton's method for its fixed point;
    after some that bring V no nearer to what repeating makes of it, it is repeated from the nearest V until it is.
    """
    minimum = Minimum(model, alpha)
    states = model.state[model.first]
    V = np.zeros(model.n_states)
    step, nearest, waited = V, np.inf, 0
    for _ in range(MAX_ITERATIONS):
        targets = model.targets(V)
        q = minimum(targets)
        new = model.best(q)
        change = float(np.abs(new - V).max())
        if change <= TOLERANCE * max(1.0, float(np.abs(new).max())):
            return q
        nearer = change < nearest
        waited = 0 if nearer else waited + 1
        if nearer:
            nearest, step = change, new
        if waited < PATIENCE:
            V = V.copy()
            V[states] += LinearSystem(minimum.derivative(targets, q), model.discount).solve((new - V)[states])
        else:
            V = step if waited == PATIENCE else new
    raise unsettled(model)


class Minimum:
    """The Q (n,) that minimises the objective for targets (n,); each call starts from the z of the one before."""

    def __init__(self, model: Empirical, alpha: float) -> None:
        self._model, self._first = model, model.first
        self._sizes = np.diff(model.first, append=len(model.state))
        self._alpha = alpha
        self._kappa = alpha / model.share
        self._z: FloatArray | None = None

    def derivative(self, targets: FloatArray, q: FloatArray) -> sparse.csr_array:
        """How the largest value of each state changes with those that follow, shape (m, m): rows of probabilities.

        Differentiating `Q = y + α (1 - p / π)`: with `t = α p / π` and weights w that are `p / (1 + t)` made to sum to
        one, `dQ(a) = (dy(a) + t(a) Σ w dy) / (1 + t(a))`.
        """
        model = self._model
        t = targets + self._alpha - q
        w = t / self._kappa / (1.0 + t)
        w /= np.repeat(np.add.reduceat(w, self._first), self._sizes)
        greedy = model.greedy_pairs(q)
        kept = np.repeat(t[greedy] / (1.0 + t[greedy]), self._sizes) * w
        kept[greedy] += 1.0 / (1.0 + t[greedy])
        mixed = sparse.csr_array((kept, np.arange(len(kept)), np.append(self._first, len(kept))))
        return sparse.csr_array((mixed @ model.rows)[:, model.state[model.first]])

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
