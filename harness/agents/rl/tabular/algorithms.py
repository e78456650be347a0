"""The algorithms by the names that `harness train` and manifests know them under."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.agents.rl.tabular import dqn, ppo, q_learning, sac, sarsa
from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.agents.rl.tabular.settings import TrainingSettings
from harness.core import settings
from harness.core.errors import unknown_name
from harness.mdp.tabular import FloatArray, TabularMDP


class Learner(Protocol):
    """K agents of one algorithm that learn in lockstep, one in each lane."""

    lanes: Lanes
    memory: Memory
    """Everything on which the next block depends, changed in place alone."""

    def advance(self) -> None:
        """Play and learn for one block of decisions."""
        ...

    def policy(self) -> FloatArray:
        """What has been learned, as policies (K, S, A)."""
        ...

    def values(self) -> FloatArray | None:
        """Q (K, S, A), NaN where an action is never taken; None if the agent has none."""
        ...


@dataclass(frozen=True)
class Algorithm:
    """How an algorithm is told and made."""

    settings: type[TrainingSettings]
    learner: Callable[[TabularMDP, Any, Sequence[int]], Learner]


ALGORITHMS: Mapping[str, Algorithm] = {
    "sarsa": Algorithm(sarsa.Settings, sarsa.Sarsa),
    "q-learning": Algorithm(q_learning.Settings, q_learning.QLearning),
    "tabular-dqn": Algorithm(dqn.Settings, dqn.DQN),
    "sac": Algorithm(sac.Settings, sac.SAC),
    "ppo": Algorithm(ppo.Settings, ppo.PPO),
}
"""`tabular-dqn` because `dqn` is the network's."""


def settings_of(algorithm: str, given: Mapping[str, Any]) -> TrainingSettings:
    """The settings of an algorithm, its defaults where nothing is given.

    Raises
    ------
    UsageError
        If there is no such algorithm or setting, or a value does not fit.
    """
    if algorithm not in ALGORITHMS:
        raise unknown_name("tabular algorithm", algorithm, ALGORITHMS)
    return settings.settings_of(ALGORITHMS[algorithm].settings, given, algorithm)
