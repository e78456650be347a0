"""Doubly robust estimators: importance sampling of what a fitted Q does not explain.

References
----------
Jiang, Li: Doubly robust off-policy value evaluation for reinforcement learning. ICML 2016.
Thomas, Brunskill: Data-efficient off-policy policy evaluation for reinforcement learning. ICML 2016 (weighted).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from harness.evaluation.intervals import student_t
from harness.evaluation.off_policy import estimate
from harness.evaluation.off_policy.bootstrap import percentile, sums
from harness.evaluation.off_policy.estimate import OffPolicyEstimate
from harness.evaluation.off_policy.importance import Totals, per_episode, self_normalised
from harness.evaluation.off_policy.model import fit
from harness.evaluation.off_policy.weights import Weights
from harness.mdp.dataset import Dataset, counts
from harness.mdp.tabular import BoolArray, FloatArray

FOLDS = 2


@dataclass(frozen=True, eq=False)
class Baseline:
    """A fitted Q at the transitions of the data.

    Attributes
    ----------
    start : float array, shape (n,)
        V of each episode's first state.
    taken : float array, shape (N,)
        Q of the action taken.
    following : float array, shape (N,)
        V of the next state; 0 where the episode ended.
    """

    start: FloatArray
    taken: FloatArray
    following: FloatArray


def baseline(data: Dataset, policy: FloatArray, q: FloatArray) -> Baseline:
    """The baseline of one table of action-values (S, A); V is its mean under the policy."""
    V = np.where(policy > 0, policy * q, 0.0).sum(axis=1)
    following = np.where(data.terminated, 0.0, V[data.next_state])
    return Baseline(V[data.state[data.first]], q[data.state, data.action], following)


def cross_fitted(data: Dataset, policy: FloatArray) -> Baseline:
    """The baseline of the empirical MDP; that of every other episode comes from the rest of the episodes.

    An episode is never explained by a table that has seen it, which keeps DR unbiased. Of a single episode nothing
    can be left out; its baseline is 0.
    """
    fold = np.arange(data.n_episodes) % FOLDS
    found = Baseline(np.zeros(data.n_episodes), np.zeros(len(data)), np.zeros(len(data)))
    for k in range(FOLDS):
        own = fold == k
        if own.all() or not own.any():
            continue
        fitted = fit(counts(part(data, ~own)), policy, data.discount, fill=True)
        whole = baseline(data, policy, fitted.Q)
        rows = own[data.episode]
        found.start[own] = whole.start[own]
        found.taken[rows], found.following[rows] = whole.taken[rows], whole.following[rows]
    return found


def part(data: Dataset, episodes: BoolArray) -> Dataset:
    """Some of the episodes, by a mask (n,), as a dataset of their own."""
    rows = episodes[data.episode]
    number = np.cumsum(episodes) - 1
    return Dataset(
        episode=number[data.episode[rows]], step=data.step[rows], state=data.state[rows], action=data.action[rows],
        reward=data.reward[rows], next_state=data.next_state[rows], terminated=data.terminated[rows],
        propensity=data.propensity[rows], n_states=data.n_states, n_actions=data.n_actions, discount=data.discount,
    )  # fmt: skip


def doubly_robust_terms(data: Dataset, weights: Weights, known: Baseline) -> FloatArray:
    """`V(s_0) + Σ_t γ^t ρ_t (r_t + γ V(s_t+1) - Q(s_t, a_t))` of each episode, shape (n,); DR is their mean."""
    return known.start + per_episode(data, weights.step * _surprise(data, known))


def doubly_robust(data: Dataset, weights: Weights, known: Baseline) -> OffPolicyEstimate:
    """DR. Unbiased for any baseline that has not seen the data, where the behaviour policy is known."""
    return estimate.of(student_t(doubly_robust_terms(data, weights, known)), "DR", weights.ess, weights.doubt)


def weighted_doubly_robust(data: Dataset, weights: Weights, known: Baseline, totals: Totals) -> OffPolicyEstimate:
    """WDR: DR with the weights of each step divided by their sum. Consistent and biased."""
    corrected, replicates = self_normalised(data, weights.step * _surprise(data, known), totals)
    n = data.n_episodes
    value = float(known.start.mean()) + corrected if weights.step.any() else math.nan
    replicates = replicates + sums(sparse.csr_array(known.start[None, :]), totals.counts)[0] / n
    return estimate.of(percentile(value, replicates, n), "WDR", weights.ess, weights.doubt)


def _surprise(data: Dataset, known: Baseline) -> FloatArray:
    return data.reward + data.discount * known.following - known.taken
