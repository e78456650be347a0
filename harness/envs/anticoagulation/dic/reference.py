"""What the fitted policy is worth from a patient's present state on, and after an action: by simulated futures."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.core.environment import ReferenceKind
from harness.core.seeds import stream
from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.actions import ACTIONS, CAUSE, INDEX, DicAction
from harness.envs.anticoagulation.dic.course import Course
from harness.envs.anticoagulation.dic.fitted import fitted
from harness.envs.anticoagulation.dic.patients import LABS, laboratory_error
from harness.mdp.tabular import FloatArray

FUTURES: Final = 64
"""Simulated courses behind a value."""


class FittedReference:
    """The fitted policy from one patient's decision on.

    The policy knows a chart, as agents do; only its value is found with the true state, from which the futures begin.
    All actions of a decision meet the same luck, which is none that the patient will have. What the policy itself would
    do has no regret; what is better than it has a negative one.

    Parameters
    ----------
    course : Course
        Of one patient, at a decision or at its end.
    seed : int
        Of the episode; the futures are drawn from a stream of their own.
    """

    kind = ReferenceKind.ESTIMATED

    def __init__(self, course: Course, seed: int) -> None:
        self._seed, self._over, self._treated = seed, course.over, bool(course.state.treated[0])
        self._now = course.futures(course.patients.chance[:1], course.patients.error[:1])
        self._values: dict[int, float] = {}
        self._luck: tuple[FloatArray, FloatArray] | None = None

    def value(self) -> float:
        """What the policy earns from here."""
        return 0.0 if self._over else self._worth(self._best())

    def action_value(self, action: DicAction) -> float:
        """What `action` earns, and the policy after it."""
        return self._worth(INDEX[action])

    def action_values(self) -> None:
        """Not computed: 64 actions, each with futures of its own."""
        return

    def best_action(self) -> DicAction:
        """What the policy does here."""
        return ACTIONS[self._best()]

    def _best(self) -> int:
        return int(fitted(self._now.chart())[0])

    def _worth(self, orders: int) -> float:
        if self._treated:
            orders %= CAUSE  # to treat a cause again is to do nothing
        if orders not in self._values:
            if self._luck is None:
                rng = stream(self._seed, f"reference {self._now.step}")
                error = laboratory_error(rng.standard_normal((FUTURES, c.STEPS + 1, len(LABS))))
                self._luck = rng.random((FUTURES, c.STEPS)), error
            course = self._now.futures(*self._luck)
            course.order(np.full(FUTURES, orders))
            while not course.over:
                course.order(fitted(course.chart()))
            self._values[orders] = float((course.returns - self._now.returns[0]).mean())
        return self._values[orders]
