"""The task `heparin-hit`: one patient's ten days on heparin.

The reference knows whether and when HIT begins, and what other illness comes: it is `informed`. Rewards are expected
events, so a course is deterministic given the therapies, and its best continuation is found by trying all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from harness.core.environment import Grade, ReferenceKind, Transition, require_legal
from harness.envs.anticoagulation.heparin.hit import constants as c
from harness.envs.anticoagulation.heparin.hit.course import Course, State, Therapy, after_a_day, draw
from harness.envs.anticoagulation.heparin.hit.shown import HitAction, HitObservation, observed, word
from harness.envs.anticoagulation.heparin.hit.spec import SPEC


class HeparinHit:
    """One patient at a time."""

    spec = SPEC
    action_type = HitAction

    def __init__(self) -> None:
        self.reset(0)

    @property
    def reference(self) -> KnowingReference:
        """The best continuation for who knows whether and when HIT begins."""
        return self._reference

    def reset(self, seed: int) -> HitObservation:
        """Make the patient that belongs to `seed` and show day 0."""
        self._course = Course(draw([seed]))
        self._reference = KnowingReference(self._course)
        return observed(self._course.chart(), c.DAYS)

    def step(self, action: HitAction) -> Transition[HitObservation]:
        """A day under a therapy.

        Raises
        ------
        IllegalAction
            If the episode is over.
        """
        require_legal(self, action)
        reward = float(self._course.step(_array(action))[0])
        self._reference = KnowingReference(self._course)
        thrombosis, bleeding = self._course.hazards[self._course.day - 1, :, 0]
        info = {
            "thrombosis_of_100": round(100 * float(thrombosis), 3),
            "bleeding_of_100": round(100 * float(bleeding), 3),
        }
        return Transition(observed(self._course.chart(), c.DAYS), reward, self._course.over, False, info)

    def grade(self) -> Grade:
        """Score of the episode so far (see `spec.score`), and what was to be expected."""
        course = self._course
        if not course.day:
            return Grade(score=0.0)
        thrombosis, bleeding = 100 * course.hazards[: course.day, :, 0].sum(axis=0)
        components = {
            "thrombosis_of_100": float(thrombosis),
            "bleeding_of_100": float(bleeding),
            "lowest_platelets": float(course.counts[: course.day + 1, 0].min()),
        }
        return Grade(score=float(course.right()[0]), components=components)

    def describe(self, observation: Mapping[str, Any]) -> str:
        """A patient in a few words, from an observation as it is recorded."""
        counts = observation["platelets"]
        seen = f"new thrombosis {observation['thrombosis']}, other causes {observation['other_causes']}"
        return f"day {observation['day']}, platelets {counts[-1]} after up to {max(counts)}, {seen}"

    def why_illegal(self, action: HitAction) -> str | None:
        """Any therapy can be given on any day."""
        return "the episode is over; call reset" if self._course.over else None

    def fallback(self) -> HitAction:
        """See `spec.fallback`."""
        day = self._course.day
        return HitAction(therapy=word(Therapy(int(self._course.therapy[day - 1, 0]))) if day else "heparin")


def _array(action: HitAction) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array([Therapy[action.therapy.upper()]], dtype=np.int64)


class KnowingReference:
    """What a patient's days can still bring at best, everything known.

    Parameters
    ----------
    course : Course
        Of one patient.
    """

    kind = ReferenceKind.INFORMED

    def __init__(self, course: Course) -> None:
        self._course = course.branch()

    @cached_property
    def _values(self) -> dict[str, float]:
        """What each therapy of today is worth, by trying every sequence of the days left."""
        course, n = self._course, len(Therapy)
        state, earned = course.state, np.zeros(1)
        for day in range(course.day, c.DAYS):
            given = np.tile(np.arange(n), len(earned))
            before = State(np.repeat(state.platelets, n), np.repeat(state.activity, n))
            state, thrombosis, bleeding = after_a_day(course.patients, before, day, given)
            earned = np.repeat(earned, n) - 100 * (thrombosis + bleeding)
        best = earned.reshape(n, -1).max(axis=1) if len(earned) > 1 else np.zeros(n)
        return {word(therapy): float(value) for therapy, value in zip(Therapy, best, strict=True)}

    def value(self) -> float:
        """Of today's best therapy, followed by the best."""
        return max(self._values.values())

    def action_value(self, action: HitAction) -> float:
        """Of a therapy today, followed by the best."""
        return self._values[action.therapy]

    def action_values(self) -> None:
        """Agents give no probabilities here."""
        return

    def best_action(self) -> HitAction:
        """Today's best therapy; of equals heparin first."""
        return HitAction.model_validate({"therapy": max(self._values, key=lambda name: self._values[name])})


def heparin_hit() -> HeparinHit:
    """The task."""
    return HeparinHit()
