"""Whole populations of patients through a policy table, in arrays.

Every random number belongs to (seed, episode, decision), so an episode is the same whatever the size of a batch and
whichever other episodes are simulated: numpy's Philox is a counter-based generator, keyed by seed and decision and
advanced to the episode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from harness.core.errors import UsageError
from harness.mdp.dataset import Dataset
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
    sampler = _Sampler(mdp, check_policy(mdp, policy), table)
    limit = LONGEST if horizon is None else horizon
    parts = [sampler.run(seed, first, n, limit) for first, n in _batches(episodes, batch)]
    return Population(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def record(
    mdp: TabularMDP,
    policy: ArrayLike,
    episodes: int,
    *,
    seed: int,
    horizon: int | None = None,
    batch: int = BATCH,
    begin: int = 0,
) -> Dataset:
    """Every transition of `episodes` patients: the same ones that `simulate` with this seed summarises.

    Parameters
    ----------
    mdp : TabularMDP
    policy : float array, shape (S, A)
        The behaviour policy; what it gave to each action taken is the dataset's `propensity`.
    episodes, seed, horizon, batch
        As in `simulate`. An episode that is cut off ends with a transition that is not `terminated`.
    begin : int
        The first episode of the population to be recorded, a multiple of 4: to go on with a population in parts.

    Raises
    ------
    UsageError
        If `episodes`, `batch` or `horizon` is less than 1, or `begin` is no multiple of 4.
    InvalidPolicy
        If the table is no policy of this MDP.
    """
    if begin < 0 or begin % WORDS:
        raise UsageError(f"Recording was to begin at episode {begin}; expected a multiple of {WORDS}.")
    limit = LONGEST if horizon is None else horizon
    if limit < 1:
        raise UsageError(f"A horizon of {limit} decisions was asked for; expected at least 1, for something to record.")
    probabilities = check_policy(mdp, policy)
    sampler = _Sampler(mdp, probabilities, None)
    parts = [sampler.recorded(seed, begin, first, n, limit) for first, n in _batches(episodes, batch)]
    episode, step, state, action, reward, following = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Dataset(
        episode=episode,
        step=step,
        state=state,
        action=action,
        reward=reward,
        next_state=following,
        terminated=mdp.terminal[following],
        propensity=probabilities[state, action],
        n_states=mdp.n_states,
        n_actions=mdp.n_actions,
        discount=mdp.discount,
    )


def _batches(episodes: int, batch: int) -> list[tuple[int, int]]:
    """The first episode of each batch and how many it has; batches begin where Philox can begin."""
    if episodes < 1 or batch < 1:
        raise UsageError(f"{episodes} episodes in batches of {batch} were asked for; expected at least 1 of each.")
    step = max(batch // WORDS, 1) * WORDS
    return [(first, min(step, episodes - first)) for first in range(0, episodes, step)]


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
        """What became of n episodes, in the order of the fields of `Population`."""
        start = self._starts(seed, first, n)
        state = start.copy()
        returns, losses = np.zeros(n), np.zeros(n)
        lengths = np.zeros(n, dtype=np.int64)
        discount = 1.0
        for who, here, action, reward, following in self._decisions(start, seed, first, limit):
            returns[who] += discount * reward
            if self._table is not None:
                losses[who] += discount * self._table[here, action]
            lengths[who] += 1
            state[who] = following
            discount *= self._mdp.discount
        return start, state, returns, lengths, losses, self._mdp.terminal[state]

    def recorded(self, seed: int, begin: int, first: int, n: int, limit: int) -> tuple[np.ndarray, ...]:
        """Every transition of n episodes: episode (counted from `begin`), step, state, action, reward, next state."""
        place = begin + first
        decisions = list(self._decisions(self._starts(seed, place, n), seed, place, limit))
        who, *columns = (np.concatenate(parts) for parts in zip(*decisions, strict=True))
        step = np.repeat(np.arange(len(decisions)), [len(decision[0]) for decision in decisions])
        order = np.argsort(who, kind="stable")  # decisions come in time order, and stay so within an episode
        state, action, reward, following = (column[order] for column in columns)
        return first + who[order], step[order], state, action, reward, following

    def _starts(self, seed: int, first: int, n: int) -> IntArray:
        start, _ = self._start.draw(np.zeros(n, dtype=np.int64), _uniforms(seed, 0, first, n))
        return start.astype(np.int64)

    def _decisions(
        self, start: IntArray, seed: int, first: int, limit: int
    ) -> Iterator[tuple[IntArray, IntArray, IntArray, FloatArray, IntArray]]:
        """Decision by decision, of the episodes still going on: which they are, state, action, reward, next state."""
        mdp, n = self._mdp, len(start)
        going = np.flatnonzero(~mdp.terminal[start])
        here = start[going]
        for decision in range(limit):
            if not going.size:
                return
            action, _ = self._actions.draw(here, _uniforms(seed, 2 * decision + 1, first, n)[going])
            row = mdp.row_of[here, action]
            following, position = self._successors.draw(row, _uniforms(seed, 2 * decision + 2, first, n)[going])
            reward = mdp.row_reward[row] if self._paid is None else self._paid[position]
            yield going, here, action.astype(np.int64), reward, following.astype(np.int64)
            lasting = ~mdp.terminal[following]
            going, here = going[lasting], following[lasting].astype(np.int64)


def rewards_of(rows: sparse.csr_array, rewards: sparse.csr_array) -> FloatArray:
    """The reward that belongs to each stored transition, in the order of `rows.data`, shape (N,)."""
    where = sparse.csr_array((np.arange(1, rows.nnz + 1), rows.indices, rows.indptr), shape=rows.shape)
    paid = np.zeros(rows.nnz)
    given = rewards.tocoo()
    position = np.asarray(where[given.row, given.col]).ravel().astype(np.int64)
    paid[position[position > 0] - 1] = given.data[position > 0]
    return paid
