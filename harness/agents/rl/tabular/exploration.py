"""ε-greedy: a share ε of the decisions is any admissible action, and ε falls in a straight line with the episodes."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from harness.agents.rl.tabular.entries import Entries
from harness.agents.rl.tabular.lanes import Lanes
from harness.agents.rl.tabular.settings import TrainingSettings
from harness.mdp.tabular import FloatArray, IntArray


class Exploring(TrainingSettings):
    """Settings of a learner that explores like this."""

    start_epsilon: float = Field(1.0, ge=0, le=1)
    end_epsilon: float = Field(0.001, ge=0, le=1)
    exploration_fraction: float = Field(gt=0, le=1, description="share of the episodes in which ε falls")

    def epsilon(self, episodes: IntArray) -> FloatArray:
        """ε after so many episodes."""
        slope = (self.end_epsilon - self.start_epsilon) / (self.exploration_fraction * self.episodes)
        line = self.start_epsilon + slope * episodes
        low, high = sorted((self.start_epsilon, self.end_epsilon))
        return np.clip(line, low, high)


class Exploration:
    """Which decisions of a block are not greedy; ε is that of the block's first episode."""

    def __init__(self, entries: Entries, settings: Exploring) -> None:
        self._count = entries.count
        self._settings = settings

    def begin(self, lanes: Lanes) -> None:
        """Draw for the block that comes."""
        u = lanes.uniforms("exploration", 2, lanes.block)
        self._explores = u[0] < self._settings.epsilon(lanes.episodes)
        self._place = u[1]
        self._any = self._explores.any(axis=1).tolist()

    def mix(self, i: int, state: IntArray, place: IntArray) -> None:
        """Replace greedy choices, places (K,) among the state's actions, where decision `i` explores."""
        if self._any[i]:
            explores = self._explores[i]
            place[explores] = (self._place[i, explores] * self._count[state[explores]]).astype(np.int64)
