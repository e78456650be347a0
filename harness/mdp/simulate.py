"""Whole populations of patients through a policy table, in arrays.

Every random number belongs to (seed, episode, decision), so an episode is the same whatever the size of a batch and
whichever other episodes are simulated: numpy's Philox is a counter-based generator, keyed by seed and decision and
advanced to the episode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from harness.core.errors import UsageError
from harness.mdp.policy import check_policy
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP

BATCH = 1 << 16
"""Episodes simulated at a time; a batch takes about 10 MB whatever the number of episodes."""

LONGEST = 10_000
"""Decisions after which an episode is cut off if no horizon is given."""


@dataclass(frozen=True, eq=False)
class Population:
    """What became of n simulated patients.

    Attributes
    ----------
    start, end : int array, shape (n,)
        First and last state.
    returns : float array, shape (n,)
        Discounted sum of rewards.
    lengths : int array, shape (n,)
        Number of decisions.
    losses : float array, shape (n,)
        Discounted sum of the given table over the decisions taken, e.g. of regret; zero if none was given.
    terminated : bool array, shape (n,)
        False where the episode was cut off.
    """

    start: IntArray
    end: IntArray
    returns: FloatArray
    lengths: IntArray
    losses: FloatArray
    terminated: BoolArray


def simulate(
    mdp: TabularMDP,
    policy: ArrayLike,
    episodes: int,
    *,
    seed: int,
    table: FloatArray | None = None,
    horizon: int | None = None,
    batch: int = BATCH,
) -> Population:
    """Simulate `episodes` patients.

    Parameters
    ----------
    mdp : TabularMDP
    policy : float array, shape (S, A)
    episodes : int
    seed : int
        Names the population; episode i of it is always the same.
    table : float array, shape (S, A), optional
        Summed over the decisions taken, discounted, into `losses`.
    horizon : int, optional
        Decisions after which an episode is cut off.
    batch : int
        Episodes at a time, a matter of memory alone.

    Raises
    ------
    UsageError
        If `episodes` or `batch` is less than 1.
    InvalidPolicy
        If the table is no policy of this MDP.
    """
    if episodes < 1 or batch < 1:
        raise UsageError(f"{episodes} episodes in batches of {batch} were asked for; expected at least 1 of each.")
    probabilities = check_policy(mdp, policy)
    sampler = _Sampler(mdp, probabilities, table)
    limit = LONGEST if horizon is None else horizon
    step = max(batch // WORDS, 1) * WORDS  # batches begin where Philox can begin
    parts = [sampler.run(seed, first, min(step, episodes - first), limit) for first in range(0, episodes, step)]
    return Population(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


WORDS = 4
"""Numbers in one block of Philox-4x64; `advance` counts blocks."""


def _uniforms(seed: int, decision: int, first: int, n: int) -> FloatArray:
    """Numbers in [0, 1) of episodes `first` to `first + n - 1` (`first` a multiple of `WORDS`), for one decision."""
    generator = np.random.Philox(key=np.array([seed, decision], dtype=np.uint64))
    generator.advance(first // WORDS)
    return np.random.Generator(generator).random(n)


class Choice:
    """Draws from one of many distributions, all rows of a sparse matrix, by inverting their cumulative sums.

    The sums of all rows are joined into one rising staircase, row i lying between i and i + 1. A guide table (Chen and
    Asau 1974) says for each of a row's equal slices where on the staircase it begins, so that a draw needs one or two
    comparisons instead of a binary search.

    Attributes
    ----------
    stairs : float array, shape (N,)
        Where each stored entry's share of the staircase ends.
    values : int array, shape (N,)
        Column of each stored entry.
    """

    def __init__(self, rows: sparse.csr_array) -> None:
        cumulative = np.cumsum(rows.data)
        before = np.concatenate([[0.0], cumulative])[rows.indptr]
        self._lengths = np.diff(rows.indptr)
        self._first, self._last = rows.indptr[:-1], rows.indptr[1:] - 1
        owner = np.repeat(np.arange(len(self._lengths)), self._lengths)
        self.stairs = owner + (cumulative - before[owner]) / np.diff(before)[owner]
        self.stairs[self._last] = np.arange(1, len(self._lengths) + 1)  # whatever rounding says
        slice_start = (np.arange(rows.nnz) - self._first[owner]) / self._lengths[owner]
        self._guide = np.searchsorted(self.stairs, owner + slice_start, side="right")
        self.values = rows.indices

    def draw(self, row: NDArray[np.integer], u: FloatArray) -> tuple[IntArray, IntArray]:
        """A value for each row, and the position in the matrix's data that it stands at."""
        position = self._guide[self._first[row] + (u * self._lengths[row]).astype(np.int64)]
        height = np.minimum(row + u, np.nextafter(row + 1.0, 0.0))
        short = np.flatnonzero(self.stairs[position] <= height)
        while short.size:
            position[short] += 1
            short = short[self.stairs[position[short]] <= height[short]]
        return self.values[position], position


class _Sampler:
    def __init__(self, mdp: TabularMDP, policy: FloatArray, table: FloatArray | None) -> None:
        self._mdp = mdp
        self._actions = Choice(sparse.csr_array(np.where(mdp.terminal[:, None], 1.0 / mdp.n_actions, policy)))
        self._successors = Choice(mdp.rows)
        self._start = Choice(sparse.csr_array(mdp.start[None, :]))
        self._paid = None if mdp.row_rewards is None else rewards_of(mdp.rows, mdp.row_rewards)
        self._table = table

    def run(self, seed: int, first: int, n: int, limit: int) -> tuple[np.ndarray, ...]:
        mdp = self._mdp
        start, _ = self._start.draw(np.zeros(n, dtype=np.int64), _uniforms(seed, 0, first, n))
        state = start.astype(np.int64)
        returns, losses = np.zeros(n), np.zeros(n)
        lengths = np.zeros(n, dtype=np.int64)
        going = np.flatnonzero(~mdp.terminal[state])
        discount = 1.0
        for decision in range(limit):
            if not going.size:
                break
            here = state[going]
            action, _ = self._actions.draw(here, _uniforms(seed, 2 * decision + 1, first, n)[going])
            row = mdp.row_of[here, action]
            following, position = self._successors.draw(row, _uniforms(seed, 2 * decision + 2, first, n)[going])
            reward = mdp.row_reward[row] if self._paid is None else self._paid[position]
            returns[going] += discount * reward
            if self._table is not None:
                losses[going] += discount * self._table[here, action]
            lengths[going] += 1
            state[going] = following
            discount *= mdp.discount
            going = going[~mdp.terminal[following]]
        return start, state, returns, lengths, losses, mdp.terminal[state]


def rewards_of(rows: sparse.csr_array, rewards: sparse.csr_array) -> FloatArray:
    """The reward that belongs to each stored transition, in the order of `rows.data`, shape (N,)."""
    where = sparse.csr_array((np.arange(1, rows.nnz + 1), rows.indices, rows.indptr), shape=rows.shape)
    paid = np.zeros(rows.nnz)
    given = rewards.tocoo()
    position = np.asarray(where[given.row, given.col]).ravel().astype(np.int64)
    paid[position[position > 0] - 1] = given.data[position > 0]
    return paid
