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
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.rl.tabular import softmax
from harness.agents.rl.tabular.adam import Adam
from harness.agents.rl.tabular.entries import Entries
from harness.agents.rl.tabular.exploration import EPISODES
from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.agents.rl.tabular.replay import Replay
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

BLOCK = 500

EPSILON = 1e-4
"""Of Adam (`src/algos/sac.py`)."""

NONE = np.float32(-1e4)
"""Logit of what is no action: its probability is 0, and times its logarithm it is 0 too."""

Single = NDArray[np.float32]


class Settings(BaseModel):
    """Defaults: arXiv:2406.05646, table 11, and `experiments/PaperPlots/sac.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    episodes: int = Field(EPISODES, ge=1)
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
        self._logit_of: IntArray = np.vstack([np.where(entries.of < entries.size, entries.of, none).T, joint])
        self._q_of: IntArray = np.vstack([entries.of.T, np.full(n_states, entries.size)])
        self._times = np.vstack([(entries.of < entries.size).T, others]).astype(np.float32)
        self._times[0, mdp.terminal] = 1.0  # not used, and no division by 0
        self._weight = np.float32(1.0) / np.where(settings.all_actions, n_actions, np.maximum(entries.count, 1)).astype(
            np.float32
        )
        self._logits: Single = np.zeros((k, none + 1), dtype=np.float32)
        self._logits[:, none] = NONE
        self._q: Single = np.zeros((k, entries.size + 1), dtype=np.float32)  # the last is of actions never taken
        self._target: Single = self._q.copy()
        self._actor = Adam(self._logits, settings.actor_learning_rate, EPSILON)
        self._critic = Adam(self._q, settings.critic_learning_rate, EPSILON)
        self._replay = Replay(settings.buffer, settings.batch, self.lanes)
        self._going_on = np.where(mdp.terminal, 0.0, mdp.discount).astype(np.float32)
        self._row = np.append(entries.row, 0.0)
        self._logit_lane = self._logits.shape[1] * np.arange(k)
        self._q_lane = self._q.shape[1] * np.arange(k)
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
        offset, last = self._logit_lane[:, None], entries.count - 1
        own = self._logit_of[:width].T.copy()
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
            self._replay.add(i, entry, state)
            if step > settings.learning_starts:
                if step % settings.train_every == 0:
                    self._learn(i)
                if step % settings.target_every == 0:
                    self._target += np.float32(settings.polyak) * (self._q - self._target)
        lanes.end()

    def _learn(self, i: int) -> None:
        replay, settings = self._replay, self._settings
        replay.draw(i)
        q_lane, logit_lane = np.tile(self._q_lane, settings.batch), np.tile(self._logit_lane, settings.batch)

        following = replay.following.ravel()
        p, log_p = self._policy_in(following, self._logit_of.take(following, axis=1) + logit_lane)
        p *= self._times.take(following, axis=1)
        value = self._target.take(self._q_of.take(following, axis=1) + q_lane)
        value -= settings.alpha * log_p
        value *= p
        goal = replay.reward.ravel() + self._going_on.take(following) * value.sum(axis=0)
        chosen = replay.entry.ravel() + q_lane
        error = self._q.take(chosen) - goal
        error *= 2.0 / settings.batch
        self._critic.step(_summed(chosen, error, self._q))

        state = replay.state.ravel()
        slots = self._logit_of.take(state, axis=1) + logit_lane
        p, log_p = self._policy_in(state, slots)
        log_p *= np.float32(settings.alpha)
        log_p -= self._q.take(self._q_of.take(state, axis=1) + q_lane)
        mean = (p * self._times.take(state, axis=1) * log_p).sum(axis=0)
        log_p -= mean
        p *= log_p
        p *= self._weight.take(state) / np.float32(settings.batch)
        self._actor.step(_summed(slots.ravel(), p.ravel(), self._logits))

    def _policy_in(self, state: IntArray, slots: IntArray) -> tuple[Single, Single]:
        """Probabilities and their logarithms in states (n,): of one action each, shape (W + 1, n)."""
        z = self._logits.take(slots)
        z -= z.max(axis=0)
        p = np.exp(z)
        total = (p * self._times.take(state, axis=1)).sum(axis=0)
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
