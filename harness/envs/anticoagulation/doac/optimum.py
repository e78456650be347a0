"""The best that can be done for a patient, in expectation and knowing no more than is shown: exact.

What an order changes is which strokes and bleedings come about, and what is taken at the next visit; kidneys, other
drugs and procedures go their own way by known probabilities, age and weight by the calendar. So a patient's course is
a Markov decision process of few states:

    creatinine (levels above that at entry) x acute injury x other drug x bleeding so far x stroke so far x procedure

and what is taken, which bears on the cost of switching alone. Backward induction over the quarters gives the value of
every state and every order, for the probabilities that `course.py` draws by. All that a state is made of stands in the
observation, nothing of what is still to come is known: the values are the optimum itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import populations as p
from harness.envs.anticoagulation.doac.course import COMEDICATION_CHAIN, Course, Orders, age_at, kidney_chances
from harness.envs.anticoagulation.doac.hazards import MOLECULE, SWITCH, expected
from harness.envs.anticoagulation.doac.patients import CREATININE, Patients
from harness.envs.anticoagulation.doac.rules import broken
from harness.envs.anticoagulation.doac.status import ACTIVE_BLEEDING, COMEDICATIONS, EARLIER_BLEEDING, Status
from harness.mdp.tabular import FloatArray

BLED, STROKES, PLANNED = 3, 2, len(c.PROCEDURES)


@dataclass(frozen=True)
class State:
    """Where a patient is at a visit: places along the axes of a quarter's states, and what is taken."""

    quarter: int
    risen: int
    injured: int
    comedication: int
    bleeding: int
    stroke: int
    procedure: int
    drug: int


@dataclass(frozen=True, eq=False)
class Optimum:
    """Values of one patient.

    Attributes
    ----------
    statuses : sequence of Status
        Of each quarter: every state that there can be, along six axes (see above), each array as long as it has to be.
    after : sequence of float arrays
        Of each quarter, shape (levels, 2, comedications, 3, 2, molecules): what is to be expected from the next visit
        on, by kidneys and other drug now, what has happened by then, and what is taken then.
    price : float
        Of an order against the rules.
    """

    statuses: Sequence[Status]
    after: Sequence[FloatArray]
    price: float

    def action_values(self, state: State) -> FloatArray:
        """Of every order, if everything after it is best; shape (drugs, holds)."""
        at = (state.risen, state.injured, state.comedication)
        status = self.statuses[state.quarter]
        here = replace(
            status,
            creatinine=status.creatinine[at[0] : at[0] + 1, at[1] : at[1] + 1],
            comedication=status.comedication[:, :, at[2] : at[2] + 1],
            procedure=status.procedure[..., state.procedure : state.procedure + 1],
        )
        found = _orders(here, self.after[state.quarter][at][None, None, None], self.price)
        return np.asarray(found[0, 0, 0, state.bleeding, state.stroke, 0] - SWITCH[MOLECULE[state.drug]][:, None])

    def value(self, state: State) -> float:
        """Of the state."""
        return float(self.action_values(state).max())

    def best(self, state: State) -> tuple[int, int]:
        """The best order: drug and days left out. Among equals the first, so no days without a procedure."""
        return best_of(self.action_values(state))


def best_of(values: FloatArray) -> tuple[int, int]:
    """Drug and days left out of the highest value, of shape (drugs, holds)."""
    drug, hold = np.unravel_index(int(values.argmax()), values.shape)
    return int(drug), int(hold)


def optimum(patients: Patients, i: int = 0, price: float = c.RULE_PRICE) -> Optimum:
    """Values of patient `i`, by backward induction; `price` is that of an order against the rules."""
    who = np.array([i])
    entry, quarters = patients.entry[who], patients.quarters
    injury, worse = kidney_chances(entry.diabetes, patients.kidney_disease[who])
    kidneys = _kidney_chain(quarters, float(injury[0]), float(worse[0]))
    statuses, ahead = [], []
    later = np.zeros((quarters + 1, 2, len(COMEDICATIONS), BLED, STROKES, len(c.MOLECULES)))
    for quarter in reversed(range(quarters)):
        levels = quarter + 1  # none can have risen by more
        status = _statuses(patients, entry, i, quarter)
        after = np.einsum("kalb,lbcosm->kacosm", kidneys[:levels, :, : levels + 1], later)
        after = np.einsum("cd,kadosm->kacosm", COMEDICATION_CHAIN, after)
        statuses.append(status)
        ahead.append(after)
        best = _orders(status, after, price).max(axis=-1)[..., None, :] - SWITCH  # procedures, molecules taken, drugs
        later = np.einsum("...pm,p->...m", best.max(axis=-1), np.array(c.PROCEDURE_SHARE))
    return Optimum(statuses[::-1], ahead[::-1], price)


