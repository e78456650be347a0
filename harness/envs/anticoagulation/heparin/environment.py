"""The tasks `heparin` and `heparin-labs`: one patient's infusion, from decision to decision.

Fitted and predicted
--------------------
The rate of elimination was chosen by how Raschke's nomogram splits the aPTTs of the first two days (17 % below, 65 %
within, 18 % above; about nine settings were tried before these tasks were written), the drift of `heparin-labs` by the
nomogram's time in range there. Everything else that `harness calibrate heparin` prints follows from these constants and
from those that were assumed.

Reference
---------
The drift of every hour is drawn when an episode begins, so a course is deterministic given the orders. The reference
plans with all of that known, by dynamic programming (`hindsight.py`): it is `informed`, an upper bound that nobody can
reach, and it judges in hindsight. The value of a state is what the plan found earns from there, the value of an action
what it earns and the plan made after it. Where an action's own plan finds more than the one before, its regret counts
as zero; so the regrets of an episode add up to what the first plan would have earned more, and what was found later:
nothing in `heparin` under Raschke's nomogram (40 episodes), 0.02 hours of 17 in `heparin-labs` under the grid posterior
(20 episodes).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from harness.core.environment import EnvSpec, Grade, ReferenceKind, Transition, require_legal
from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin.actions import (
    BOLUSES,
    HOLDS,
    SETS,
    STOP,
    HeparinAction,
    HeparinLabsAction,
    rate_word,
)
from harness.envs.anticoagulation.heparin.hindsight import Plan, Table, plan, table
from harness.envs.anticoagulation.heparin.infusion import Course, Orders
from harness.envs.anticoagulation.heparin.model import EDGES, QUARTERS
from harness.envs.anticoagulation.heparin.patients import TESTS, draw
from harness.envs.anticoagulation.heparin.setting import FULL, LABS, Setting
from harness.envs.anticoagulation.heparin.shown import (
    AnyAction,
    AnyObservation,
    Given,
    given,
    in_words,
    meant,
    observed,
)
from harness.envs.anticoagulation.heparin.spec import LABS_SPEC, SPEC


class HeparinInfusion:
    """One patient at a time.

    Parameters
    ----------
    spec : EnvSpec
    setting : Setting
    """

    def __init__(self, spec: EnvSpec, setting: Setting) -> None:
        self.spec, self.setting = spec, setting
        self.action_type: type[HeparinAction] = HeparinLabsAction if setting.ordered else HeparinAction
        self.reset(0)

    @property
    def reference(self) -> HindsightReference:
        """The best plan from the current state, everything known."""
        return self._reference

    def reset(self, seed: int) -> AnyObservation:
        """Make the patient that belongs to `seed` and show the first decision."""
        self._course = Course(draw([seed], self.setting), self.setting)
        self._reference = HindsightReference(self._course, _Promise(self._course))
        self._done: list[Given] = []
        return observed(self._course.chart(), self._done)

    def step(self, action: AnyAction) -> Transition[AnyObservation]:
        """Carry out the orders up to the next decision, or the last hour.

        Raises
        ------
        IllegalAction
            If the episode is over, or `why_illegal` says why not.
        """
        require_legal(self, action)
        course, start = self._course, self._course.hour
        self._done.append(given(start, float(course.rate[0]), action))
        following = self._reference.after(action)
        reward = float(course.step(meant(action, float(course.rate[0])))[0])
        self._reference = following or HindsightReference(course, self._reference.promise)
        logs = course.log_aptt()[QUARTERS * start + 1 :, 0]
        info = {
            "hours": course.hour - start,
            "hours_in_range": float(((logs >= EDGES[0]) & (logs < EDGES[1])).sum() / QUARTERS),
            "highest_aptt": round(float(np.exp(min(logs.max(), 10.0)))),
        }
        # the last hour is the end of the task, not a cut of something that would go on
        return Transition(observed(course.chart(), self._done), reward, course.over, False, info)

    def grade(self) -> Grade:
        """Score of the episode so far (see `spec.score`), and what it is made of."""
        course = self._course
        logs = course.log_aptt()[QUARTERS * c.LOADING + 1 :, 0]
        if not len(logs):
            return Grade(score=0.0)
        reached = np.flatnonzero(course.log_aptt()[1:, 0] >= EDGES[0])
        components = {
            "below": float((logs < EDGES[0]).mean()),
            "above": float((logs >= EDGES[1]).mean()),
            "above_120": float((logs >= EDGES[3]).mean()),
            "hours_to_threshold": float((reached[0] + 1) / QUARTERS) if len(reached) else float(c.HOURS),
            "tests": float(course.tests[0]),
        }
        return Grade(score=float(course.in_range()[0]), components=components)

    def describe(self, observation: Mapping[str, Any]) -> str:
        """A patient in a few words, from an observation as it is recorded."""
        return in_words(observation)

    def why_illegal(self, action: AnyAction) -> str | None:
        """Why the rate cannot be ordered now; None if it can."""
        if self._course.over:
            return "the episode is over; call reset"
        rate = float(self._course.rate[0])
        if action.rate == STOP or (action.rate in SETS) == (rate == 0):
            return None
        if rate == 0:
            return f"nothing runs that could be changed; order one of {', '.join(SETS)} or {STOP}"
        return f"an infusion of {rate:g} U/kg/h runs; change it by down_4 to up_4, or order {STOP}"

    def fallback(self) -> AnyAction:
        """See `spec.fallback`."""
        if self._course.hour == 0:
            return self._action("set_18", "80", "none")
        return self._action("same" if self._course.rate[0] > 0 else STOP, "none", "none")

    def _action(self, rate: str, bolus: str, hold: str) -> AnyAction:
        more = {"labs": "none"} if self.setting.ordered else {}
        return self.action_type.model_validate({"rate": rate, "bolus": bolus, "hold": hold, **more})


def worded(ordered: Orders, rate: float, kind: type[HeparinAction]) -> AnyAction:
    """The action that means these orders for one patient where `rate` runs."""
    bolus = next(word for word, dose in BOLUSES.items() if dose == ordered.bolus[0])
    hold = next(word for word, hours in HOLDS.items() if hours == ordered.hold[0])
    words = {"rate": rate_word(float(ordered.rate[0]), rate), "bolus": bolus, "hold": hold}
    if kind is HeparinLabsAction:
        drawn = [test for test, wanted in zip(TESTS, ordered.tests[:, 0], strict=True) if wanted]
        words["labs"] = "both" if len(drawn) == len(TESTS) else (drawn or ["none"])[0]
    return kind.model_validate(words)


class _Promise:
    """The table of a course's patient, made when it is first asked for."""

    def __init__(self, course: Course) -> None:
        self._course = course

    @cached_property
    def table(self) -> Table:
        return table(self._course.patients, self._course.setting)


