"""Which environments a Q-network can be learned in: those that play many patients side by side, actions numbered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.core.environment import Action, Environment
from harness.core.errors import UsageError
from harness.envs.anticoagulation.heparin import vector
from harness.envs.anticoagulation.heparin.constants import HOURS
from harness.envs.anticoagulation.heparin.environment import HeparinInfusion, worded
from harness.envs.anticoagulation.heparin.infusion import Chart
from harness.envs.anticoagulation.heparin.shown import chart_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
History = Sequence[tuple[Any, Any]]


class Ward(Protocol):
    """Patients side by side, whose episodes are all of the same length."""

    def reset(self, seeds: Sequence[int]) -> FloatArray:
        """Begin the episodes of some seeds; features, shape (n, f)."""
        ...

    def step(self, actions: IntArray) -> tuple[FloatArray, FloatArray, bool]:
        """Carry out numbered actions (n,): features (n, f), rewards (n,), and whether the episodes are over."""
        ...


@dataclass(frozen=True)
class Task:
    """An environment as a learner needs it, and its decisions as an agent does.

    Attributes
    ----------
    ward : Ward
    features : tuple of str
        What the ward's columns are.
    actions : tuple of str
        What the numbers of actions mean.
    steps : int
        Decisions of an episode.
    discount : float
    seen : function of an observation and the history before it
        The features of one patient, shape (f,): those that the ward has.
    action : function of a number, an observation and the history before it
        The action that the number means there.
    """

    ward: Ward
    features: tuple[str, ...]
    actions: tuple[str, ...]
    steps: int
    discount: float
    seen: Callable[[Any, History], FloatArray]
    action: Callable[[int, Any, History], Action]


def task_of(env: Environment[Any, Any]) -> Task:
    """The task that an environment is.

    Raises
    ------
    UsageError
        If there is none.
    """
    if isinstance(env, HeparinInfusion):
        return _heparin(env)
    raise UsageError(
        f"Nothing is trained in {env.spec.id} by 'dqn'; it learns infusions of heparin, e.g. --env heparin-labs."
    )


def _heparin(env: HeparinInfusion) -> Task:
    def chart(observation: Any, history: History) -> Chart:
        return chart_of(observation, history, env.setting)

    def action(number: int, observation: Any, history: History) -> Action:
        ordered = vector.orders_of(chart(observation, history), np.array([number]))
        return worded(ordered, observation.rate, env.action_type)

    return Task(
        ward=vector.Ward(env.setting),
        features=vector.FEATURES,
        actions=tuple(map(str, vector.numbered(env.setting))),
        steps=HOURS // env.setting.step,
        discount=env.spec.discount,
        seen=lambda observation, history: vector.features(chart(observation, history))[0],
        action=action,
    )
