"""Importance weights: how much likelier an episode's decisions are under one policy than under another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.agents.offline import cloning
from harness.core.errors import InvalidDataset, InvalidPolicy
from harness.evaluation.intervals import student_t
from harness.mdp.dataset import Dataset
from harness.mdp.tabular import FloatArray, IntArray

SURELY = 0.999
"""Confidence at which a mean weight is said not to be 1."""

LARGEST = 300.0
"""Logarithms of weights are cut to this, so that squares of weights stay finite; none met in practice is near it."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Products of the ratios `π(a|s) / μ(a|s)` of the policy's and the behaviour policy's probabilities.

    Attributes
    ----------
    step : float array, shape (N,)
        ρ_t, the product up to and with the transition's own decision.
    episode : float array, shape (n,)
        The product of the whole episode.
    estimated : bool
        Whether the behaviour policy's probabilities are estimated from the same data.
    """

    step: FloatArray
    episode: FloatArray
    estimated: bool = False

    @property
    def ess(self) -> float:
        """Kish's effective number of the n episodes, by the weights of whole episodes."""
        return kish(self.episode)

    @cached_property
    def doubt(self) -> str:
        """What speaks against the weights; empty where nothing does.

        Their expectation is 1 where the data can hold what the policy does, and the behaviour policy is known. A mean
        that is not may come of weights with heavy tails too: seldom is a large one drawn, and nothing tells them apart.
        """
        if not self.episode.any():
            return "no episode is one that the policy could have had"
        if self.estimated:
            return ""
        mean = student_t(self.episode, SURELY)
        if math.isnan(mean.lower):  # one episode, or all weigh the same
            fine = mean.n < 2 or math.isclose(mean.value, 1.0)
        else:
            fine = mean.lower <= 1.0 <= mean.upper
        if fine:
            return ""
        return (
            f"the mean weight is {mean.value:.2g}, not 1: the data lack what the policy does, or weights vary too much"
        )


def importance_weights(
    data: Dataset, policy: FloatArray, behaviour: FloatArray | None = None, *, estimated: bool = False
) -> Weights:
    """The weights of a dataset for a policy.

    Parameters
    ----------
    data : Dataset
    policy : float array, shape (S, A)
    behaviour : float array, shape (S, A), optional
        The behaviour policy, known or estimated; the propensities that the data hold if not given.
    estimated : bool
        Whether it is estimated from the same data.

    Raises
    ------
    InvalidPolicy
        If a table has the wrong shape.
    InvalidDataset
        If the probability of an action that was taken is not known, or zero.

    Notes
    -----
    Sums of logarithms within each episode; a decision that the policy never takes makes its own and all later weights
    zero.
    """
    taken = _checked(data, policy, "policy")[data.state, data.action]
    propensity = propensities(data, behaviour)
    never = taken <= 0
    logs = np.cumsum(np.log(np.where(never, 1.0, taken) / propensity))
    misses = np.cumsum(never)
    first = data.first[data.episode]
    before = np.where(first > 0, logs[first - 1], 0.0)
    missed: IntArray = misses - np.where(first > 0, misses[first - 1], 0)
    step = np.where(missed > 0, 0.0, np.exp(np.minimum(logs - before, LARGEST)))
    return Weights(step, step[last(data)], estimated)


def propensities(data: Dataset, behaviour: FloatArray | None = None) -> FloatArray:
    """The probability of every action taken, shape (N,), by a behaviour policy (S, A) or as the data have it.

    Raises
    ------
    InvalidPolicy, InvalidDataset
        As `importance_weights`.
    """
    if behaviour is None:
        bad = np.flatnonzero(np.isnan(data.propensity))
        if bad.size:
            raise InvalidDataset(
                f"The data do not say how probable the action of row {bad[0]} was (column 'propensity'); give the "
                "behaviour policy, or have it estimated."
            )
        return data.propensity
    found = _checked(data, behaviour, "behaviour policy")[data.state, data.action]
    bad = np.flatnonzero(~(found > 0))
    if bad.size:
        row = int(bad[0])
        raise InvalidDataset(
            f"Row {row} takes action {data.action[row]} in state {data.state[row]}, which the behaviour policy never "
            "does; the data are another policy's."
        )
    return found


def estimated_behaviour(data: Dataset) -> FloatArray:
    """The shares of the actions taken in each state, shape (S, A): behaviour cloning without smoothing.

    Notes
    -----
    With it importance sampling has less variance than with the true behaviour policy where each state was seen often,
    and is biased where few were (Hanna, Niekum, Stone, ICML 2019).
    """
    return cloning.learn(data)[0]


def kish(weights: FloatArray) -> float:
    """Effective sample size `(Σ w)² / Σ w²` (Kish, Survey Sampling, 1965); 0 where all weights are.

    >>> kish(np.array([1.0, 1.0, 2.0, 0.0]))
    2.6666666666666665
    """
    largest = float(weights.max(initial=0.0))
    if largest == 0:
        return 0.0
    scaled = weights / largest
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def last(data: Dataset) -> IntArray:
    """Index of each episode's last transition, shape (n,)."""
    return np.append(data.first[1:], len(data)) - 1


def _checked(data: Dataset, table: FloatArray, what: str) -> FloatArray:
    expected = (data.n_states, data.n_actions)
    if table.shape != expected:
        raise InvalidPolicy(f"The {what} has shape {table.shape}; expected that of the data, {expected}.")
    bad = ~np.all(table >= 0, axis=1)
    wrong = np.flatnonzero(bad[data.state]) if bad.any() else np.empty(0, dtype=np.int64)
    if wrong.size:
        raise InvalidPolicy(f"The {what} of state {data.state[wrong[0]]} holds a negative or missing probability.")
    return table
