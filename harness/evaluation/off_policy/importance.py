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
    return estimate.of(student_t(weights.episode * data.returns), "IS", weights.ess)


def per_decision(data: Dataset, weights: Weights) -> OffPolicyEstimate:
    """PDIS: the mean of `Σ_t γ^t ρ_t r_t`; a reward is weighted by the decisions before it. Unbiased as IS is."""
    return estimate.of(student_t(per_episode(data, weights.step * data.reward)), "PDIS", weights.ess)


def weighted(data: Dataset, weights: Weights, counts: Counts) -> OffPolicyEstimate:
    """WIS: `Σ ρ_i G_i / Σ ρ_i`. Consistent, biased, and never outside the range of the returns."""
    n, total = data.n_episodes, float(weights.episode.sum())
    if total == 0:
        return estimate.of(percentile(math.nan, np.empty(0), n), "WIS", 0.0)
    scaled = weights.episode / weights.episode.max()
    both = sums(sparse.csr_array(np.stack([scaled * data.returns, scaled])), counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = both[0] / both[1]
    value = float((weights.episode @ data.returns) / total)
    return estimate.of(percentile(value, replicates, n), "WIS", weights.ess)


def weighted_per_decision(data: Dataset, weights: Weights, counts: Counts) -> OffPolicyEstimate:
    """WPDIS: `Σ_t γ^t Σ_i ρ_it r_it / Σ_i ρ_it`. Consistent and biased."""
    value, replicates = self_normalised(data, weights, weights.step * data.reward, counts)
    if not weights.episode.any():
        value = math.nan
    return estimate.of(percentile(value, replicates, data.n_episodes), "WPDIS", weights.ess)


def self_normalised(data: Dataset, weights: Weights, terms: FloatArray, counts: Counts) -> tuple[float, FloatArray]:
    """`Σ_t γ^t (Σ_i terms_it) / (Σ_i ρ_it)` of the data, and of every resample, shape (resamples,).

    An episode that has ended keeps its weight at all later steps (as if it stayed in a state where every policy does
    the same), so all n episodes are in every denominator. A step at which no weight is left adds nothing.
    """
    n, T = data.n_episodes, int(data.step.max()) + 1
    ends = last(data)
    going = _by_step(weights.step, data.step, data.episode, (T, n))
    ended = _by_step(weights.episode, data.step[ends] + 1, np.arange(n), (T + 1, n))
    paid = _by_step(data.discount**data.step * terms, data.step, data.episode, (T, n))
    once = np.ones((n, 1), dtype=np.uint8)

    def total(of: Counts) -> FloatArray:
        denominator = sums(going, of) + np.cumsum(sums(ended, of), axis=0)[:T]
        numerator = sums(paid, of)
        seen = denominator > 0
        return np.where(seen, numerator / np.where(seen, denominator, 1.0), 0.0).sum(axis=0)

    return float(total(once)[0]), total(counts)


def _by_step(values: FloatArray, step: np.ndarray, episode: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    kept = np.flatnonzero(values)
    return sparse.csr_array((values[kept], (step[kept], episode[kept])), shape=shape)
