"""n patients from visit to visit: a drug is ordered, a quarter passes, and what happens in it is shown at the next.

A policy is a function of a view (what is true of the patients at a visit, and what they take) to orders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import populations as p
from harness.envs.anticoagulation.doac.hazards import MOLECULE, SWITCH, expected
from harness.envs.anticoagulation.doac.patients import CREATININE, Patients
from harness.envs.anticoagulation.doac.rules import Kind, broken
from harness.envs.anticoagulation.doac.status import ACTIVE_BLEEDING, COMEDICATIONS, EARLIER_BLEEDING, Status
from harness.mdp.tabular import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Orders:
    """Places in `DRUGS`, and days left out before the procedure, each of shape (n,)."""

    drug: IntArray
    hold: IntArray


@dataclass(frozen=True, eq=False)
class View:
    """n patients at a visit, what they take, a place in `DRUGS`, and which visit it is, from 0."""

    status: Status
    drug: IntArray
    quarter: int


Policy = Callable[[View], Orders]


def _chain() -> FloatArray:
    """Probability of every other drug in the next quarter, by that in this one."""
    chain = np.zeros((len(COMEDICATIONS), len(COMEDICATIONS)))
    chain[0, 0] = 1 - c.STARTS
    for name, part in c.START_SHARE.items():
        i = COMEDICATIONS.index(name)
        chain[0, i] = c.STARTS * part
        chain[i, 0], chain[i, i] = c.STOPS[name], 1 - c.STOPS[name]
    return chain


COMEDICATION_CHAIN = _chain()
PROCEDURE_EDGES = np.cumsum(c.PROCEDURE_SHARE)[:-1]


def kidney_chances(diabetes: BoolArray, kidney_disease: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Probability in a quarter of acute injury, and of worsening by a level."""
    fast = diabetes | kidney_disease
    return (
        np.where(kidney_disease, c.INJURY_CKD, c.INJURY),
        np.where(fast, c.WORSENING_FAST, c.WORSENING),
    )


class Course:
    """n patients and what happens to them.

    Parameters
    ----------
    patients : Patients
    price : float
        Of an order against the rules, weighted events per 100 patients.

    Attributes
    ----------
    quarter : int
        Which visit it is, from 0.
    drug : int array, shape (n,)
        What they take, a place in `DRUGS`.
    level : int array, shape (n,)
        Of creatinine, acute injury left out.
    injured : bool array, shape (n,)
        Acute kidney injury.
    status : Status
    rewards, weighted, expected_strokes, expected_bleedings : float arrays, shape (n, T)
        Of each quarter so far, NaN later: the reward, the weighted events of 100 patients that were to be expected, and
        the strokes and major bleedings of one.
    right, strokes, bleedings, non_major : bool arrays, shape (n, T)
        Whether the order broke no rule, and what came about.
    errors : dict of bool arrays, shape (n, T)
        Whether the order broke a rule, by its kind.
    """

    def __init__(self, patients: Patients, price: float = c.RULE_PRICE) -> None:
        n, quarters = len(patients), patients.quarters
        self.patients, self.price = patients, price
        self.quarter = 0
        self.drug = patients.drug
        self.level = patients.level
        self.injured = np.zeros(n, dtype=np.bool_)
        self.status = replace(patients.entry, procedure=self._procedure())
        self.rewards, self.weighted, self.expected_strokes, self.expected_bleedings = (
            np.full((n, quarters), np.nan) for _ in range(4)
        )
        self.right, self.strokes, self.bleedings, self.non_major = (
            np.zeros((n, quarters), dtype=np.bool_) for _ in range(4)
        )
        self.errors = {kind: np.zeros((n, quarters), dtype=np.bool_) for kind in Kind}

    @property
    def over(self) -> bool:
        """Whether the last quarter has passed."""
        return self.quarter == self.patients.quarters

    @property
    def view(self) -> View:
        """What a policy sees."""
        return View(self.status, self.drug, self.quarter)

    def order(self, orders: Orders) -> None:
        """Carry out orders and let a quarter pass."""
        t, who = self.quarter, np.arange(len(self.patients))
        drug, hold = orders.drug, orders.hold
        ahead = expected(self.status)
        strokes, bleedings = ahead.strokes[who, drug, hold], ahead.bleedings[who, drug, hold]
        self.weighted[:, t] = ahead.weighted[who, drug, hold]
        self.expected_strokes[:, t], self.expected_bleedings[:, t] = strokes, bleedings
        for kind, errors in self.errors.items():
            errors[:, t] = broken(self.status, kind)[who, drug, hold]
        self.right[:, t] = ~np.logical_or.reduce([errors[:, t] for errors in self.errors.values()])
        costs = SWITCH[MOLECULE[self.drug], drug] + self.price * ~self.right[:, t]
        self.rewards[:, t] = -self.weighted[:, t] - costs
        u = self.patients.events[:, t]
        self.strokes[:, t] = u[:, 0] < -np.expm1(-strokes)
        self.bleedings[:, t] = u[:, 1] < -np.expm1(-bleedings)
        self.non_major[:, t] = u[:, 2] < -np.expm1(-c.NON_MAJOR * bleedings)
        self.drug, self.quarter = drug, t + 1
        self._pass()

    def _pass(self) -> None:
        """Kidneys, other drugs, weight, age, procedures and what came about, at the next visit."""
        patients, before, t = self.patients, self.status, self.quarter
        injury, worse = kidney_chances(before.diabetes, patients.kidney_disease)
        u = patients.kidneys[:, t - 1]
        ends = u >= c.INJURY_LASTS
        scarred = ends & (u < c.INJURY_LASTS + (1 - c.INJURY_LASTS) * c.INJURY_LEAVES)
        worsens = (u >= injury) & (u < injury + worse)
        up = np.where(self.injured, c.INJURY_LEFT * scarred, worsens)
        self.level = self.level + up
        self.injured = np.where(self.injured, ~ends, u < injury)
        edges = np.cumsum(COMEDICATION_CHAIN, axis=1)[before.comedication]
        other = (patients.other_drugs[:, t - 1, None] >= edges[:, :-1]).sum(axis=1)
        bled = np.where(before.bleeding > 0, EARLIER_BLEEDING, before.bleeding)
        loss = np.where(patients.losing_weight, p.WEIGHT_LOSS * t, 0.0)
        self.status = replace(
            before,
            age=age_at(patients.entry.age, t),
            weight=np.maximum(patients.entry.weight - loss, p.WEIGHT_LEAST),
            creatinine=CREATININE[self.level + c.INJURY_LEVELS * self.injured],
            comedication=other,
            procedure=self._procedure(),
            stroke=before.stroke | self.strokes[:, t - 1],
            bleeding=np.where(self.bleedings[:, t - 1], ACTIVE_BLEEDING, bled),
        )

    def _procedure(self) -> IntArray:
        if self.over:
            return np.zeros(len(self.patients), dtype=np.int64)
        return np.searchsorted(PROCEDURE_EDGES, self.patients.procedures[:, self.quarter], side="right")


def age_at(age: FloatArray, quarter: int) -> FloatArray:
    """Whole years at a visit; patients come on their birthday."""
    return age + quarter // 4


def run(patients: Patients, policy: Policy, price: float = c.RULE_PRICE) -> Course:
    """All patients under a policy, to the end."""
    course = Course(patients, price)
    while not course.over:
        course.order(policy(course.view))
    return course
