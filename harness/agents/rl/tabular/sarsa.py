"""Sarsa (Rummery and Niranjan 1994) on a table, with Adam on the squared error of one transition at a time.

The paper's Sarsa is not quite Sarsa: its code (`src/algos/sarsa.py`, commit fd068e3) looks up the greedy action of the
*previous* state and takes it in the next one, where it may not even be admissible. That is `stale_greedy`, off unless
asked for: with it the agent does what the published one does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from harness.agents.rl.tabular.adam import LazyAdam
from harness.agents.rl.tabular.entries import Entries
from harness.agents.rl.tabular.exploration import Exploration, Exploring
from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.agents.rl.tabular.q_learning import BLOCK, EPSILON
from harness.core.errors import InvalidMDP
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP


class Settings(Exploring):
    """Defaults: arXiv:2406.05646, table 11, and `experiments/PaperPlots/sarsa.json`."""

    exploration_fraction: float = Field(0.25, gt=0, le=1)
    learning_rate: float = Field(0.0025, gt=0)
    stale_greedy: bool = Field(False, description="greedy by the previous state, as the published code is")


class Sarsa:
    """K agents in lockstep."""

    def __init__(self, mdp: TabularMDP, settings: Settings, seeds: Sequence[int]) -> None:
        self._stale = settings.stale_greedy
        if self._stale and not mdp.legal[~mdp.terminal].all():
            raise InvalidMDP("stale_greedy takes any action anywhere, and some are illegal in this MDP.")
        self._entries = entries = Entries(mdp, everything=self._stale)
        self._exploration = Exploration(entries, settings)
        self.lanes = Lanes(mdp, seeds, BLOCK)
        k, stride = len(seeds), entries.size + 1
        self._adam = LazyAdam(k, stride, settings.learning_rate, EPSILON, BLOCK)
        self._lane = stride * np.arange(k)
        self._adam.set(self._lane + entries.size, -np.inf)
        self._row = np.tile(np.append(entries.row, 0.0), k)
        self._action = np.tile(np.append(entries.action, 0), k)
        self._slot: IntArray = self._lane + entries.of[self.lanes.state, 0]
        self.memory: Memory = self.lanes.memory | self._adam.memory("q") | {"slot": self._slot}

    def advance(self) -> None:
        """One block of decisions, each learned from at once."""
        lanes, adam, entries, slot = self.lanes, self._adam, self._entries, self._slot
        lanes.begin()
        adam.begin()
        self._exploration.begin(lanes)
        k, width = len(lanes.seeds), entries.width
        offset, corner = self._lane[:, None], width * np.arange(k)
        here: IntArray = np.empty((k, width), np.int64)
        q, pairs, one = np.empty((k, width)), np.empty((k, width, 2)), np.empty((k, 2))
        place, following, row = np.empty(k, np.int64), np.empty(k, np.int64), np.empty(k)
        old, target = np.empty(k), np.empty(k)
        for i in range(BLOCK):
            self._row.take(slot, out=row, mode="clip")
            adam.read(i, slot, one, old)
            if self._stale:
                entries.of.take(lanes.state, axis=0, out=here, mode="clip")
            lanes.step(i, row)
            if not self._stale:
                entries.of.take(lanes.state, axis=0, out=here, mode="clip")
            np.add(here, offset, out=here)
            adam.read(i, here, pairs, q)
            q.argmax(axis=1, out=place)
            if self._stale:
                np.add(place, corner, out=place)
                here.take(place, out=following, mode="clip")
                following[:] = self._lane + entries.at[lanes.state, self._action[following]]
                place[:] = -1
                self._exploration.mix(i, lanes.state, place)
                explored = np.flatnonzero(place >= 0)
                following[explored] = self._lane[explored] + entries.of[lanes.state[explored], place[explored]]
                adam.read(i, following, one, target)
            else:
                self._exploration.mix(i, lanes.state, place)
                np.add(place, corner, out=place)
                here.take(place, out=following, mode="clip")
                q.take(place, out=target, mode="clip")
            np.multiply(target, lanes.going_on, out=target)
            np.add(target, lanes.rewards[i], out=target)
            np.subtract(old, target, out=target)
            np.multiply(target, 2.0, out=target)
            adam.step(i, slot, old, target)
            np.copyto(slot, following)
        adam.end()
        lanes.end()

    def values(self) -> FloatArray:
        """Q, shape (K, S, A); NaN where the action is never taken."""
        return self._entries.spread(self._adam.table(), np.nan)

    def policy(self) -> FloatArray:
        """The greedy policies, shape (K, S, A)."""
        return self._entries.greedy(self._adam.table())
