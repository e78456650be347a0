"""The tasks `warfarin` and `warfarin-maintenance`: one patient's course, from visit to visit.

Fitted and predicted
--------------------
The pharmacology is Hamberg 2010 as published but for the scale of its EC50s. That scale and the ages were chosen by the
mean doses of real patients, the spread among patients by how real doses scatter about the IWPC algorithm's, the drift's
size and time constant by late time in range and by INRs of 4 or more under a nomogram. Weight, amiodarone, missed doses
and the laboratory's error were assumed. Everything else that `harness calibrate warfarin` prints follows; most of it
was looked at while the constants were chosen. No constant was chosen by `harness calibrate warfarin-maintenance`; that
patients come on a dose that holds any INR in range, and not just 2.5, was: on the very dose that they need, never
changing it was as good as the nomogram.

Reference
---------
The drift and the missed doses of all days are drawn when an episode begins, so a course is deterministic given the
decisions. The reference plans with all of that known (`oracle.py`): it is `informed`, an upper bound that nobody can
reach, and it judges in hindsight. The value of a state is what the best plan found earns from there, the value of an
action what it earns after that action; a decision's regret is the difference. The plan is the best that a search
found: where an action's own search finds more than the plan, its regret counts as zero. So the regrets of an episode
add up to what the first plan would have earned more, and what was found later: 0.03 days of 57 in `warfarin` and 2 of
142 in `warfarin-maintenance`, under the nomogram (40 and 8 episodes).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from harness.core.environment import Action, EnvSpec, Grade, ReferenceKind, Transition, require_legal
from harness.core.errors import UsageError
from harness.envs.anticoagulation.metrics import rosendaal
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.actions import (
    SETS,
    VISITS,
    MaintenanceAction,
    WarfarinAction,
    weekly_mg,
)
from harness.envs.anticoagulation.warfarin.clinic import Course, Orders
from harness.envs.anticoagulation.warfarin.oracle import Plan, plan
from harness.envs.anticoagulation.warfarin.patients import draw
from harness.envs.anticoagulation.warfarin.shown import WarfarinObservation, observed
from harness.envs.anticoagulation.warfarin.spec import MAINTENANCE_SPEC, SPEC

AnyAction = WarfarinAction | MaintenanceAction


class WarfarinClinic:
    """One patient at a time.

    Parameters
    ----------
    spec : EnvSpec
    days : int
        Length of an episode.
    settled : bool
        The patient comes on a steady dose; otherwise untreated.
    genotype : 'known' or 'unknown'

    Raises
    ------
    UsageError
        If `genotype` is neither.
    """

    def __init__(self, spec: EnvSpec, days: int, *, settled: bool, genotype: str = "known") -> None:
        if genotype not in ("known", "unknown"):
            raise UsageError(f"'{genotype}' is no genotype option; expected one of: known, unknown.")
        self.spec = spec
        self.action_type: type[Action] = MaintenanceAction if settled else WarfarinAction
        self.days, self.settled, self.genotype_known = days, settled, genotype == "known"
        self.reset(0)

    @property
    def reference(self) -> HindsightReference:
        """The best plan from the current state, everything known."""
        return self._reference

    def reset(self, seed: int) -> WarfarinObservation:
        """Make the patient that belongs to `seed` and show the first visit."""
        patient = draw([seed], self.days, settled=self.settled)
        self._course = Course(patient, settled=self.settled, genotype_known=self.genotype_known)
        self._course.at_visit()
        self._reference = HindsightReference(self._course)
        return observed(self._course)

    def step(self, action: AnyAction) -> Transition[WarfarinObservation]:
        """Carry out the orders of a visit, up to the next one or the last day.

        Raises
        ------
        IllegalAction
            If the episode is over, or `why_illegal` says why not.
        """
        require_legal(self, action)
        before, plan_after = self._course.day, self._reference.plan_after(action)
        reward = treat(self._course, action)
        self._reference = HindsightReference(self._course, plan_after)
        inr = self._course.true_inr[0, before + 1 : self._course.day + 1]
        info = {
            "days": self._course.day - before,
            "days_in_range": int(((inr >= c.LOW) & (inr <= c.HIGH)).sum()),
            "highest_inr": round(float(inr.max()), 2),
        }
        # the last day is the end of the task, not a cut of something that would go on
        return Transition(observed(self._course), reward, self._course.over, False, info)

    def grade(self) -> Grade:
        """Score of the episode so far (see `spec.score`), and the measures of the field."""
        course, day = self._course, self._course.day
        inr = course.true_inr[0, 1 : day + 1]
        if not len(inr):
            return Grade(score=0.0)
        within = float(((inr >= c.LOW) & (inr <= c.HIGH)).mean())
        components = {
            "below": float((inr < c.LOW).mean()),
            "above": float((inr > c.HIGH).mean()),
            "above_4": float((inr > c.FAR_ABOVE).mean()),
            "highest_inr": float(inr.max()),
            "visits": float(course.visits()[0]),
        }
        ttr = rosendaal(np.arange(day + 1), course.measured[:, : day + 1]).within[0]
        if np.isfinite(ttr):
            components["rosendaal_ttr"] = float(ttr)
        return Grade(score=within, components=components)

    def why_illegal(self, action: AnyAction) -> str | None:
        """Why the dose cannot be ordered today; None if it can."""
        if self._course.over:
            return "the episode is over; call reset"
        if action.dose in SETS:
            if self.settled:
                return "the patient is on a steady dose, which is changed in percent, not set in mg"
            day = self._course.day
            return None if day < c.INDUCTION_DAYS else f"on day {day} the dose is changed in percent, not set in mg"
        if self._course.weekly[0] == 0:
            return f"there is no dose yet to be changed; order one of {', '.join(SETS)}"
        return None

    def fallback(self) -> AnyAction:
        """See `spec.fallback`."""
        if self.settled:
            return MaintenanceAction(dose="same", hold_days=0, next_visit="1_week")
        begun = self._course.weekly[0] > 0
        return WarfarinAction(dose="same" if begun else "set_5", hold_days=0, next_visit="1_week")


def treat(course: Course, action: AnyAction) -> float:
    """Carry out an action for the one patient of a course, up to the next visit; what it earns."""
    who, day = np.array([0]), course.day
    weekly = weekly_mg(action.dose, float(course.weekly[0]))
    orders = Orders(np.array([weekly]), np.array([action.hold_days]), np.array([VISITS[action.next_visit]]))
    course.order(who, orders)
    course.pass_day()
    while not course.over and course.next_visit[0] > course.day:
        course.pass_day()
    course.at_visit()
    return float(course.rewards(day, course.day)[0]) - c.VISIT_COST


class HindsightReference:
    """The best plan from a patient's visit on, with everything known that is still to come.

    Parameters
    ----------
    course : Course
        Of one patient, at a visit or at its end.
    plan : Plan, optional
        From there, if it has been made.
    """

    kind = ReferenceKind.INFORMED

    def __init__(self, course: Course, plan: Plan | None = None) -> None:
        self._course = course.branch()
        self._plan = plan
        self._after: dict[AnyAction, tuple[float, Plan]] = {}

    @property
    def plan(self) -> Plan:
        """The plan; made when it is first asked for."""
        if self._plan is None:
            course = self._course
            self._plan = (
                Plan(0.0, ())
                if course.over
                else plan(course.patients, course.state, course.day, float(course.weekly[0]), settled=course.settled)
            )
        return self._plan

    def value(self) -> float:
        """What the plan earns from here."""
        return self.plan.value

    def action_value(self, action: AnyAction) -> float:
        """What `action` earns, and the best plan after it."""
        if action not in self._after:
            course = self._course.branch()
            reward = treat(course, action)
            after = HindsightReference(course).plan
            if action == self.best_action():  # the rest of the plan is possible, whatever a new search finds
                rest = Plan(self.plan.value - reward, self.plan.decisions[1:])
                after = max(after, rest, key=lambda found: found.value)
            self._after[action] = reward, after
        reward, after = self._after[action]
        return reward + after.value

    def action_values(self) -> None:
        """Actions are no list."""
        return

    def best_action(self) -> AnyAction:
        """What the plan does here."""
        return self.actions()[0]

    def actions(self) -> tuple[AnyAction, ...]:
        """Everything that the plan does."""
        kind = MaintenanceAction if self._course.settled else WarfarinAction
        names = {days: name for name, days in VISITS.items()}
        return tuple(kind(dose=d.dose, hold_days=d.hold, next_visit=names[d.visit]) for d in self.plan.decisions)

    def plan_after(self, action: AnyAction) -> Plan | None:
        """The plan from the state after an action whose value was asked for; None if it was not."""
        return self._after[action][1] if action in self._after else None


def warfarin(genotype: Literal["known", "unknown"] = "known") -> WarfarinClinic:
    """The task of finding a dose; `genotype` is 'known' or 'unknown'.

    Raises
    ------
    UsageError
        If `genotype` is neither.
    """
    return WarfarinClinic(SPEC, c.TITRATION_DAYS, settled=False, genotype=genotype)


def warfarin_maintenance(genotype: Literal["known", "unknown"] = "known") -> WarfarinClinic:
    """The task of keeping a patient in range; `genotype` is 'known' or 'unknown'.

    Raises
    ------
    UsageError
        If `genotype` is neither.
    """
    return WarfarinClinic(MAINTENANCE_SPEC, c.MAINTENANCE_DAYS, settled=True, genotype=genotype)
