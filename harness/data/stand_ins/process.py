r"""A known Markov process of patients.

Every patient has latent scores z, standard normal under usual care. Shared ones (severity, pressure) and one of its own
for each column go from step to step as

    z' = ρ z + e(a) - ē + sqrt(1 - ρ²) sqrt(1 - v) ε,     ε standard normal,

with ρ the persistence, e(a) the effect of action a at what is observed, ē its mean over usual care, and v the part of
the variance that treatment makes. A column is an increasing function of a sum of scores with variance 1, so under
usual care it has the marginal distribution that was asked for, at every step. Actions are drawn from a policy that
sees the observed columns and the action before, so that nothing is confounded, and all probabilities are known. One row
does not show all scores, though: a state made of a row is nearly and not quite Markov, as it is with real data.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from harness.data.schemas import Schema
from harness.data.stand_ins.marginals import Marginal
from harness.data.table import Array, FloatArray, IntArray


@dataclass(frozen=True)
class Observed:
    """A column made of latent scores.

    Attributes
    ----------
    name : str
    marginal : Marginal
    loads : mapping of shared score to float
        Weights of the shared scores; what is left of the variance is the column's own score's.
    persistence : float
        ρ of its own score in [0, 1]; with 1 it never changes.
    decimals : int
        To which values are rounded, in the file and for policies alike.
    """

    name: str
    marginal: Marginal
    loads: Mapping[str, float] = field(default_factory=dict)
    persistence: float = 0.9
    decimals: int = 2

    @property
    def own(self) -> float:
        """Weight of its own score."""
        return math.sqrt(1.0 - sum(weight**2 for weight in self.loads.values()))


@dataclass(frozen=True)
class Flag:
    """A flag that is 1 with probability `share`, more often where the shared score `by` is high."""

    name: str
    share: float
    by: str
    slope: float = 0.3


@dataclass(frozen=True, eq=False)
class Situation:
    """What a policy sees of n patients at one step.

    Attributes
    ----------
    columns : mapping of name to array, shape (n,)
        The observed columns, treatments left out.
    previous : int array, shape (n,)
        Index of the action before; -1 at the first step.
    step : int
    """

    columns: Mapping[str, Array]
    previous: IntArray
    step: int


Policy = Callable[[Situation], Array]
"""From n situations to actions (n,) of integers, or to probabilities (n, A) of floats."""

Reward = Callable[[Mapping[str, Array], Mapping[str, Array]], FloatArray]
"""From the columns of a step and of the next, each (n,), to rewards (n,)."""


@dataclass(frozen=True, eq=False)
class Process:
    """All that is true of a stand-in.

    Attributes
    ----------
    schema : Schema
    persistence : mapping of shared score to ρ
    observed : tuple of Observed
    flags : tuple of Flag
    actions : mapping of column to array, shape (A,)
        What the action of an index writes into the treatment columns, unless `doses` draws it.
    numbered : callable
        The action of each row, from the treatment columns (rows,); -1 for a treatment that is none of them.
    usual : callable
        Usual care: probabilities (n, A) of the behaviour policy.
    centre : callable
        Weights (n, A) over which effects are centred; those of usual care if it does not depend on the action before.
    effects : callable
        From a situation to the effect of every action on each shared score it changes, (n, A).
    treatment_variance : mapping of shared score to float
        v: the part of a shared score's variance that treatment makes.
    doses : callable or None
        From actions (n,) and a generator to the treatment columns, where doses vary within an action.
    mend : callable or None
        Makes observed columns consistent (a diastolic pressure is below the mean one).
    totals : mapping of column to column
        Sums over the steps before of another column, including this step's if that is observed.
    """

    schema: Schema
    persistence: Mapping[str, float]
    observed: tuple[Observed, ...]
    flags: tuple[Flag, ...]
    actions: Mapping[str, Array]
    numbered: Callable[[Mapping[str, Array]], IntArray]
    usual: Policy
    centre: Policy
    effects: Callable[[Situation], Mapping[str, FloatArray]]
    treatment_variance: Mapping[str, float] = field(default_factory=dict)
    doses: Callable[[IntArray, np.random.Generator], Mapping[str, Array]] | None = None
    mend: Callable[[dict[str, Array]], None] | None = None
    totals: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_actions(self) -> int:
        """A."""
        return len(next(iter(self.actions.values())))

    @property
    def steps(self) -> int:
        """Steps of a patient."""
        return self.schema.steps or 1

    @cached_property
    def dynamics(self) -> tuple[FloatArray, FloatArray]:
        """Persistence of all scores, the shared first, and the standard deviation of what is new in a step."""
        rho = np.array([*self.persistence.values(), *(column.persistence for column in self.observed)])
        v = np.array([self.treatment_variance.get(name, 0.0) for name in self.persistence] + [0.0] * len(self.observed))
        return rho, np.sqrt((1 - rho**2) * (1 - v))

    @cached_property
    def loads(self) -> FloatArray:
        """Weights of all scores in the columns, (columns, scores)."""
        shared = [[column.loads.get(name, 0.0) for name in self.persistence] for column in self.observed]
        return np.hstack([np.array(shared), np.diag([column.own for column in self.observed])])


def score_of(observed: Sequence[Observed], weights: Mapping[str, float]) -> Callable[[Situation], FloatArray]:
    """A weighted sum of columns' scores with variance 1 under usual care, as a function of what is observed."""
    columns = {column.name: column for column in observed}
    shared: defaultdict[str, float] = defaultdict(float)
    for name, weight in weights.items():
        for by, load in columns[name].loads.items():
            shared[by] += weight * load
    own = sum((weight * columns[name].own) ** 2 for name, weight in weights.items())
    norm = math.sqrt(own + sum(load**2 for load in shared.values()))

    def score(situation: Situation) -> FloatArray:
        parts = [
            weight / norm * columns[name].marginal.score(situation.columns[name]) for name, weight in weights.items()
        ]
        return np.asarray(np.sum(parts, axis=0))

    return score
