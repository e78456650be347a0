"""How far one policy's episodes could be another's, exactly, where the MDP is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from harness.mdp.evaluate import evaluate
from harness.mdp.linear import system
from harness.mdp.tabular import FloatArray, TabularMDP


@dataclass(frozen=True)
class Overlap:
    """Overlap of a policy with the behaviour policy.

    Attributes
    ----------
    decisions : float
        Share of the policy's decisions, by occupancy, that the behaviour policy could have taken.
    episodes : float
        Probability that it could have taken all decisions of an episode: the mean weight of an episode. Below 1,
        importance sampling is biased however many data there are (γ = 1; with γ < 1 this is discounted).
    finite : bool
        Whether the weight of an episode has a finite variance. Where it has not, no interval from a standard deviation
        or a bootstrap holds what it promises, and the effective sample size seen is too high.
    """

    decisions: float
    episodes: float
    finite: bool


def overlap(mdp: TabularMDP, policy: FloatArray, behaviour: FloatArray) -> Overlap:
    """The overlap of two policies (S, A).

    Notes
    -----
    The second moment of an episode's weight is finite if and only if the matrix of `Σ_a π(a|s)² / μ(a|s) P(s'|s, a)`
    over the states that are reached has a spectral radius below 1, which a positive solution x of `(I - M) x = 1`
    shows (M-matrices: Berman and Plemmons, 1994, chapter 6).
    """
    live = mdp.decision_states
    possible = behaviour > 0
    shared = np.where(possible, policy, 0.0)
    occupancy = evaluate(mdp, policy).occupancy[live]
    both = shared[live].sum(axis=1)
    P = system(mdp, shared)[0].toarray()
    identity = np.eye(len(live))
    reached = np.linalg.solve((identity - mdp.discount * P).T, mdp.start[live])
    ending = np.maximum(both - P.sum(axis=1), 0.0)
    kept = np.flatnonzero(reached > 0)
    squared = system(mdp, np.where(possible, policy**2 / np.where(possible, behaviour, 1.0), 0.0))[0].toarray()
    try:
        x = linalg.solve(np.eye(len(kept)) - squared[np.ix_(kept, kept)], np.ones(len(kept)))
        finite = bool(np.all(x > 0))
    except linalg.LinAlgError:
        finite = False
    return Overlap(float(occupancy @ both / occupancy.sum()), float(reached @ ending), finite)
