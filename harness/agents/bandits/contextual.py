"""Contextual bandits on a tabular task: the myopic reference between a heuristic and reinforcement learning.

A bandit learns what follows a decision without ever looking at the next state's value. The reward that is paid at once
is 0 almost everywhere in ICU-Sepsis, so nothing could be learned from it (γ = 0). What it learns instead is the mean
of the whole return from the decision on, `E[outcome | state, action]`, where all later decisions are the bandit's own
of that time: no bootstrapping, no planning. The outcome is known when the episode has ended, so patients come in rounds
of `batch`, all treated by the policy of the round, and are learned from together.

The trained policy takes the action of the largest estimated mean, without any exploration.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.bandits.contexts import contexts
from harness.agents.bandits.linear import LinearModels
from harness.core.seeds import check_training_seeds, stream
from harness.mdp.environment import TabularEnvironment
from harness.mdp.simulate import record
from harness.mdp.tabular import BoolArray, FloatArray

TIED = 1e-12
"""Scores that differ by no more than this are the same."""


class Settings(BaseModel):
    """What every contextual bandit is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, description="training seed: of the patients and of what is drawn")
    episodes: int = Field(20_000, ge=1, description="patients to learn from")
    batch: int = Field(100, ge=4, multiple_of=4, description="patients a round")
    ridge: float = Field(1.0, gt=0, allow_inf_nan=False, description="λ of the regression")

    @abstractmethod
    def tried(self, models: LinearModels, legal: BoolArray, random: np.random.Generator) -> FloatArray:
        """The policy of the next round, shape (S, A)."""


def learn(
    env: TabularEnvironment[Any, Any], settings: Settings, watch: Callable[[int], None] = lambda episodes: None
) -> tuple[FloatArray, FloatArray]:
    """The trained policy (S, A), and the estimated outcome of every state and action (S, A).

    `watch` is told after each round how many episodes were learned from.

    Raises
    ------
    UsageError
        If the seed is no training seed.
    """
    check_training_seeds([settings.seed])
    mdp = env.mdp
    legal = mdp.legal | mdp.terminal[:, None]
    models = LinearModels(contexts(env), mdp.n_actions, settings.ridge)
    random = stream(settings.seed, "bandit")
    for begin in range(0, settings.episodes, settings.batch):
        n = min(settings.batch, settings.episodes - begin)
        policy = settings.tried(models, legal, random)
        data = record(mdp, policy, n, seed=settings.seed, horizon=env.spec.horizon, begin=begin)
        models.update(data.state, data.action, data.to_come)
        watch(begin + n)
    mean = models.mean()
    chosen = np.where(legal, mean, -np.inf).argmax(axis=1)
    return np.eye(mdp.n_actions)[chosen], mean


def best(scores: FloatArray, legal: BoolArray) -> FloatArray:
    """The policy of the best legal scores (S, A), evenly among several that are the same."""
    possible = np.where(legal, scores, -np.inf)
    attained = possible >= possible.max(axis=1, keepdims=True) - TIED
    policy: FloatArray = attained / attained.sum(axis=1, keepdims=True)
    return policy
