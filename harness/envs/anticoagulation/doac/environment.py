"""The task `doac`: one patient's anticoagulant, from quarter to quarter.

Fitted and predicted
--------------------
Strokes are published rates by CHA2DS2-VASc, times published ratios: nothing was fitted to the trials' rates but the
exponents of exposure of the two drugs that were tried at two doses. Bleedings were multiplied by one number so that the
four warfarin arms are met. Labile INRs, weights and everything that happens by itself are chosen.

Reference
---------
The optimum itself (`optimum.py`): its kind is `exact`. It knows the model, and of a patient what the observation shows;
an order bears on what happens (strokes and bleedings raise the scores), so the best is found by dynamic programming,
not quarter by quarter. With `rules=free` orders against the rules cost nothing but their hazards.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np

from harness.core.environment import EnvSpec, Grade, ReferenceKind, Transition, require_legal
from harness.core.errors import UsageError
from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac.actions import DoacAction, action_of
from harness.envs.anticoagulation.doac.course import Course, Orders
from harness.envs.anticoagulation.doac.optimum import Optimum, best_of, optimum, state_of
from harness.envs.anticoagulation.doac.patients import Patients, draw
from harness.envs.anticoagulation.doac.rules import Kind, reasons
from harness.envs.anticoagulation.doac.shown import DoacObservation, observed
from harness.envs.anticoagulation.doac.spec import FREE_VALUE, SPEC
from harness.mdp.tabular import FloatArray


class DoacReference:
    """The optimum from a patient's visit on.

    Parameters
    ----------
    course : Course
        Of one patient, at a visit.
    values : LazyOptimum
        Of that patient, computed when first asked for.
    """

    kind = ReferenceKind.EXACT

    def __init__(self, course: Course, values: LazyOptimum) -> None:
        self._over, self._state = course.over, state_of(course)
        self._values = values

    def value(self) -> float:
        """Minus what is to be expected from here on under the best orders."""
        return 0.0 if self._over else float(self._here.max())

    def action_value(self, action: DoacAction) -> float:
        """The same of an order, the best ones following."""
        return float(self._here[c.DRUGS.index(action.drug), action.hold_days])

    def action_values(self) -> None:
        """Actions are no list."""
        return

    def best_action(self) -> DoacAction:
        """The best order."""
        return action_of(*best_of(self._here))

    @cached_property
    def _here(self) -> FloatArray:
        """The value of every order, shape (drugs, holds)."""
        return self._values.found.action_values(self._state)


class LazyOptimum:
    """The optimum of a patient, computed once, when it is asked for."""

    def __init__(self, patients: Patients, price: float) -> None:
        self._patients, self._price = patients, price

    @cached_property
    def found(self) -> Optimum:
        """It."""
        return optimum(self._patients, 0, self._price)


class DoacClinic:
    """One patient at a time.

    Parameters
    ----------
    scores : 'shown' or 'hidden'
        Whether clearance, CHA2DS2-VASc and HAS-BLED stand in the observation, or are to be computed from the rest.
    rules : 'priced' or 'free'
        Whether an order against the rules costs a price beside its hazards.

    Raises
    ------
    UsageError
        If an option is neither.
    """

    def __init__(self, scores: str = "shown", rules: str = "priced") -> None:
        for name, value, known in (("scores", scores, ("shown", "hidden")), ("rules", rules, ("priced", "free"))):
            if value not in known:
                raise UsageError(f"'{value}' is no option of {name}; expected one of: {', '.join(known)}.")
        self.spec: EnvSpec = SPEC if rules == "priced" else SPEC.model_copy(update={"value_name": FREE_VALUE})
        self.action_type = DoacAction
        self.price = c.RULE_PRICE if rules == "priced" else 0.0
        self._computed = scores == "shown"
        self.reset(0)

    @property
    def reference(self) -> DoacReference:
        """The optimum from here on."""
        return DoacReference(self._course, self._optimum)

    def reset(self, seed: int) -> DoacObservation:
        """Make the patient that belongs to `seed` and show the first visit."""
        self._course = Course(draw([seed]), self.price)
        self._optimum = LazyOptimum(self._course.patients, self.price)
        return self._observed()

    def step(self, action: DoacAction) -> Transition[DoacObservation]:
        """Carry out the order of a visit.

        Raises
        ------
        IllegalAction
            If the episode is over.
        """
        require_legal(self, action)
        course, t = self._course, self._course.quarter
        drug = c.DRUGS.index(action.drug)
        against = reasons(course.status, drug, action.hold_days)
        course.order(Orders(np.array([drug]), np.array([action.hold_days])))
        info = {
            "broken_rules": [rule.name for rule in against],
            "admissible": not any(rule.kind in (Kind.CONTRAINDICATION, Kind.INTERACTION) for rule in against),
            "weighted_events": round(float(course.weighted[0, t]), 4),
        }
        # the last quarter is the end of the task, not a cut of something that would go on
        return Transition(self._observed(), float(course.rewards[0, t]), course.over, False, info)

    def grade(self) -> Grade:
        """Score of the episode so far (see `spec.score`), what was wrong, and what was to be expected."""
        course, done = self._course, self._course.quarter
        if not done:
            return Grade(score=0.0)
        per_year = 100 / (done * c.QUARTER)
        components = {f"wrong_{kind}": float(wrong[0, :done].mean()) for kind, wrong in course.errors.items()}
        components |= {
            "weighted_events_100_patient_years": float(course.weighted[0, :done].sum()) / (done * c.QUARTER),
            "strokes_100_patient_years": float(course.expected_strokes[0, :done].sum()) * per_year,
            "major_bleedings_100_patient_years": float(course.expected_bleedings[0, :done].sum()) * per_year,
        }
        return Grade(score=float(course.right[0, :done].mean()), components=components)

    def why_illegal(self, action: DoacAction) -> str | None:
        """Why an order cannot be carried out; every drug can be ordered until the last quarter is over."""
        return "the episode is over; call reset" if self._course.over else None

    def fallback(self) -> DoacAction:
        """See `spec.fallback`."""
        return action_of(int(self._course.drug[0]), 0)

    def describe(self, observation: dict[str, object]) -> str:
        """The patient in a few words, from an observation as the trace has it."""
        seen = DoacObservation.model_validate(observation)
        said = [
            f"{seen.age} years",
            f"{seen.weight:g} kg",
            f"creatinine {seen.creatinine:.2f} mg/dL",
            f"on {seen.drug}",
        ]
        said += [f"beside {seen.other_drug}"] * (seen.other_drug != "none")
        said += [f"valve: {seen.valve}"] * (seen.valve != "none")
        said += [f"bleeding {seen.bleeding}"] * (seen.bleeding == "active")
        said += [f"procedure of {seen.procedure} risk"] * (seen.procedure != "none")
        return ", ".join(said)

    def _observed(self) -> DoacObservation:
        return observed(self._course, computed=self._computed)


def doac(scores: Literal["shown", "hidden"] = "shown", rules: Literal["priced", "free"] = "priced") -> DoacClinic:
    """The task; `scores` is 'shown' or 'hidden', `rules` 'priced' or 'free'.

    Raises
    ------
    UsageError
        If an option is neither.
    """
    return DoacClinic(scores, rules)
