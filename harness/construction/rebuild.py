"""A known MDP, rebuilt from trajectories simulated in it: what the construction recovers, and what it cannot.

The states are given, so this tests counts, threshold and the mean of admissible rows, not the clustering.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from harness.construction.estimate import Estimated, estimate
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.mdp.simulate import record
from harness.mdp.solve import solve
from harness.mdp.tabular import FloatArray, TabularMDP


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A rebuilt MDP beside the true one.

    Attributes
    ----------
    estimated : Estimated
    episodes, transitions : int
    rows : int
        Pairs of a state and an action with the visits to be admissible.
    total_variation : float
        Between their estimated and true transitions, on average over these pairs, each counting the same.
    sampling_variation : float
        What sampling alone makes of it on average: half the mean absolute deviations of the shares of binomial counts,
        `Σ m (1 - p) P(X = m) / n` with `m = ⌊n p⌋ + 1` (de Moivre 1730).
    behaviour, true_behaviour : float
        Value of the policy that was recorded, in the rebuilt and in the true MDP.
    behaviour_error : float
        Standard error of the mean return of so many episodes.
    optimum, true_optimum : float
    optimum_in_truth : float
        True value of the rebuilt MDP's optimal policy.
    known_optimum, known_optimum_in_truth : float
        The same where an action that is not admissible in truth is known not to be.
    """

    estimated: Estimated
    episodes: int
    transitions: int
    rows: int
    total_variation: float
    sampling_variation: float
    behaviour: float
    true_behaviour: float
    behaviour_error: float
    optimum: float
    true_optimum: float
    optimum_in_truth: float
    known_optimum: float
    known_optimum_in_truth: float


def rebuild(mdp: TabularMDP, policy: ArrayLike, episodes: int, *, seed: int, visits: int) -> Rebuilt:
    """Record episodes of a policy in an MDP and make an MDP of them.

    Parameters
    ----------
    mdp : TabularMDP
        Undiscounted; its terminal states are taken as known.
    policy : float array, shape (S, A)
    episodes, seed : int
        As in `harness.mdp.simulate.record`.
    visits : int
        From which on an action is admissible.

    Raises
    ------
    InvalidPolicy
        If the table is no policy of this MDP.
    """
    data = record(mdp, policy, episodes, seed=seed)
    found = estimate(data, mdp.terminal, visits)
    state, action = np.nonzero((found.visits >= visits) & ~mdp.terminal[:, None])
    p = _rows(mdp, state, action)
    distance = 0.5 * np.abs(_rows(found.mdp, state, action) - p).sum(axis=1)
    n = np.broadcast_to(found.visits[state, action][:, None], p.shape)
    m = np.floor(n * p) + 1
    expected = np.where(p < 1, m * (1 - p) * binom.pmf(m, n, p) / n, 0.0).sum(axis=1)
    true = evaluate(mdp, policy)
    best = solve(found.mdp)
    known = solve(estimate(data, mdp.terminal, visits, mdp.admissible).mdp)
    return Rebuilt(
        estimated=found,
        episodes=episodes,
        transitions=len(data),
        rows=len(state),
        total_variation=float(distance.mean()),
        sampling_variation=float(expected.mean()),
        behaviour=evaluate(found.mdp, found.behaviour).J,
        true_behaviour=true.J,
        behaviour_error=math.sqrt(true.variance / episodes),
        optimum=best.J,
        true_optimum=solve(mdp).J,
        optimum_in_truth=evaluate(mdp, deterministic(mdp, best.actions)).J,
        known_optimum=known.J,
        known_optimum_in_truth=evaluate(mdp, deterministic(mdp, known.actions)).J,
    )


def _rows(mdp: TabularMDP, state: np.ndarray, action: np.ndarray) -> FloatArray:
    return np.asarray(mdp.rows[mdp.row_of[state, action]].toarray(), dtype=np.float64)