class HindsightReference:
    """The best plan from a patient's decision on, with everything known that is still to come.

    Parameters
    ----------
    course : Course
        Of one patient, at a decision or at its end.
    promise : holder of the patient's table
    found : Plan, optional
        From there, if it has been made.
    """

    kind = ReferenceKind.INFORMED

    def __init__(self, course: Course, promise: _Promise, found: Plan | None = None) -> None:
        self._course, self.promise = course.branch(), promise
        self._found = found
        self._after: dict[AnyAction, tuple[float, HindsightReference]] = {}

    @property
    def _kind(self) -> type[HeparinAction]:
        return HeparinLabsAction if self._course.setting.ordered else HeparinAction

    @property
    def plan(self) -> Plan:
        """The plan; made when it is first asked for."""
        if self._found is None:
            self._found = plan(self._course, self.promise.table)
        return self._found

    def value(self) -> float:
        """What the plan earns from here."""
        return float(self.plan.value[0])

    def action_value(self, action: AnyAction) -> float:
        """What `action` earns, and the best plan after it."""
        if action not in self._after:
            course = self._course.branch()
            reward = float(course.step(meant(action, float(course.rate[0])))[0])
            follows = HindsightReference(course, self.promise)
            if action == self.best_action():  # the rest of the plan is possible, whatever a new one finds
                rest = Plan(self.plan.value - reward, self.plan.given[1:])
                follows = HindsightReference(course, self.promise, rest)
            self._after[action] = reward, follows
        reward, follows = self._after[action]
        return reward + follows.value()

    def action_values(self) -> None:
        """Actions are no list."""
        return

    def best_action(self) -> AnyAction:
        """What the plan does here."""
        return worded(self.plan.given[0], float(self._course.rate[0]), self._kind)

    def actions(self) -> tuple[AnyAction, ...]:
        """Everything that the plan does."""
        rates = [float(self._course.rate[0]), *(float(ordered.rate[0]) for ordered in self.plan.given)]
        return tuple(worded(o, rate, self._kind) for o, rate in zip(self.plan.given, rates, strict=False))

    def after(self, action: AnyAction) -> HindsightReference | None:
        """The reference after an action whose value was asked for; None if it was not."""
        return self._after[action][1] if action in self._after else None


def heparin() -> HeparinInfusion:
    """The task with an aPTT at every decision."""
    return HeparinInfusion(SPEC, FULL)


def heparin_labs() -> HeparinInfusion:
    """The task in which blood has to be drawn, and its results come late."""
    return HeparinInfusion(LABS_SPEC, LABS)
