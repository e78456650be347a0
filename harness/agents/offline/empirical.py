"""The empirical model of a dataset, and iterating on it.

Only what was seen is in it: n pairs of a state and an action, in the order of states and then of actions. An action
that was never taken in a state has no estimate and is never chosen there; a state in which nothing was ever decided has
the value 0, as terminal states have, and a policy has no preference in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from harness.core.errors import InvalidDataset
from harness.mdp.dataset import Dataset, counts
from harness.mdp.tabular import ENDS, BoolArray, FloatArray, IntArray

TOLERANCE = 1e-10
"""Iterations stop when no action-value changes by more than this share of the largest (or of 1, if that is larger)."""

TIED = 1e-8
"""Action-values that differ by no more than this share of the largest (or of 1) are as good."""

MAX_ITERATIONS = 20_000

Learned = tuple[FloatArray, FloatArray | None]
"""A policy (S, A), and action-values (S, A) with NaN where the data have none, or None."""


@dataclass(frozen=True, eq=False)
class Empirical:
    """The n pairs of a state and an action that were seen, with what followed.

    Attributes
    ----------
    state, action : int array, shape (n,)
    visits : int array, shape (n,)
        How often the pair was seen, at least once.
    share : float array, shape (n,)
        Of the state's visits, those with this action: the behaviour policy as estimated.
    rows : scipy CSR array, shape (n, S)
        Empirical distribution of the next state.
    reward : float array, shape (n,)
        Mean reward.
    first : int array, shape (m,)
        Where the pairs of each of the m states begin.
    n_states, n_actions : int
    discount : float
    """

    state: IntArray
    action: IntArray
    visits: IntArray
    share: FloatArray
    rows: sparse.csr_array
    reward: FloatArray
    first: IntArray
    n_states: int
    n_actions: int
    discount: float

    def best(self, q: FloatArray) -> FloatArray:
        """The largest of each state's values, shape (S,); 0 where nothing was decided."""
        V = np.zeros(self.n_states)
        V[self.state[self.first]] = np.maximum.reduceat(q, self.first)
        return V

    def targets(self, V: FloatArray) -> FloatArray:
        """Mean reward and discounted mean value of what followed, shape (n,): `r(s, a) + γ Σ P(s'|s, a) V(s')`."""
        backed_up: FloatArray = self.reward + self.discount * (self.rows @ V)
        return backed_up

    def kept(self, mask: BoolArray) -> Empirical:
        """The pairs where `mask` (n,) is true alone; every state must keep one."""
        state = self.state[mask]
        return Empirical(
            state=state,
            action=self.action[mask],
            visits=self.visits[mask],
            share=self.share[mask],
            rows=self.rows[np.flatnonzero(mask)],
            reward=self.reward[mask],
            first=_starts(state),
            n_states=self.n_states,
            n_actions=self.n_actions,
            discount=self.discount,
        )

    def table(self, q: FloatArray) -> FloatArray:
        """Values of the pairs as an array, shape (S, A); NaN where there is no pair."""
        Q = np.full((self.n_states, self.n_actions), np.nan)
        Q[self.state, self.action] = q
        return Q

    def greedy(self, q: FloatArray) -> FloatArray:
        """The policy of the largest values, shape (S, A), as `greedy_pairs`.

        Where nothing was decided every action is as likely.
        """
        chosen = self.greedy_pairs(q)
        policy = np.full((self.n_states, self.n_actions), 1.0 / self.n_actions)
        policy[self.state[chosen]] = 0.0
        policy[self.state[chosen], self.action[chosen]] = 1.0
        return policy

    def greedy_pairs(self, q: FloatArray) -> IntArray:
        """Which pair of each of the m states has the largest value, shape (m,).

        Of pairs that are as good the one that was seen most often is taken, then the lowest action; but where these
        would go round without an end, those that lead on. Without a discount an action that was only seen to lead back
        to its state is as good as the state's best.
        """
        tied = np.flatnonzero(q >= self.best(q)[self.state] - TIED * max(1.0, float(np.abs(q).max())))
        order = tied[np.lexsort((self.action[tied], -self.visits[tied], self.state[tied]))]
        favourites = order[_starts(self.state[order])]
        chosen = np.full(self.n_states, -1)
        going_on = np.zeros(self.n_states)
        going_on[self.state] = 1.0
        for candidates in (favourites, order):
            while True:
                undecided = candidates[chosen[self.state[candidates]] < 0]
                leads_on = undecided[self.rows[undecided] @ going_on < 1.0 - ENDS]
                if not leads_on.size:
                    break
                states, where = np.unique(self.state[leads_on], return_index=True)
                chosen[states] = leads_on[where]
                going_on[states] = 0.0
        found = chosen[self.state[favourites]]
        return np.where(found < 0, favourites, found)


def empirical(data: Dataset) -> Empirical:
    """The empirical model of a dataset."""
    counted = counts(data)
    state, action = np.nonzero(counted.visits)
    visits = counted.visits[state, action]
    seen = counted.transitions[state * data.n_actions + action].astype(np.float64)
    return Empirical(
        state=state,
        action=action,
        visits=visits,
        share=visits / counted.visits.sum(axis=1)[state],
        rows=sparse.csr_array(sparse.diags_array(1.0 / visits) @ seen),
        reward=counted.reward[state, action] / visits,
        first=_starts(state),
        n_states=data.n_states,
        n_actions=data.n_actions,
        discount=data.discount,
    )


def fixed_point(model: Empirical, improve: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Action-values q (n,) with `q = improve(r + γ P max q)`, by iterating from q = 0 to `TOLERANCE`.

    Raises
    ------
    InvalidDataset
        If they do not settle in `MAX_ITERATIONS`.
    """
    q = np.zeros(len(model.state))
    for _ in range(MAX_ITERATIONS):
        new = improve(model.targets(model.best(q)))
        change, q = float(np.abs(new - q).max()), new
        if change <= TOLERANCE * max(1.0, float(np.abs(q).max())):
            return q
    raise unsettled(model)


def unsettled(model: Empirical) -> InvalidDataset:
    """What is said where values do not settle."""
    return InvalidDataset(
        f"The values of the data's states did not settle in {MAX_ITERATIONS:,} iterations: the data go round without "
        f"an end and the discount is {model.discount:g}; learn with a lower one."
    )


def _starts(state: IntArray) -> IntArray:
    return np.flatnonzero(np.diff(state, prepend=-1))
