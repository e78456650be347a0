"""PPO (Schulman et al. 2017) with tables for the policy's logits and the values, both beginning at 0.

As in `src/algos/ppo.py` of the paper, which follows CleanRL: advantages are normalised over the rollout, the gradient
of policy and values together is clipped by its norm, and the epochs of a rollout end after the first in which the
policy was further than the target from the one that acted. A rollout is one batch, as in the published settings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from harness.agents.rl.tabular import softmax
from harness.agents.rl.tabular.adam import Adam
from harness.agents.rl.tabular.entries import Entries
from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.agents.rl.tabular.settings import TrainingSettings
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

EPSILON = 1e-5
"""Of Adam (`src/algos/ppo.py`)."""

TINY = 1e-8
"""Added to the standard deviation of advantages (`src/algos/ppo.py`)."""


class Settings(TrainingSettings):
    """Defaults: arXiv:2406.05646, table 11, and `experiments/PaperPlots/ppo.json`."""

    learning_rate: float = Field(0.005, gt=0)
    rollout: int = Field(500, ge=2, description="decisions between two updates")
    gae_lambda: float = Field(0.4, ge=0, le=1)
    epochs: int = Field(6, ge=1)
    clip: float = Field(0.5, gt=0)
    entropy: float = Field(0.005, ge=0, description="weight of the entropy bonus")
    value_weight: float = Field(0.3, ge=0)
    max_gradient_norm: float = Field(0.4, gt=0)
    target_kl: float = Field(0.001, gt=0)


class PPO:
    """K agents in lockstep."""

    def __init__(self, mdp: TabularMDP, settings: Settings, seeds: Sequence[int]) -> None:
        self._settings = settings
        self._discount = mdp.discount
        self._entries = entries = Entries(mdp)
        self.lanes = Lanes(mdp, seeds, settings.rollout)
        k, self._own = len(seeds), entries.size + 1
        self._table: FloatArray = np.zeros((k, self._own + mdp.n_states))
        self._table[:, entries.size] = -np.inf  # no action
        self._adam = Adam(self._table, settings.learning_rate, EPSILON)
        self._row = np.append(entries.row, 0.0)
        self.memory: Memory = self.lanes.memory | self._adam.memory("actor-critic")

    def advance(self) -> None:
        """One rollout and what is learned from it."""
        states, places = self._roll_out()
        self._learn(states, places)
        self.lanes.end()

    def _roll_out(self) -> tuple[IntArray, IntArray]:
        """States (n + 1, K), the one after the last decision too, and places of the actions taken (n, K)."""
        lanes, entries = self.lanes, self._entries
        lanes.begin()
        luck = lanes.uniforms("policy", lanes.block)
        k, n_states = len(lanes.seeds), entries.shape[0]
        below = softmax.probabilities(entries, self._table[:, : self._own]).cumsum(axis=2)
        below = below.reshape(k * n_states, entries.width)
        last = entries.count - 1
        corner, first, flat = n_states * np.arange(k), entries.width * np.ones(1, np.int64), entries.of.ravel()
        states, places = np.empty((lanes.block + 1, k), np.int64), np.empty((lanes.block, k), np.int64)
        rows, where, row = np.empty((k, entries.width)), np.empty(k, np.int64), np.empty(k)
        for i in range(lanes.block):
            state, place = states[i], places[i]
            np.copyto(state, lanes.state)
            np.add(state, corner, out=where)
            below.take(where, axis=0, out=rows, mode="clip")
            np.less_equal(rows, luck[i][:, None]).sum(axis=1, out=place)
            np.minimum(place, last.take(state), out=place)
            np.multiply(state, first, out=where)
            np.add(where, place, out=where)
            self._row.take(flat.take(where), out=row, mode="clip")
            lanes.step(i, row)
        states[-1] = lanes.state
        return states, places

    def _learn(self, states: IntArray, places: IntArray) -> None:
        settings, lanes = self._settings, self.lanes
        advantage, returns = self._advantages(states)
        spread = np.sqrt(_mean((advantage - _mean(advantage)) ** 2) * len(advantage) / (len(advantage) - 1))
        advantage = (advantage - _mean(advantage)) / (spread + TINY)
        lane = np.arange(len(lanes.seeds))
        before, _ = self._scores(states[:-1], places, lane)
        going = np.ones(len(lane), dtype=np.bool_)
        for _ in range(settings.epochs):
            active = np.flatnonzero(going)
            if not active.size:
                break
            gradient, divergence = self._gradient(
                states[:-1, active], places[:, active], active,
                before[:, active], advantage[:, active], returns[:, active],
            )  # fmt: skip
            whole = np.zeros_like(self._table)
            norm = np.sqrt((gradient * gradient).sum(axis=1, keepdims=True))
            whole[active] = gradient * np.minimum(settings.max_gradient_norm / (norm + 1e-6), 1.0)
            self._adam.step_some(whole, going)
            going[active] = divergence <= settings.target_kl

    def _advantages(self, states: IntArray) -> tuple[FloatArray, FloatArray]:
        """Generalised advantages and their returns (n, K)."""
        lanes, settings = self.lanes, self._settings
        values = self._values_of(states, np.arange(states.shape[1]))
        going_on = np.where(lanes.ended, 0.0, self._discount)
        error = lanes.rewards + going_on * values[1:] - values[:-1]
        advantage = np.empty_like(error)
        ahead = np.zeros(error.shape[1])
        decay = going_on * settings.gae_lambda
        for i in reversed(range(len(error))):
            ahead = error[i] + decay[i] * ahead
            advantage[i] = ahead
        return advantage, advantage + values[:-1]

    def _values_of(self, states: IntArray, lane: IntArray) -> FloatArray:
        return self._table[lane, self._own + states]

    def _scores(self, states: IntArray, places: IntArray, lane: IntArray) -> tuple[FloatArray, FloatArray]:
        """Log-probabilities of the actions taken (n, K), and of all (W, n, K); -inf where there is none."""
        z: FloatArray = np.ascontiguousarray(self._table[lane, self._entries.of.T[:, states]])
        z -= z.max(axis=0)
        z -= np.log(np.exp(z).sum(axis=0))
        taken: FloatArray = np.take_along_axis(z, places[None], axis=0)[0]
        return taken, z

    def _gradient(
        self, states: IntArray, places: IntArray, lane: IntArray,
        before: FloatArray, advantage: FloatArray, returns: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:  # fmt: skip
        """Of the loss by the tables of some lanes, and how far each policy is from the one that acted."""
        settings, n = self._settings, len(states)
        taken, scores = self._scores(states, places, lane)
        log_ratio = taken - before
        ratio = np.exp(log_ratio)
        divergence = _mean((ratio - 1) - log_ratio)
        clipped = np.clip(ratio, 1 - settings.clip, 1 + settings.clip)
        push = np.where(advantage * ratio <= advantage * clipped, -advantage * ratio, 0.0) / n
        p = np.exp(scores)
        scores = np.where(p > 0, scores, 0.0)
        entropy = -(p * scores).sum(axis=0)
        by_logit = p * (settings.entropy / n * (scores + entropy) - push)
        chosen = np.take_along_axis(by_logit, places[None], axis=0) + push
        np.put_along_axis(by_logit, places[None], chosen, axis=0)
        by_value = settings.value_weight / n * (self._values_of(states, lane) - returns)
        offset = self._table.shape[1] * np.arange(len(lane))
        size = self._table.shape[1] * len(lane)
        slots = self._entries.of.T[:, states] + offset
        found = np.bincount(slots.ravel(), by_logit.ravel(), minlength=size)
        found += np.bincount((states + (self._own + offset)).ravel(), by_value.ravel(), minlength=size)
        gradient: FloatArray = found.astype(np.float64, copy=False).reshape(len(lane), -1)
        return gradient, divergence

    def values(self) -> None:
        """The agent has values of states, not of actions."""

    def policy(self) -> FloatArray:
        """The policies, shape (K, S, A)."""
        return softmax.policy(self._entries, self._table[:, : self._own])


def _mean(samples: FloatArray) -> FloatArray:
    """Over the rollout (n, K), lane by lane: one lane and several are added up in the same order."""
    return np.asarray(np.ascontiguousarray(samples.T).mean(axis=1))
