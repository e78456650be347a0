"""Discrete soft actor-critic (Christodoulou 2019, arXiv:1910.07207) with tables that begin at 0, and a fixed α.

As in `src/algos/sac.py` of the paper, whose agent acts among the admissible actions alone, and learns over all actions:
the entropy, the next state's value and the actor's loss sum over actions that it never takes. What is the same for ever
is kept once, which changes nothing:

- both critics begin alike and are shown the same, so they are one;
- the inadmissible actions of a state are never taken, so their Q stays 0 and their logits stay equal: they are one
  entry, counted as often as there are such actions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.agents.rl.tabular import softmax
from harness.agents.rl.tabular.adam import Adam
from harness.agents.rl.tabular.entries import Entries
from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.agents.rl.tabular.replay import Replay
from harness.agents.rl.tabular.settings import TrainingSettings
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

BLOCK = 500

EPSILON = 1e-4
"""Of Adam (`src/algos/sac.py`)."""

NONE = np.float32(-1e4)
"""Logit of what is no action: its probability is 0, and times its logarithm it is 0 too."""

Single = NDArray[np.float32]


class Settings(TrainingSettings):
    """Defaults: arXiv:2406.05646, table 11, and `experiments/PaperPlots/sac.json`."""

    actor_learning_rate: float = Field(0.025, gt=0)
    critic_learning_rate: float = Field(0.025, gt=0)
    buffer: int = Field(10_000, ge=1)
    batch: int = Field(64, ge=1)
    learning_starts: int = Field(10_000, ge=0, description="decisions, random until then")
    train_every: int = Field(1, ge=1, description="decisions")
    target_every: int = Field(500, ge=1, description="decisions")
    polyak: float = Field(0.01, gt=0, le=1)
    alpha: float = Field(0.25, ge=0, description="weight of the entropy")
    all_actions: bool = Field(True, description="learn over inadmissible actions too, as the published code does")


class SAC:
    """K agents in lockstep."""

    def __init__(self, mdp: TabularMDP, settings: Settings, seeds: Sequence[int]) -> None:
        self._settings = settings
        self._entries = entries = Entries(mdp)
        self.lanes = Lanes(mdp, seeds, BLOCK)
        k, n_states, n_actions = len(seeds), *entries.shape
        others = np.where(settings.all_actions & ~mdp.terminal, n_actions - entries.count, 0)
        none = entries.size + n_states
        joint = np.where(others > 0, entries.size + np.arange(n_states), none)
        # a column a state: its admissible actions, and in the last row all others as one
        self._of: IntArray = np.vstack([np.where(entries.of < entries.size, entries.of, none).T, joint])
        self._others = others.astype(np.float32)
        self._shared = (1 / np.maximum(others, 1)).astype(np.float32)
        counted = np.full(n_states, n_actions) if settings.all_actions else np.maximum(entries.count, 1)
        self._weight = (1 / (counted * settings.batch)).astype(np.float32)
        self._logits: Single = np.zeros((k, none + 1), dtype=np.float32)
        self._logits[:, none] = NONE
        # beside each other in the same places; of actions never taken Q stays 0
        self._q: Single = np.zeros((k, none + 1), dtype=np.float32)
        self._target: Single = self._q.copy()
        self._actor = Adam(self._logits, settings.actor_learning_rate, EPSILON)
        self._critic = Adam(self._q[:, : entries.size], settings.critic_learning_rate, EPSILON)
        self._replay = Replay(settings.buffer, settings.batch, self.lanes)
        self._going_on = np.where(mdp.terminal, 0.0, mdp.discount).astype(np.float32)
        self._row = np.append(entries.row, 0.0)
        self._lane = (none + 1) * np.arange(k)
        self._lanes = np.repeat(self._lane, settings.batch)
        self.memory: Memory = (
            self.lanes.memory | self._actor.memory("actor") | self._critic.memory("critic")
            | self._replay.memory | {"target": self._target}
        )  # fmt: skip

    def advance(self) -> None:
        """One block of decisions, each followed by an update."""
        lanes, entries, settings = self.lanes, self._entries, self._settings
        lanes.begin()
        self._replay.begin(settings.train_every)
        luck = lanes.uniforms("policy", BLOCK)
        k, width = len(lanes.seeds), entries.width
        offset, last = self._lane[:, None], entries.count - 1
        own = self._of[:width].T.copy()
        here, z = np.empty((k, width), np.int64), np.empty((k, width), np.float32)
        entry, state, row = np.empty(k, np.int64), np.empty(k, np.int64), np.empty(k)
        done = int(lanes.blocks[0]) * BLOCK
        for i in range(BLOCK):
            step = done + i
            np.copyto(state, lanes.state)
            own.take(state, axis=0, out=here, mode="clip")
            if step < settings.learning_starts:
                place = (luck[i] * (last.take(state) + 1)).astype(np.int64)
            else:
                self._logits.take(here + offset, out=z, mode="clip")
                np.subtract(z, z.max(axis=1, keepdims=True), out=z)
                below = np.exp(z).cumsum(axis=1)
                place = (below <= (luck[i] * below[:, -1])[:, None]).sum(axis=1)
                np.minimum(place, last.take(state), out=place)
            entry[:] = np.take_along_axis(here, place[:, None], axis=1)[:, 0]
            self._row.take(entry, out=row, mode="clip")
            lanes.step(i, row)
            self._replay.add(i, entry)
            if step > settings.learning_starts:
                if step % settings.train_every == 0:
                    self._learn(i)
                if step % settings.target_every == 0:
                    self._target += np.float32(settings.polyak) * (self._q - self._target)
        lanes.end()

    def _learn(self, i: int) -> None:
        replay, settings, size = self._replay, self._settings, self._entries.size
        replay.draw(i)
        alpha = np.float32(settings.alpha)

        following = replay.following
        slots = self._slots(following)
        p, value = self._policy_in(following, slots)
        value *= -alpha
        value += self._target.take(slots)
        value *= p
        goal = replay.reward + self._going_on.take(following) * value.sum(axis=0)
        chosen = replay.entry + self._lanes
        error = self._q.take(chosen) - goal
        error *= 2.0 / settings.batch
        self._critic.step(_summed(chosen, error, self._q)[:, :size])

        state = self._entries.state.take(replay.entry)
        slots = self._slots(state)
        p, loss = self._policy_in(state, slots)
        loss *= alpha
        loss -= self._q.take(slots)
        loss -= (p * loss).sum(axis=0)
        p[-1] *= self._shared.take(state)
        loss *= p
        loss *= self._weight.take(state)
        self._actor.step(_summed(slots.ravel(), loss.ravel(), self._logits))

    def _slots(self, state: IntArray) -> IntArray:
        """Where the tables have what can be done in states (K * batch,): shape (W + 1, K * batch)."""
        slots = self._of.take(state, axis=1)
        slots += self._lanes
        return slots

    def _policy_in(self, state: IntArray, slots: IntArray) -> tuple[Single, Single]:
        """Probabilities, in the last row of all the others together, and their logarithms, of one action each."""
        z = self._logits.take(slots)
        z -= z.max(axis=0)
        p = np.exp(z)
        p[-1] *= self._others.take(state)
        total = p.sum(axis=0)
        p /= total
        z -= np.log(total)
        return p, z

    def values(self) -> FloatArray:
        """Q of the entropy-regularised task, shape (K, S, A); NaN where the action is never taken."""
        return self._entries.spread(self._q.astype(np.float64), np.nan)

    def policy(self) -> FloatArray:
        """The policies that act, shape (K, S, A)."""
        return softmax.policy(self._entries, self._logits.astype(np.float64))


def _summed(slots: IntArray, values: NDArray[np.floating], table: Single) -> Single:
    """What falls on each slot, in the table's shape."""
    return np.bincount(slots, values, minlength=table.size).reshape(table.shape).astype(np.float32)
