"""One patient in every lane: the MDP played for many training seeds at once.

Random numbers belong to (seed, name, block of decisions): Philox is a counter-based generator, keyed by them. A lane is
therefore the same whichever others are beside it, and nothing of a generator has to be kept to go on with a training.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InvalidMDP
from harness.mdp.simulate import Choice, rewards_of
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP

BELOW_ONE = 1.0 - 2.0**-36
"""The largest uniform number: added to the index of a row it stays below the next one."""

Memory = dict[str, NDArray[Any]]
"""Arrays by name, changed in place alone, on which everything that follows depends."""


def uniforms(seeds: Sequence[int], name: str, block: int, shape: tuple[int, ...]) -> FloatArray:
    """Numbers in [0, 1) of every lane, shape (*shape, K)."""
    return np.stack([_uniforms(seed, name, block, shape) for seed in seeds], axis=-1)


def _uniforms(seed: int, name: str, block: int, shape: tuple[int, ...]) -> FloatArray:
    key = np.array([seed | zlib.crc32(name.encode()) << 32, block], dtype=np.uint64)
    found = np.random.Generator(np.random.Philox(key=key)).random(shape)
    return np.minimum(found, BELOW_ONE, out=found)


class Lanes:
    """K patients, each of its own training seed, that all decide at the same time.

    A patient whose episode ends is followed by the next one in the same step.

    Parameters
    ----------
    mdp : TabularMDP
    seeds : sequence of int
    block : int
        Decisions for which random numbers are drawn at a time.

    Attributes
    ----------
    state : int array, shape (K,)
        Where each lane is.
    following : int array, shape (K,)
        Where the last decision led, which is terminal if it ended the episode.
    going_on : float array, shape (K,)
        The discount, or 0 where the last decision ended the episode.
    rewards : float array, shape (block, K)
    ended : bool array, shape (block, K)
        Of the decisions of this block.
    blocks : int array, shape (1,)
        Blocks finished.
    episodes : int array, shape (K,)
        Episodes finished before this block.
    """

    def __init__(self, mdp: TabularMDP, seeds: Sequence[int], block: int) -> None:
        if not mdp.always_ends:
            raise InvalidMDP("A policy of this MDP may never end, and online learning needs episodes that do.")
        choice = Choice(mdp.rows)
        self._stairs: FloatArray = choice.stairs
        self._successor: IntArray = choice.values.astype(np.int64)
        owner = np.repeat(np.arange(mdp.rows.shape[0]), np.diff(mdp.rows.indptr))
        self._paid = mdp.row_reward[owner] if mdp.row_rewards is None else rewards_of(mdp.rows, mdp.row_rewards)
        self._terminal: BoolArray = mdp.terminal
        self._going_on = np.where(mdp.terminal, 0.0, mdp.discount)
        # an episode that would begin in a terminal state is none
        self._begins = np.cumsum(np.where(mdp.terminal, 0.0, mdp.start))
        if not self._begins[-1] > 0:
            raise InvalidMDP("Every episode of this MDP begins in a terminal state; there is nothing to learn.")
        self.seeds = tuple(seeds)
        self.block = block
        k = len(self.seeds)
        self.state: IntArray = self._started(uniforms(self.seeds, "first", 0, (1,)))[0]
        self.following: IntArray = np.zeros(k, dtype=np.int64)
        self.going_on: FloatArray = np.zeros(k)
        self.rewards: FloatArray = np.zeros((block, k))
        self.ended: BoolArray = np.zeros((block, k), dtype=np.bool_)
        self.blocks: IntArray = np.zeros(1, dtype=np.int64)
        self.episodes: IntArray = np.zeros(k, dtype=np.int64)
        self._height: FloatArray = np.zeros(k)

    @property
    def memory(self) -> Memory:
        """What a training must keep of them between two blocks."""
        return {"lanes/state": self.state, "lanes/blocks": self.blocks, "lanes/episodes": self.episodes}

    def _started(self, u: FloatArray) -> IntArray:
        found = np.searchsorted(self._begins, u * self._begins[-1], side="right")
        last = np.flatnonzero(np.diff(self._begins, prepend=0.0))[-1]
        return np.asarray(np.minimum(found, last), dtype=np.int64)

    def uniforms(self, name: str, *shape: int) -> FloatArray:
        """Numbers in [0, 1) for the block that comes, shape (*shape, K)."""
        return uniforms(self.seeds, name, int(self.blocks[0]), shape)

    def alone(self, k: int, name: str, *shape: int) -> FloatArray:
        """Those of one lane."""
        return _uniforms(self.seeds[k], name, int(self.blocks[0]), shape)

    def begin(self) -> None:
        """Draw what this block's decisions lead to, and where episodes begin that begin in it."""
        self._luck = self.uniforms("dynamics", self.block)
        self._next = self._started(self.uniforms("patient", self.block))

    def end(self) -> None:
        """Count the block and the episodes that ended in it."""
        self.blocks += 1
        self.episodes += self.ended.sum(axis=0)

    def step(self, i: int, row: FloatArray) -> None:
        """Decision `i` of the block, shape (K,) indices of transition rows: sets everything above."""
        np.add(row, self._luck[i], out=self._height)
        position = self._stairs.searchsorted(self._height, side="right")
        self._successor.take(position, out=self.following, mode="clip")
        self._paid.take(position, out=self.rewards[i], mode="clip")
        ended = self.ended[i]
        self._terminal.take(self.following, out=ended, mode="clip")
        self._going_on.take(self.following, out=self.going_on, mode="clip")
        np.copyto(self.state, self.following)
        np.copyto(self.state, self._next[i], where=ended)