def _kidney_chain(quarters: int, injury: float, worse: float) -> FloatArray:
    """Probability of levels risen and injury in the next quarter, by those in this one; shape (k, 2, k, 2)."""
    n = quarters + 1
    chain = np.zeros((n, 2, n, 2))
    for k in range(n - 1):
        chain[k, 0, k, 1] = injury
        chain[k, 0, k + 1, 0] = worse
        chain[k, 0, k, 0] = 1 - injury - worse
        ends = 1 - c.INJURY_LASTS
        chain[k, 1, k, 1] = c.INJURY_LASTS
        chain[k, 1, min(k + c.INJURY_LEFT, n - 1), 0] += ends * c.INJURY_LEAVES
        chain[k, 1, k, 0] += ends * (1 - c.INJURY_LEAVES)
    return chain


def _statuses(patients: Patients, entry: Status, i: int, quarter: int) -> Status:
    """Every state of a patient in a quarter: along the axes level, injury, other drug, bleeding, stroke, procedure."""

    def along(values: Any, axis: int, width: int = 1) -> Any:
        shape = [1] * 6
        shape[axis : axis + width] = values.shape
        return values.reshape(shape)

    level = patients.level[i] + np.arange(quarter + 1)[:, None] + c.INJURY_LEVELS * np.arange(2)
    loss = p.WEIGHT_LOSS * quarter if patients.losing_weight[i] else 0.0
    known = {f.name: getattr(entry, f.name).reshape((1,) * 6) for f in fields(entry)}
    return replace(
        Status(**known),
        age=age_at(known["age"], quarter),
        weight=np.maximum(known["weight"] - loss, p.WEIGHT_LEAST),
        creatinine=along(CREATININE[level], 0, 2),
        comedication=along(np.arange(len(COMEDICATIONS)), 2),
        bleeding=along(np.arange(BLED), 3),
        stroke=along(np.arange(STROKES) == 1, 4),
        procedure=along(np.arange(PLANNED), 5),
    )


def _orders(status: Status, after: FloatArray, price: float) -> FloatArray:
    """What each order earns: now, and then with what may come about; shape (the six axes, drugs, holds).

    The cost of switching is left out. `after` has molecules as its last axis, and none of procedures.
    """
    ahead = expected(status)
    stroke, bleeding = -np.expm1(-ahead.strokes), -np.expm1(-ahead.bleedings)
    then = after[..., None, MOLECULE]  # levels, injury, other drug, bleeding, stroke, 1, drugs
    calm = np.minimum(np.arange(BLED), EARLIER_BLEEDING)
    quiet = then[:, :, :, calm][..., None]
    bleeds = then[:, :, :, np.full(BLED, ACTIVE_BLEEDING)][..., None]
    struck = np.ones(STROKES, dtype=int)
    without = quiet + bleeding * (bleeds - quiet)
    with_stroke = quiet[:, :, :, :, struck] + bleeding * (bleeds - quiet)[:, :, :, :, struck]
    found = -ahead.weighted + without + stroke * (with_stroke - without)
    if price:
        found -= price * broken(status)
    return np.asarray(found)


def state_of(course: Course, i: int = 0) -> State:
    """Where patient `i` of a course is."""
    status = course.status
    return State(
        course.quarter,
        int(course.level[i] - course.patients.level[i]),
        int(course.injured[i]),
        int(status.comedication[i]),
        int(status.bleeding[i]),
        int(status.stroke[i]),
        int(status.procedure[i]),
        int(course.drug[i]),
    )


def followed(patients: Patients, optima: Sequence[Optimum], price: float = c.RULE_PRICE) -> Course:
    """All patients under the best orders, to the end."""
    course = Course(patients, price)
    while not course.over:
        best = np.array([one.best(state_of(course, i)) for i, one in enumerate(optima)])
        course.order(Orders(best[:, 0], best[:, 1]))
    return course
