"""Intervals of policies' values in an estimated MDP, by resampling the patients that it is estimated on.

The policy and the states stay as they are; only the patients who judge are drawn again. So the interval is of what a
table of all such patients would say with these states. That is the policy's true value where the states are Markov,
and may be far from it where they are not: `benchmarks/doubt_coverage.py` measures both.

Reference
---------
Efron, Tibshirani: An introduction to the bootstrap. 1993, chapters 10 (bias) and 13 (standard intervals).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from harness.construction.estimate import estimate
from harness.core.errors import InvalidPolicy
from harness.core.seeds import stream
from harness.evaluation.intervals import CONFIDENCE
from harness.mdp.dataset import Dataset
from harness.mdp.evaluate import evaluate
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP

FEWEST = 0.9
"""Share of the resamples in which all policies must have a value for an interval to be given."""


@dataclass(frozen=True)
class Resampled:
    """A value, and the bounds of its interval."""

    value: float
    lower: float
    upper: float


def judged(
    data: Dataset, policies: Sequence[FloatArray], terminal: BoolArray, visits: int, *, resamples: int, seed: int
) -> list[Resampled]:
    """The value of each policy (S, A) in the MDP of these transitions, with an interval.

    Parameters
    ----------
    data : Dataset
        Of patients that no policy was found on.
    policies : sequence of float array, shape (S, A)
    terminal : bool array, shape (S,)
    visits : int
        From which on an action is admissible.
    resamples : int
        Of the patients; at least 2.
    seed : int

    Notes
    -----
    The interval is normal, around the value less the bias that resampling shows: with few visits the MDP counts some
    of a policy's actions as not admissible, and more so on a resample, so that percentiles lie too low.
    """

    def values(which: Dataset) -> list[float]:
        mdp = estimate(which, terminal, visits).mdp
        return [value(mdp, policy) for policy in policies]

    found = np.array(values(data))
    rng, n = stream(seed, "judges"), data.n_episodes
    again = np.array([values(episodes(data, np.sort(rng.integers(0, n, n)))) for _ in range(resamples)])
    known = again[np.isfinite(again).all(axis=1)]
    if len(known) < FEWEST * resamples:
        return [Resampled(float(v), math.nan, math.nan) for v in found]
    centre = 2 * found - known.mean(axis=0)
    half = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * known.std(axis=0, ddof=1)
    return [Resampled(float(v), float(c - h), float(c + h)) for v, c, h in zip(found, centre, half, strict=True)]


def value(mdp: TabularMDP, policy: FloatArray) -> float:
    """The exact value of a policy (S, A); NaN where it never comes to an end in the MDP, and so has none."""
    try:
        return evaluate(mdp, policy).J
    except InvalidPolicy:
        return math.nan


def episodes(data: Dataset, which: IntArray) -> Dataset:
    """These episodes of a dataset, by index and in this order; one may be taken several times."""
    bounds = np.append(data.first, len(data))
    lengths = np.diff(bounds)[which]
    ends = np.cumsum(lengths)
    rows = np.repeat(bounds[:-1][which] - (ends - lengths), lengths) + np.arange(int(ends[-1]) if len(ends) else 0)
    return replace(
        data,
        episode=np.repeat(np.arange(len(which)), lengths),
        **{
            name: getattr(data, name)[rows]
            for name in ("step", "state", "action", "reward", "next_state", "terminated", "propensity")
        },
    )
