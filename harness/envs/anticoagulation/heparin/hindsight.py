"""What is best for a patient of whom everything is known, the drift to come as well: dynamic programming.

With the elimination of every hour known, a course is a deterministic sequence of decisions whose state is the
concentration and the running rate. Backward over a grid of both, in half-hours, gives what is about to be earned from
anywhere (`Table`). A plan is then made forward from where a patient is: at each decision every order is tried exactly,
as the simulation does, and the `WIDTH` courses go on that have earned most with what the table promises them.

The value of a plan is what it earns, to the last digit: a lower bound of the best there is, and close to it. With two
decisions left it was as good as all sequences of orders, for 30 of 30 patients whom chance had treated until then. Six
times the width finds 0.03 hours more, of 48 (20 patients of `heparin-labs`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin import model
from harness.envs.anticoagulation.heparin.infusion import Course, Orders, orders, passed
from harness.envs.anticoagulation.heparin.model import QUARTERS
from harness.envs.anticoagulation.heparin.patients import Patients
from harness.envs.anticoagulation.heparin.setting import Setting
from harness.mdp.tabular import FloatArray, IntArray

GRID = np.concatenate([np.linspace(0.0, 0.8, 41), np.geomspace(0.85, 4.0, 10)])
"""Concentrations of the table, U/mL: a fiftieth where the therapeutic range is."""

RATES = np.arange(0.0, 42.0, 2.0)
"""Rates of the table, U/kg/h; those between are interpolated, those above are taken for the highest."""

HALF = 0.5
"""Hours of a step of the table."""

WIDTH = 8
"""Courses that go on from each decision of a plan."""

ALIKE, MORE = 0.01, 8
"""Courses at the same rate whose concentrations (U/mL) are the same to this go on as one; so many times the width, the
most promising first, are looked at to find some that are not."""

_TRIED = [(bolus, hold) for bolus in c.BOLUSES for hold in (0.0, 0.5, 1.0)]
_BOLUSES, _HELD = (np.array(column, dtype=np.float64)[:, None, None, None] for column in zip(*_TRIED, strict=True))
"""Bolus and pause of what is tried: all of them."""

_CHANGES = np.array([*sorted(c.CHANGES, key=abs), -c.MOST])[:, None, None]
_BEGUN = np.array([0.0, *c.SETS, 0.0])[:, None, None]
"""Changes that are tried where an infusion runs, the last one stopping it, and rates where none does."""

_NO_TESTS = np.zeros((2, 1), dtype=np.bool_)

_REACHED = np.abs(RATES[:, None] - RATES) <= max(c.CHANGES)
"""Rates of the table (columns) that a decision can change each (rows) to."""
_REACHED[:, 0] = True
_REACHED[0] = np.isin(RATES, (0, *c.SETS))


@dataclass(frozen=True, eq=False)
class Table:
    """What can still be earned, by decision, concentration, rate and patient, shape (decisions + 1, 51, 21, n)."""

    setting: Setting
    values: FloatArray

    def at(self, decision: int, concentration: FloatArray, rate: FloatArray) -> FloatArray:
        """Interpolated, for concentrations and rates of shape (..., n)."""
        values = self.values[decision]
        low, part = _between(np.minimum(rate, RATES[-1]), RATES)
        below, share = _between(concentration, GRID)
        who = np.arange(values.shape[-1])
        rows = [
            (1 - share) * values[below, at, who] + share * values[below + 1, at, who] for at in (low, low + 1)
        ]  # fmt: skip
        return np.asarray((1 - part) * rows[0] + part * rows[1])


def _between(x: FloatArray, grid: FloatArray) -> tuple[IntArray, FloatArray]:
    """The node below and the share of the way to the next one."""
    below = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, len(grid) - 2)
    share = (x - grid[below]) / (grid[below + 1] - grid[below])
    return below, np.clip(share, 0.0, 1.0)


def table(patients: Patients, setting: Setting) -> Table:
    """The table of n patients, backward from the last hour."""
    starts = list(range(0, patients.hours, setting.step))
    n = len(patients)
    values = np.zeros((len(starts) + 1, len(GRID), len(RATES), n))
    grid = np.broadcast_to(GRID[:, None, None], values.shape[1:])
    for decision in reversed(range(len(starts))):
        start, end = starts[decision], min(starts[decision] + setting.step, patients.hours)
        delay = setting.delay if start else 0
        held = np.full(values.shape[1:], -np.inf)
        for hold in (0.0, 0.5, 1.0):
            there, earned = _passed(patients, grid, start + delay, end, hold)
            held = np.maximum(held, earned + _interpolated(values[decision + 1], there))
        ordered = held
        for bolus in c.BOLUSES[1:]:
            ordered = np.maximum(ordered, _interpolated(held, grid + bolus / patients.pharmacology.volume))
        best = np.stack([ordered[:, reached].max(axis=1) for reached in _REACHED], axis=1)
        if delay:
            there, earned = _passed(patients, grid, start, start + delay, 0.0)
            best = earned + _interpolated(best, there)
        values[decision] = best
    return Table(setting, values)


def _passed(patients: Patients, now: FloatArray, start: int, end: int, hold: float) -> tuple[FloatArray, FloatArray]:
    """Where every node leads under its rate, and what is earned on the way."""
    pharmacology = patients.pharmacology
    gain, base = 1 / pharmacology.volume, np.log(pharmacology.base)
    earned = np.zeros(now.shape)
    for half in range(int((end - start) / HALF)):
        hour = start + int(half * HALF)
        rate = np.zeros((len(RATES), 1)) if half * HALF < hold else RATES[:, None]
        now = model.after(now, rate * gain, patients.elimination[hour], HALF)
        earned += HALF * model.reward(base + pharmacology.slope * now, hour)
    return now, earned


def _interpolated(values: FloatArray, concentration: FloatArray) -> FloatArray:
    """Values (51, 21, n) at other concentrations of the same shape."""
    below, share = _between(concentration, GRID)
    found = (1 - share) * np.take_along_axis(values, below, axis=0)
    return np.asarray(found + share * np.take_along_axis(values, below + 1, axis=0))


@dataclass(frozen=True, eq=False)
class Plan:
    """The best orders found from a decision on, for n patients.

    Attributes
    ----------
    value : float array, shape (n,)
        What they earn.
    given : tuple of Orders
    """

    value: FloatArray
    given: tuple[Orders, ...]


def plan(course: Course, promised: Table, width: int = WIDTH) -> Plan:
    """The best orders found for the patients of a course from now on; none of them draws blood."""
    patients, setting, n = course.patients, course.setting, len(course.patients)
    pharmacology = patients.pharmacology
    gain, base = 1 / pharmacology.volume, np.log(pharmacology.base)
    now, rate, value = course.concentration[QUARTERS * course.hour][None], course.rate[None], np.zeros((1, n))
    steps: list[tuple[IntArray, Orders]] = []
    for start in range(course.hour, patients.hours, setting.step):
        end = min(start + setting.step, patients.hours)
        rates = _rates(rate)
        tried = Orders(rates, _BOLUSES, _HELD, _NO_TESTS)
        then, earned = now, np.zeros((len(_TRIED), *rates.shape))
        for quarter, _, then in passed(now, rate, tried, (start, end), setting, gain, patients.elimination):
            earned += model.reward(base + pharmacology.slope * then, quarter // QUARTERS)
        earned = value + earned / QUARTERS
        worth = earned + promised.at(start // setting.step + 1, then, rates)
        who, rates = np.arange(n), np.broadcast_to(rates, worth.shape)
        best = np.argsort(-worth.reshape(-1, n), axis=0, kind="stable")[: MORE * width]
        best = _unlike(best, np.rint(then.reshape(-1, n)[best, who] / ALIKE), rates.reshape(-1, n)[best, who])[:width]
        extra, change, parent = np.unravel_index(best, worth.shape[:3])
        value, now = earned[extra, change, parent, who], then[extra, change, parent, who]
        rate = rates[extra, change, parent, who]
        steps.append((parent, orders(rate, _BOLUSES.ravel()[extra], _HELD.ravel()[extra])))
    return _traced(value, steps)


def _unlike(best: IntArray, concentration: FloatArray, rate: FloatArray) -> IntArray:
    """Places (k, n) of courses, the best first, those put last that are like a better one."""
    alike = (concentration[:, None] == concentration) & (rate[:, None] == rate)
    again = (alike & np.tri(len(best), k=-1, dtype=np.bool_)[:, :, None]).any(axis=1)
    return np.take_along_axis(best, np.argsort(again, axis=0, kind="stable"), axis=0)


def _traced(value: FloatArray, steps: list[tuple[IntArray, Orders]]) -> Plan:
    """The plan that ends best, from its end to its beginning."""
    if not steps:
        return Plan(value[0], ())
    at, who = value.argmax(axis=0), np.arange(value.shape[1])
    best, given = value[at, who], []
    for parent, ordered in reversed(steps):
        given.append(orders(ordered.rate[at, who], ordered.bolus[at, who], ordered.hold[at, who]))
        at = parent[at, who]
    return Plan(best, tuple(reversed(given)))


def _rates(rate: FloatArray) -> FloatArray:
    """Every rate that can be ordered where some (width, n) run, the smallest change first, shape (10, width, n)."""
    changed = np.minimum(np.maximum(rate + _CHANGES, 0.0), c.MOST)
    return np.where(rate == 0, _BEGUN, changed)


def followed(patients: Patients, setting: Setting) -> Course:
    """The courses of n patients under their plans."""
    course = Course(patients, setting)
    for given in plan(course, table(patients, setting)).given:
        course.step(given)
    return course
