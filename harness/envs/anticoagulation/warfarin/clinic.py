"""n patients from visit to visit: orders go in, a day passes, an INR is measured.

A policy is a function from the charts of the patients who are at a visit today to their orders.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import numpy as np

from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin import model
from harness.envs.anticoagulation.warfarin.actions import DAYS_OF_WEEK, new_weekly
from harness.envs.anticoagulation.warfarin.patients import Covariates, Patients
from harness.mdp.tabular import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Orders:
    """What is ordered for k patients.

    Attributes
    ----------
    weekly : float array, shape (k,)
        Racemic mg a week.
    hold : int array, shape (k,)
        Days without a dose before it begins.
    visit : int array, shape (k,)
        Days to the next visit.
    """

    weekly: FloatArray
    hold: IntArray
    visit: IntArray


@dataclass(frozen=True, eq=False)
class Chart:
    """What is known of k patients who are at a visit.

    Attributes
    ----------
    covariates : Covariates
    day : int
        Days since the first visit.
    length : int
        Days of the whole episode.
    weekly : float array, shape (k,)
        Weekly dose up to now, mg; 0 before the first.
    inr : float array, shape (k, day + 1)
        Measured INRs, NaN on days without one; the last is today's.
    taken : float array, shape (k, day)
        Racemic mg taken on each day: patients tell which doses they missed.
    held : int array, shape (k, day + 1)
        Days without a dose that were ordered on each day.
    settled : bool
        Whether they came on a steady dose, whose INR was in range.
    """

    covariates: Covariates
    day: int
    length: int
    weekly: FloatArray
    inr: FloatArray
    taken: FloatArray
    held: IntArray
    settled: bool

    def last(self, back: int) -> FloatArray:
        """The INR measured `back` visits ago, shape (k,); NaN where there was none."""
        order = np.argsort(np.isnan(self.inr[:, ::-1]), axis=1, kind="stable")
        if back >= self.inr.shape[1]:
            return np.full(len(self.inr), np.nan)
        return np.take_along_axis(self.inr[:, ::-1], order[:, [back]], axis=1)[:, 0]


Policy = Callable[[Chart], Orders]


class Course:
    """n patients and what happens to them.

    Parameters
    ----------
    patients : Patients
    settled : bool
        They come on a steady dose that has held their INR in range; otherwise untreated.
    genotype_known : bool
        Whether charts tell the genotypes.

    Attributes
    ----------
    day : int
    weekly : float array, shape (n,)
        Weekly dose as ordered last, mg.
    next_visit : int array, shape (n,)
        Day of the next visit.
    true_inr : float array, shape (n, T + 1)
        INR at the beginning of each day; NaN for days to come.
    measured : float array, shape (n, T + 1)
        As the laboratory reports it, to one decimal; NaN without a visit.
    taken : float array, shape (n, T)
        Racemic mg.
    ordered : float array, shape (n, T + 1)
        Weekly dose ordered on a day, mg; NaN without a visit.
    held : int array, shape (n, T + 1)
        Days without a dose ordered on a day.
    """

    def __init__(self, patients: Patients, *, settled: bool = False, genotype_known: bool = True) -> None:
        n, days = len(patients), patients.days
        self.patients = patients
        self.known = patients.covariates if genotype_known else patients.covariates.without_genotype()
        self.settled = settled
        self.day = 0
        self.kinetics = patients.pharmacology.kinetics()
        self.next_visit = np.zeros(n, dtype=np.int64)
        self.dose_begins = np.zeros(n, dtype=np.int64)
        self.weekly = np.zeros(n)
        self.state = model.untreated(n)
        if settled:
            daily = model.maintenance_dose(patients.pharmacology, patients.steady_inr)
            self.weekly = new_weekly(DAYS_OF_WEEK * daily, 0)
            self.state = model.steady(self.kinetics, self.weekly / DAYS_OF_WEEK)
        self.true_inr = np.full((n, days + 1), np.nan)
        self.measured = np.full((n, days + 1), np.nan)
        self.taken = np.full((n, days), np.nan)
        self.ordered = np.full((n, days + 1), np.nan)
        self.held = np.zeros((n, days + 1), dtype=np.int64)
        self.true_inr[:, 0] = self.state.inr

    def branch(self) -> Course:
        """A copy that can go its own way."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(other, name, value.copy())
        return other

    @property
    def over(self) -> bool:
        """Whether the last day has passed."""
        return self.day == self.patients.days

    def at_visit(self) -> IntArray:
        """Who has a visit today; on the last day everyone. Their INRs are measured."""
        who = np.flatnonzero((self.next_visit == self.day) | self.over)
        wrong = np.exp(self.patients.error[who, self.day])
        self.measured[who, self.day] = np.round(self.true_inr[who, self.day] * wrong, 1)
        return who

    def chart(self, who: IntArray) -> Chart:
        """What is known of some patients today."""
        day = self.day
        return Chart(
            self.known[who],
            day,
            self.patients.days,
            self.weekly[who],
            self.measured[who, : day + 1],
            self.taken[who, :day],
            self.held[who, : day + 1],
            self.settled,
        )

    def order(self, who: IntArray, orders: Orders) -> None:
        """Carry out the orders for some patients from today on."""
        self.weekly[who] = orders.weekly
        self.ordered[who, self.day] = orders.weekly
        self.held[who, self.day] = orders.hold
        self.dose_begins[who] = self.day + orders.hold
        self.next_visit[who] = self.day + orders.visit

    def pass_day(self) -> None:
        """One day of all patients."""
        day = self.day
        takes = (day >= self.dose_begins) & ~self.patients.missed[:, day]
        self.taken[:, day] = np.where(takes, self.weekly / DAYS_OF_WEEK, 0.0)
        self.state = model.after_a_day(self.state, self.kinetics, self.taken[:, day], self.patients.drift[:, day])
        self.day = day + 1
        self.true_inr[:, self.day] = self.state.inr

    def rewards(self, start: int, end: int) -> FloatArray:
        """Reward of the days from `start` to `end` (without it), visits left out, shape (n,)."""
        return np.asarray(model.reward(self.true_inr[:, start + 1 : end + 1]).sum(axis=1))

    def visits(self) -> IntArray:
        """How many visits each patient had at which something could be ordered, shape (n,)."""
        return np.asarray((~np.isnan(self.measured[:, : self.patients.days])).sum(axis=1))

    def returns(self) -> FloatArray:
        """Return of each patient's episode so far, shape (n,)."""
        return self.rewards(0, self.day) - c.VISIT_COST * self.visits()


def run(patients: Patients, policy: Policy, *, settled: bool = False, genotype_known: bool = True) -> Course:
    """All patients under a policy, to the end."""
    course = Course(patients, settled=settled, genotype_known=genotype_known)
    while not course.over:
        who = course.at_visit()
        if who.size:
            course.order(who, policy(course.chart(who)))
        course.pass_day()
    course.at_visit()
    return course
