"""Rules that a clinic follows, arrays over patients: a first dose, then a nomogram or a protocol.

A nomogram changes the weekly dose by a percentage that depends on the INR.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.actions import DAYS_OF_WEEK, new_weekly
from harness.envs.anticoagulation.warfarin.clinic import Chart, Orders, Policy
from harness.envs.anticoagulation.warfarin.patients import Covariates
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

WEEKLY, SOON = 7, 3
"""Days to the next visit: as a rule, and where the drug is held."""

FIXED_DOSE = 5.0
"""mg a day."""

FirstDose = Callable[[Covariates], FloatArray]


def constant(daily: FloatArray | float, visit: int = WEEKLY) -> Policy:
    """The same daily dose (mg; a number, or one for each patient) whatever the INR is."""

    def policy(chart: Chart) -> Orders:
        return _orders(chart, np.broadcast_to(DAYS_OF_WEEK * np.asarray(daily), chart.weekly.shape), 0, visit)

    return policy


def unchanged(chart: Chart) -> Orders:
    """5 mg a day, or the dose that the patient came on, whatever the INR is."""
    return _orders(chart, np.where(chart.weekly == 0, DAYS_OF_WEEK * FIXED_DOSE, chart.weekly), 0, WEEKLY)


def random_changes(rng: np.random.Generator) -> Policy:
    """5 mg a day, then every week any of the changes from -20 to +20 %: chance."""

    def policy(chart: Chart) -> Orders:
        change = rng.choice(c.CHANGES, size=chart.weekly.shape)
        first = chart.weekly == 0
        weekly = np.where(first, DAYS_OF_WEEK * FIXED_DOSE, new_weekly(chart.weekly, change))
        return _orders(chart, weekly, 0, WEEKLY)

    return policy


def first_dose(algorithm: FirstDose, patients: Covariates) -> FloatArray:
    """The daily dose among those that can be ordered that is nearest to an algorithm's, by ratio."""
    doses = np.array(c.STARTING_DOSES)
    wanted = np.maximum(algorithm(patients), doses[0])
    return np.asarray(doses[np.abs(np.log(wanted[:, None] / doses)).argmin(axis=1)])


def five_mg(patients: Covariates) -> FloatArray:
    """5 mg for everyone."""
    return np.full(patients.age.shape, FIXED_DOSE)


def nomogram(algorithm: FirstDose = five_mg) -> Policy:
    """A first dose, then the weekly dose by percentages of the INR.

    Up to 1.5: +15 %; below 2.0: +10 %; to 3.0 the same; below 4.0: -10 %; below 5.0: one day held, -10 %; from 5.0 on
    held until the INR is back, -15 %. As in the maintenance tables of family physicians' and cardiologists' guidance;
    vitamin K, which they add from 9.0 on, is not simulated. Visits are weekly, three days after a dose was held; a
    patient on a steady dose comes after two weeks when twice in range, and after four when three times.
    """

    def policy(chart: Chart) -> Orders:
        inr, before = chart.last(0), chart.last(1)
        edges = (1.5 + 1e-9, c.LOW, c.HIGH + 1e-9, 4.0, 5.0)
        band = np.searchsorted(edges, inr, side="right")
        change = np.array([15, 10, 0, -10, -10, -15])[band]
        hold = np.array([0, 0, 0, 0, 1, SOON])[band]
        visit = np.where(band == len(edges), SOON, WEEKLY)
        waiting = (before >= edges[-1]) & (inr > c.HIGH)  # held and lowered already, and not back yet
        weekly = new_weekly(chart.weekly, np.where(waiting, 0, change))
        hold, visit = np.where(waiting, SOON, hold), np.where(waiting, SOON, visit)
        if chart.settled:
            visit = np.where(band == 2, _stretched(chart), visit)
        return _with_start(chart, algorithm, weekly, hold, visit)

    return policy


def _stretched(chart: Chart) -> IntArray:
    """Days to the next visit by how many INRs in a row, up to today's, were in range."""
    steady = np.zeros(chart.weekly.shape, dtype=np.int64)
    unbroken = np.ones(chart.weekly.shape, dtype=np.bool_)
    for back in range(3):
        inr = chart.last(back)
        unbroken &= (inr >= c.LOW) & (inr <= c.HIGH)
        steady += unbroken
    return np.array([7, 7, 14, 28])[steady]


def ebm(chart: Chart) -> Orders:
    """The 5-mg initiation of the EBM Guidelines (Duodecim), then its percentages of the weekly dose.

    Its third day is the visit on day 3, its days 4 to 6 that on day 6; after that every week. Above 4.5 the drug is
    held until the INR is lower.
    """
    inr, day = chart.last(0), chart.day
    if day < c.INDUCTION_DAYS and not chart.settled:
        if day == 0:
            return _orders(chart, DAYS_OF_WEEK * five_mg(chart.covariates), 0, SOON)
        if day == SOON:
            daily, hold = _by_inr(inr, (2.45, 3.45, 4.05), (5.0, 2.5, 1.5, 1.5), (0, 0, 0, SOON))
            return _orders(chart, DAYS_OF_WEEK * daily, hold, SOON)
        daily, hold = _by_inr(inr, (1.35, 1.95, 2.95, 3.95, 4.55), (10.0, 7.5, 5.0, 2.5, 1.5, 1.5), (0, 0, 0, 0, 1, 2))
        return _orders(chart, DAYS_OF_WEEK * daily, hold, WEEKLY)
    change, hold = _by_inr(inr, (1.45, 1.95, 3.05, 4.55), (20, 10, 0, -10, -20), (0, 0, 0, 0, SOON))
    waiting = (chart.last(1) > 4.55) & (inr > 4.55)
    weekly = new_weekly(chart.weekly, np.where(waiting, 0, change))
    return _orders(chart, weekly, hold, np.where(hold == SOON, SOON, WEEKLY))


def _by_inr(
    inr: FloatArray, edges: tuple[float, ...], doses: tuple[float, ...], holds: tuple[int, ...]
) -> tuple[FloatArray, IntArray]:
    """What a table says of each INR; INRs have one decimal, so the edges lie between two of them."""
    band = np.searchsorted(edges, inr)
    return np.array(doses)[band], np.array(holds)[band]


def _with_start(chart: Chart, algorithm: FirstDose, weekly: FloatArray, hold: IntArray, visit: IntArray) -> Orders:
    """The orders, or the first dose for who takes nothing yet."""
    first: BoolArray = chart.weekly == 0
    if not first.any():
        return _orders(chart, weekly, hold, visit)
    start = DAYS_OF_WEEK * first_dose(algorithm, chart.covariates)
    return _orders(chart, np.where(first, start, weekly), np.where(first, 0, hold), np.where(first, WEEKLY, visit))


def _orders(chart: Chart, weekly: FloatArray, hold: IntArray | int, visit: IntArray | int) -> Orders:
    shape = chart.weekly.shape
    return Orders(
        np.asarray(weekly, dtype=np.float64),
        np.broadcast_to(np.asarray(hold, dtype=np.int64), shape),
        np.broadcast_to(np.asarray(visit, dtype=np.int64), shape),
    )
