"""Importance sampling: returns, or rewards, weighted by how much likelier the policy makes the decisions.

References
----------
Precup, Sutton, Singh: Eligibility traces for off-policy policy evaluation. ICML 2000.
Thomas: Safe Reinforcement Learning. PhD thesis, University of Massachusetts 2015 (weighted per decision).

Notes
-----
Episodes that were cut off count with what was seen of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from harness.evaluation.intervals import student_t
from harness.evaluation.off_policy import estimate
from harness.evaluation.off_policy.bootstrap import Counts, percentile, sums
from harness.evaluation.off_policy.estimate import OffPolicyEstimate
from harness.evaluation.off_policy.weights import Weights, last
from harness.mdp.dataset import Dataset
from harness.mdp.tabular import FloatArray


def per_episode(data: Dataset, terms: FloatArray) -> FloatArray:
    """Discounted sums `Σ_t γ^t terms` of each episode, (N,) to (n,)."""
    return np.add.reduceat(data.discount**data.step * terms, data.first)


def importance_sampling(data: Dataset, weights: Weights) -> OffPolicyEstimate:
    """IS: the mean of `ρ_i G_i`. Unbiased where the behaviour policy is known and takes all that the policy does."""
    return estimate.of(student_t(weights.episode * data.returns), "IS", weights.ess, weights.doubt)


def per_decision(data: Dataset, weights: Weights) -> OffPolicyEstimate:
    """PDIS: the mean of `Σ_t γ^t ρ_t r_t`; a reward is weighted by the decisions before it. Unbiased as IS is."""
    return estimate.of(student_t(per_episode(data, weights.step * data.reward)), "PDIS", weights.ess, weights.doubt)


def weighted(data: Dataset, weights: Weights, counts: Counts) -> OffPolicyEstimate:
    """WIS: `Σ ρ_i G_i / Σ ρ_i`. Consistent, biased, and never outside the range of the returns."""
    n, total = data.n_episodes, float(weights.episode.sum())
    if total == 0:
        return estimate.of(percentile(math.nan, np.empty(0), n), "WIS", 0.0, weights.doubt)
    scaled = weights.episode / weights.episode.max()
    both = sums(sparse.csr_array(np.stack([scaled * data.returns, scaled])), counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = both[0] / both[1]
    value = float((weights.episode @ data.returns) / total)
    return estimate.of(percentile(value, replicates, n), "WIS", weights.ess, weights.doubt)


def weighted_per_decision(data: Dataset, weights: Weights, totals: Totals) -> OffPolicyEstimate:
    """WPDIS: `Σ_t γ^t Σ_i ρ_it r_it / Σ_i ρ_it`. Consistent and biased."""
    value, replicates = self_normalised(data, weights.step * data.reward, totals)
    if not weights.episode.any():
        value = math.nan
    return estimate.of(percentile(value, replicates, data.n_episodes), "WPDIS", weights.ess, weights.doubt)


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums of the weights at each of the T steps: of the data, shape (T,), and of resamples, shape (T, resamples).

    An episode that has ended keeps its weight at all later steps (as if it stayed in a state where every policy does
    the same), so all n episodes are in every sum.
    """

    whole: FloatArray
    resampled: FloatArray
    counts: Counts


def totals(data: Dataset, weights: Weights, counts: Counts) -> Totals:
    """The sums that ratios of each step are divided by; `counts` are the resamples, shape (n, resamples)."""
    n, T = data.n_episodes, int(data.step.max()) + 1
    ends = last(data)
    going = _by_step(data, weights.step)
    ended = sparse.csr_array((weights.episode, (data.step[ends] + 1, np.arange(n))), shape=(T + 1, n))
    return Totals(
        np.asarray(going.sum(axis=1) + np.cumsum(ended.sum(axis=1))[:T], dtype=np.float64),
        sums(going, counts) + np.cumsum(sums(ended, counts), axis=0)[:T],
        counts,
    )


def self_normalised(data: Dataset, terms: FloatArray, of: Totals) -> tuple[float, FloatArray]:
    """`Σ_t γ^t (Σ_i terms_it) / (Σ_i ρ_it)` of the data, and of every resample, shape (resamples,).

    A step at which no weight is left adds nothing.
    """
    paid = _by_step(data, data.discount**data.step * terms)
    whole = _divided(np.asarray(paid.sum(axis=1)), of.whole)
    return float(whole.sum()), _divided(sums(paid, of.counts), of.resampled).sum(axis=0)


def _divided(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    seen = denominator > 0
    return np.where(seen, numerator / np.where(seen, denominator, 1.0), 0.0)


def _by_step(data: Dataset, values: FloatArray) -> sparse.csr_array:
    """Values of transitions (N,) by step and episode, shape (T, n), without those that are zero."""
    kept = np.flatnonzero(values)
    where = (data.step[kept], data.episode[kept])
    return sparse.csr_array((values[kept], where), shape=(int(data.step.max()) + 1, data.n_episodes))
