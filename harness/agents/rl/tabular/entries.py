"""Where a table keeps which state and action: an entry for every pair that can be chosen, and none for the others."""

from __future__ import annotations

import numpy as np

from harness.mdp.tabular import FloatArray, IntArray, TabularMDP


class Entries:
    """The E pairs of state and action that can be chosen.

    In ICU-Sepsis 2,240 of 17,825 pairs are admissible, and no agent of the paper but one ever takes another.

    Parameters
    ----------
    mdp : TabularMDP
    everything : bool
        Every legal action has an entry, behind the admissible ones of its state; otherwise those alone have one.

    Attributes
    ----------
    state, action : int array, shape (E,)
    row : float array, shape (E,)
        Index of the transition row, as a float because uniform numbers are added to it.
    count : int array, shape (S,)
        Admissible actions of each state; every legal one where none is. 0 in terminal states.
    of : int array, shape (S, W)
        The entries of a state's admissible actions, in the order of the actions; E beyond the last.
    at : int array, shape (S, A)
        The entry of each action; E where it has none.
    """

    def __init__(self, mdp: TabularMDP, *, everything: bool = False) -> None:
        live = ~mdp.terminal[:, None] & mdp.legal
        admissible = live & mdp.admissible
        admissible = np.where(admissible.any(axis=1, keepdims=True), admissible, live)
        self.count: IntArray = admissible.sum(axis=1)
        known = live if everything else admissible
        behind = np.argsort(~admissible, axis=1, kind="stable")
        state, place = np.nonzero(np.take_along_axis(known, behind, axis=1))
        self.state: IntArray = state
        self.action: IntArray = behind[state, place]
        self.row: FloatArray = mdp.row_of[self.state, self.action].astype(np.float64)
        self.shape = (mdp.n_states, mdp.n_actions)
        self.at: IntArray = np.full(self.shape, self.size, dtype=np.int64)
        self.at[self.state, self.action] = np.arange(self.size)
        width = int(self.count.max())
        inside = np.arange(width) < self.count[:, None]
        self.of: IntArray = np.where(inside, np.take_along_axis(self.at, behind[:, :width], axis=1), self.size)

    @property
    def size(self) -> int:
        """Number of entries E."""
        return len(self.state)

    @property
    def width(self) -> int:
        """Most admissible actions that a state has, W."""
        return int(self.of.shape[1])

    def spread(self, table: FloatArray, missing: float) -> FloatArray:
        """Entries (K, E or more) as tables (K, S, A), with `missing` where there is no entry."""
        full = np.full((len(table), *self.shape), missing)
        full[:, self.state, self.action] = table[:, : self.size]
        return full

    def greedy(self, table: FloatArray) -> FloatArray:
        """The greedy policies (K, S, A) of values (K, E or more): admissible actions alone, ties to the lowest."""
        padded = np.concatenate([table[:, : self.size], np.full((len(table), 1), -np.inf)], axis=1)
        chosen = np.argmax(padded[:, self.of], axis=2)
        return self._certain(np.take_along_axis(self.of[None], chosen[:, :, None], axis=2)[:, :, 0])

    def _certain(self, entry: IntArray) -> FloatArray:
        policy = np.zeros((len(entry), *self.shape))
        action = np.append(self.action, 0)[entry]  # nothing is decided in a terminal state
        np.put_along_axis(policy, action[:, :, None], 1.0, axis=2)
        return policy
