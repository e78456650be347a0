"""`TabularMDP`: a finite Markov decision process on distinct sparse transition rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.core.errors import IllegalAction

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SUM_TOLERANCE = 1e-8
"""How far the probabilities of one row may be from summing to one (they are then renormalised)."""

ENDS = 1e-12
"""A step that ends the episode with a smaller probability than this does not end it."""


@dataclass(frozen=True, eq=False)
class Choices:
    """What can be chosen in each of the n decision states: every distinct (row, reward) of a state once.

    Attributes
    ----------
    rows : scipy CSR array, shape (C, n)
        Transitions among the decision states; what is missing to one ends the episode.
    reward : float array, shape (C,)
    action : int array, shape (C,)
        The lowest action that has this row; the choices of a state are in the order of these.
    state : int array, shape (C,)
        Position of the state among the decision states, ascending.
    first : int array, shape (n,)
        Where the choices of a state begin.
    of_action : int array, shape (n, A)
        The choice that an action is; -1 where it is illegal.
    """

    rows: sparse.csr_array
    reward: FloatArray
    action: IntArray
    state: IntArray
    first: IntArray
    of_action: IntArray

    def improve(self, V: FloatArray, discount: float, sign: float) -> tuple[FloatArray, FloatArray, IntArray]:
        """Values (C,) of the choices if V (n,) follows, the best of each state (n,), and which it is (n,).

        `sign` is -1 to minimise. Ties go to the lowest action.
        """
        gain = sign * (self.reward + discount * (self.rows @ V))
        best = np.maximum.reduceat(gain, self.first)
        attained = np.flatnonzero(gain == best[self.state])
        chosen = attained[np.searchsorted(self.state[attained], np.arange(len(self.first)))]
        return sign * gain, sign * best, chosen

    def fixed(self, mask: BoolArray, rows: sparse.csr_array, reward: FloatArray) -> Choices:
        """The same with one choice (a row and reward of their own, shapes (n, n) and (n,)) where `mask` (n,)."""
        kept, given = np.flatnonzero(~mask[self.state]), np.flatnonzero(mask)
        order = np.argsort(np.concatenate([self.state[kept], given]), kind="stable")
        number = np.empty(len(order), dtype=np.int64)
        number[order] = np.arange(len(order))
        state = np.concatenate([self.state[kept], given])[order]
        renumbered = np.full(len(self.state), -1, dtype=np.int64)
        renumbered[kept] = number[: len(kept)]
        of_action = np.where(self.of_action >= 0, renumbered[self.of_action], -1)
        of_action[given] = number[len(kept) :, None]
        return Choices(
            rows=sparse.csr_array(sparse.vstack([self.rows[kept], rows[given]], format="csr")[order]),
            reward=np.concatenate([self.reward[kept], reward[given]])[order],
            action=np.concatenate([self.action[kept], np.zeros(len(given), dtype=np.int64)])[order],
            state=state,
            first=np.searchsorted(state, np.arange(len(self.first))),
            of_action=of_action,
        )

    def ending(self) -> IntArray:
        """For each state a choice that leads on towards the end of the episode (n,); -1 where none ever does."""
        found = np.full(len(self.first), -1, dtype=np.int64)
        while True:
            going_on = self.rows @ (found < 0)
            leads = np.flatnonzero((going_on < 1.0 - ENDS) & (found[self.state] < 0))
            if not leads.size:
                return found
            states, where = np.unique(self.state[leads], return_index=True)
            found[states] = leads[where]

    def always_end(self) -> bool:
        """Whether every policy ends: no set of states can be stayed in for ever."""
        stays = np.ones(len(self.first), dtype=np.bool_)
        while stays.any():
            keeps = self.rows @ stays.astype(np.float64) >= 1.0 - ENDS
            left = stays & np.logical_or.reduceat(keeps, self.first)
            if np.array_equal(left, stays):
                return False
            stays = left
        return True


@dataclass(frozen=True, eq=False)
class TabularMDP:
    """S states, A actions, and R distinct (transition row, reward) pairs.

    Many actions of a clinical MDP share one transition row (in ICU-Sepsis every inadmissible action of a state
    does), so rows are stored once and `row_of[s, a]` points at them. Terminal states have no row of their own:
    their value is zero and nothing can be done in them.

    Build one with `harness.mdp.build.from_arrays`, which validates and finds the distinct rows.

    Attributes
    ----------
    rows : scipy CSR array, shape (R, S)
        Distinct transition rows, each summing to one.
    row_of : int array, shape (S, A)
        Index into `rows`; -1 where the action cannot be taken at all in that state.
    row_reward : float array, shape (R,)
        Expected immediate reward of each distinct row.
    start : float array, shape (S,)
        Distribution of the first state.
    row_rewards : scipy CSR array, shape (R, S), or None
        Reward of each single transition, for simulation; None where `row_reward` itself is paid.
    discount : float
        γ in (0, 1]. With γ = 1 every policy that is evaluated must reach a terminal state.
    terminal : bool array, shape (S,)
    admissible : bool array, shape (S, A)
        Actions that the data support. An inadmissible action may still be taken where `row_of` is not -1.
    """

    rows: sparse.csr_array
    row_of: IntArray
    row_reward: FloatArray
    start: FloatArray
    discount: float
    terminal: BoolArray
    admissible: BoolArray
    row_rewards: sparse.csr_array | None = None

    @property
    def n_states(self) -> int:
        """Number of states S, terminal ones included."""
        return int(self.row_of.shape[0])

    @property
    def n_actions(self) -> int:
        """Number of actions A."""
        return int(self.row_of.shape[1])

    @cached_property
    def legal(self) -> BoolArray:
        """Where an action can be taken at all, shape (S, A)."""
        return self.row_of >= 0

    @cached_property
    def decision_states(self) -> IntArray:
        """Indices of the states in which something is decided, i.e. the non-terminal ones."""
        return np.flatnonzero(~self.terminal)

    @cached_property
    def choices(self) -> Choices:
        """The distinct choices of every decision state."""
        live = self.decision_states
        state, action = np.nonzero(self.legal[live])
        row = self.row_of[live[state], action]
        _, first, inverse = np.unique(state * self.rows.shape[0] + row, return_index=True, return_inverse=True)
        order = np.argsort(first)  # the pairs come by state and action, so a choice stands at its lowest action
        number = np.empty(len(order), dtype=np.int64)
        number[order] = np.arange(len(order))
        of_action = np.full((len(live), self.n_actions), -1, dtype=np.int64)
        of_action[state, action] = number[inverse]
        kept = first[order]
        return Choices(
            rows=sparse.csr_array(self.rows[row[kept]][:, live]),
            reward=self.row_reward[row[kept]],
            action=action[kept],
            state=state[kept],
            first=np.searchsorted(state[kept], np.arange(len(live))),
            of_action=of_action,
        )

    @cached_property
    def always_ends(self) -> bool:
        """Whether every policy reaches a terminal state from everywhere."""
        return self.choices.always_end()

    def reward(self) -> FloatArray:
        """Expected immediate reward, shape (S, A); zero in terminal states, NaN for illegal actions."""
        reward = np.where(self.legal, self.row_reward[self.row_of], np.nan)
        reward[self.terminal] = 0.0
        return reward

    def step(self, state: int, action: int, u: float) -> tuple[int, float]:
        """Next state and reward for a uniform draw `u` in [0, 1), by inverting the row's cumulative distribution.

        The same `u` in two runs couples them (common random numbers).

        Raises
        ------
        IllegalAction
            If the action cannot be taken in that state.
        """
        row = int(self.row_of[state, action])
        if row < 0:
            raise IllegalAction(f"Action {action} cannot be taken in state {state}.")
        begin, end = self.rows.indptr[row], self.rows.indptr[row + 1]
        cumulative = np.cumsum(self.rows.data[begin:end])
        k = min(int(np.searchsorted(cumulative, u * cumulative[-1], side="right")), end - begin - 1)
        successor = int(self.rows.indices[begin + k])
        if self.row_rewards is None:
            return successor, float(self.row_reward[row])
        return successor, float(self.row_rewards[row, successor])

    def __repr__(self) -> str:
        return (
            f"TabularMDP({self.n_states} states, {self.n_actions} actions, "
            f"{self.rows.shape[0]} distinct rows, discount {self.discount:g})"
        )
