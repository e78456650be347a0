"""Q-learning (Watkins 1989) on a table, with Adam on the squared error of one transition at a time.

As in `src/algos/qlearning.py` of the paper: Q begins at 0, the next state's maximum is over admissible actions, the
gradient is 2 (Q - target), and every transition is learned from once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from harness.agents.rl.tabular.adam import LazyAdam
from harness.agents.rl.tabular.entries import Entries
from harness.agents.rl.tabular.exploration import Exploration, Exploring
from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

BLOCK = 500

EPSILON = 1e-8
"""Of Adam: PyTorch's default, which the paper's code leaves as it is."""


class Settings(Exploring):
    """Defaults: arXiv:2406.05646, table 11, and `experiments/PaperPlots/qlearning.json`."""

    exploration_fraction: float = Field(0.1, gt=0, le=1)
    learning_rate: float = Field(0.0025, gt=0)


class QLearning:
    """K agents in lockstep."""

    def __init__(self, mdp: TabularMDP, settings: Settings, seeds: Sequence[int]) -> None:
        self._entries = entries = Entries(mdp)
        self._exploration = Exploration(entries, settings)
        self.lanes = Lanes(mdp, seeds, BLOCK)
        k, stride = len(seeds), entries.size + 1
        self._adam = LazyAdam(k, stride, settings.learning_rate, EPSILON, BLOCK)
        self._lane = stride * np.arange(k)
        self._adam.set(self._lane + entries.size, -np.inf)  # no action
        self._row = np.tile(np.append(entries.row, 0.0), k)
        self.memory: Memory = self.lanes.memory | self._adam.memory("q")

    def advance(self) -> None:
        """One block of decisions, each learned from at once."""
        lanes, adam, entries = self.lanes, self._adam, self._entries
        lanes.begin()
        adam.begin()
        self._exploration.begin(lanes)
        k, width = len(lanes.seeds), entries.width
        offset, corner = self._lane[:, None], width * np.arange(k)
        here: IntArray = entries.of[lanes.state] + offset
        q, pairs = np.empty((k, width)), np.empty((k, width, 2))
        place, slot, row = np.empty(k, np.int64), np.empty(k, np.int64), np.empty(k)
        old, target = np.empty(k), np.empty(k)
        adam.read(0, here, pairs, q)
        for i in range(BLOCK):
            q.argmax(axis=1, out=place)
            self._exploration.mix(i, lanes.state, place)
            np.add(place, corner, out=place)
            here.take(place, out=slot, mode="clip")
            q.take(place, out=old, mode="clip")
            self._row.take(slot, out=row, mode="clip")
            lanes.step(i, row)
            entries.of.take(lanes.state, axis=0, out=here, mode="clip")
            np.add(here, offset, out=here)
            adam.read(i, here, pairs, q)
            # where an episode ended these are the next patient's, and count for nothing
            q.max(axis=1, out=target)
            np.multiply(target, lanes.going_on, out=target)
            np.add(target, lanes.rewards[i], out=target)
            np.subtract(old, target, out=target)
            np.multiply(target, 2.0, out=target)
            adam.step(i, slot, old, target)
            adam.read(i + 1, here, pairs, q)
        adam.end()
        lanes.end()

    def values(self) -> FloatArray:
        """Q, shape (K, S, A); NaN where the action is never taken."""
        return self._entries.spread(self._adam.table(), np.nan)

    def policy(self) -> FloatArray:
        """The greedy policies, shape (K, S, A)."""
        return self._entries.greedy(self._adam.table())
