"""The task `dic`: one patient with disseminated intravascular coagulation, every six hours for a week.

What was chosen, and why
------------------------
Nearly everything is assumed; `constants.py` says what was fitted and to what. Against what was proposed for this task:
patients of five causes, half of whom bleed, since components are for those; risks that rise gradually with laboratory
values, so that no guideline's threshold is built in; death as a probability, which says the same with far less noise
than drawing it; the cause is treated by an order of its own, and "untreated" in the calibration means that only this
was done, as in the trials whose mortality was taken.

Reference
---------
Fitted value iteration (`fit.py`), on lines through the quantities of a chart instead of a grid of them: a grid of the
true state leaves out cause and hour, and knows the hidden drive, which no agent does. The fitted policy knows a chart;
its value, and that of an action before it goes on, is the mean of simulated futures from the true state
(`reference.py`). It is `achievable, estimated`: no upper bound, a regret has the error of these futures, and a decision
better than the policy's has a negative one.
The mean over episodes of the regrets' sum is what the policy earns more than an agent, without bias.
"""

from __future__ import annotations

import numpy as np

from harness.core.environment import Action, EnvSpec, Grade, Transition, require_legal
from harness.envs.anticoagulation.dic import policies
from harness.envs.anticoagulation.dic.actions import CAUSE, INDEX, DicAction
from harness.envs.anticoagulation.dic.course import Course
from harness.envs.anticoagulation.dic.patients import draw
from harness.envs.anticoagulation.dic.reference import FittedReference
from harness.envs.anticoagulation.dic.shown import DicObservation, observed
from harness.envs.anticoagulation.dic.spec import SPEC


class DicWard:
    """One patient at a time."""

    spec: EnvSpec = SPEC
    action_type: type[Action] = DicAction

    def __init__(self) -> None:
        self.reset(0)

    @property
    def reference(self) -> FittedReference:
        """The fitted policy from the current state on."""
        return self._reference

    def reset(self, seed: int) -> DicObservation:
        """Make the patient that belongs to `seed` and show the first results."""
        self._course, self._seed = Course(draw([seed])), seed
        self._reference = FittedReference(self._course, seed)
        self._seen = [observed(self._course.chart())]
        self._concordant = 0
        return self._seen[-1]

    def step(self, action: DicAction) -> Transition[DicObservation]:
        """Carry out orders for six hours.

        Raises
        ------
        IllegalAction
            If the episode is over.
        """
        require_legal(self, action)
        course, orders = self._course, INDEX[action]
        concordant = orders % CAUSE == int(policies.guideline(course.chart())[0]) % CAUSE
        self._concordant += concordant
        units, overloads = float(course.units[0]), float(course.overloads[0])
        reward = float(course.order(np.array([orders]))[0])
        self._reference = FittedReference(course, self._seed)
        self._seen.append(observed(course.chart(), self._seen))
        info = {
            "concordant_with_guideline": concordant,
            "alive": round(float(course.state.alive[0]), 4),
            "units": round(float(course.units[0]) - units, 2),
            "overload": round(float(course.overloads[0]) - overloads, 4),
        }
        # day 7 is the end of the task, not a cut: what follows is counted in the last reward
        return Transition(self._seen[-1], reward, course.over, False, info)

    def grade(self) -> Grade:
        """Score of the episode so far (see `spec.score`), and what it is made of; survival is known at the end."""
        course = self._course
        if not course.step:
            return Grade(score=0.0)
        components = {
            "death": float(course.deaths[0]),
            "bleeding_days": float(course.bleeding_days[0]),
            "units": float(course.units[0]),
            "overloads": float(course.overloads[0]),
            "bleeding_began": float(course.began[0]),
            "guideline_concordance": self._concordant / course.step,
        }
        return Grade(score=float(np.clip(course.returns[0], 0.0, 1.0)), components=components)

    def why_illegal(self, action: DicAction) -> str | None:
        """Everything can be ordered until the episode is over."""
        return "the episode is over; call reset" if self._course.over else None

    def fallback(self) -> DicAction:
        """See `spec.fallback`."""
        return DicAction(transfuse="none", drug="none", treat_cause="no")

    def describe(self, observation: dict[str, object]) -> str:
        """The patient in a few words, from an observation as the trace has it."""
        seen = DicObservation.model_validate(observation)
        labs = f"platelets {seen.platelets}, PT {seen.pt:.1f} s, fibrinogen {seen.fibrinogen:.1f} g/L"
        state = f"{'bleeding' if seen.bleeding else 'not bleeding'}, ISTH {seen.isth_score}, SOFA {seen.sofa}"
        return f"hour {seen.hours}, {seen.cause}{'' if seen.cause_treated else ' untreated'}, {state}, {labs}"


def dic() -> DicWard:
    """The task of treating a patient with DIC."""
    return DicWard()
