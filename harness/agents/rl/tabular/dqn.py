"""DQN (Mnih et al. 2015) with a table for a network: replay, a target table, and Adam on the mean squared error.

As in `src/algos/dqn.py` of the paper: its published settings move the target table by 1 % every 512 decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from harness.agents.rl.tabular.adam import Adam
from harness.agents.rl.tabular.entries import Entries
from harness.agents.rl.tabular.exploration import Exploration, Exploring
from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.agents.rl.tabular.replay import Replay
from harness.mdp.tabular import FloatArray, TabularMDP

BLOCK = 500

EPSILON = 1e-8
"""Of Adam: PyTorch's default, which the paper's code leaves as it is."""


class Settings(Exploring):
    """Defaults: arXiv:2406.05646, table 11, and `experiments/PaperPlots/dqn.json`."""

    exploration_fraction: float = Field(0.25, gt=0, le=1)
    learning_rate: float = Field(0.001, gt=0)
    buffer: int = Field(10_000, ge=1)
    batch: int = Field(64, ge=1)
    learning_starts: int = Field(10_000, ge=0, description="decisions before the first update")
    train_every: int = Field(10, ge=1, description="decisions")
    target_every: int = Field(512, ge=1, description="decisions")
    polyak: float = Field(0.01, gt=0, le=1)


class DQN:
    """K agents in lockstep."""

    def __init__(self, mdp: TabularMDP, settings: Settings, seeds: Sequence[int]) -> None:
        self._settings = settings
        self._entries = entries = Entries(mdp)
        self._exploration = Exploration(entries, settings)
        self.lanes = Lanes(mdp, seeds, BLOCK)
        k, self._stride = len(seeds), entries.size + 1
        self._q: FloatArray = np.zeros((k, self._stride))
        self._q[:, -1] = -np.inf  # no action
        self._target: FloatArray = self._q.copy()
        self._adam = Adam(self._q, settings.learning_rate, EPSILON)
        self._replay = Replay(settings.buffer, settings.batch, self.lanes)
        self._lane = self._stride * np.arange(k)
        self._going_on = np.where(mdp.terminal, 0.0, mdp.discount)
        self._row = np.append(entries.row, 0.0)
        self.memory: Memory = (
            self.lanes.memory | self._adam.memory("q") | self._replay.memory | {"target": self._target}
        )

    def advance(self) -> None:
        """One block of decisions, some followed by an update."""
        lanes, entries, settings = self.lanes, self._entries, self._settings
        lanes.begin()
        self._exploration.begin(lanes)
        self._replay.begin(settings.train_every)
        k, width = len(lanes.seeds), entries.width
        offset, corner = self._lane[:, None], width * np.arange(k)
        here, q = np.empty((k, width), np.int64), np.empty((k, width))
        place, state, entry = (np.empty(k, np.int64) for _ in range(3))
        row = np.empty(k)
        done = int(lanes.blocks[0]) * BLOCK
        for i in range(BLOCK):
            np.copyto(state, lanes.state)
            entries.of.take(state, axis=0, out=here, mode="clip")
            np.add(here, offset, out=here)
            self._q.take(here, out=q, mode="clip")
            q.argmax(axis=1, out=place)
            self._exploration.mix(i, state, place)
            np.add(place, corner, out=place)
            here.take(place, out=entry, mode="clip")
            np.subtract(entry, self._lane, out=entry)
            self._row.take(entry, out=row, mode="clip")
            lanes.step(i, row)
            self._replay.add(i, entry)
            step = done + i + 1
            if step > settings.learning_starts:
                if step % settings.train_every == 0:
                    self._learn(i)
                if step % settings.target_every == 0:
                    self._target += settings.polyak * (_finite(self._q) - _finite(self._target))
        lanes.end()

    def _learn(self, i: int) -> None:
        replay, settings = self._replay, self._settings
        replay.draw(i)
        lane = np.repeat(self._lane, settings.batch)
        slots = self._entries.of[replay.following] + lane[:, None]
        best = self._target.take(slots, mode="clip").max(axis=1)
        going_on = self._going_on[replay.following]
        best[going_on == 0] = 0.0  # a terminal state has no actions
        chosen = replay.entry + lane
        error = self._q.take(chosen, mode="clip") - (replay.reward + going_on * best)
        error *= 2.0 / settings.batch
        summed: FloatArray = np.bincount(chosen, error, minlength=self._q.size).astype(np.float64)
        self._adam.step(summed.reshape(self._q.shape))

    def values(self) -> FloatArray:
        """Q, shape (K, S, A); NaN where the action is never taken."""
        return self._entries.spread(self._q, np.nan)

    def policy(self) -> FloatArray:
        """The greedy policies, shape (K, S, A)."""
        return self._entries.greedy(self._q)


def _finite(table: FloatArray) -> FloatArray:
    """Without the entry of no action."""
    return np.where(np.isfinite(table), table, 0.0)
