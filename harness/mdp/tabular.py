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
