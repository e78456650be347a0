"""n patients on an infusion of heparin: orders go in, hours pass, rewards and aPTTs come out.

Arrays have the time first and the patients last: an hour of all patients is one row. `Course.step` is the vectorised
step that policies over many patients, and learners, call; the environment is a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass

import numpy as np

from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin import laboratory, model
from harness.envs.anticoagulation.heparin.laboratory import Samples
from harness.envs.anticoagulation.heparin.model import QUARTERS
from harness.envs.anticoagulation.heparin.patients import TESTS, Patients
from harness.envs.anticoagulation.heparin.setting import Setting
from harness.mdp.tabular import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Orders:
    """What is ordered for n patients.

    Attributes
    ----------
    rate : float array, shape (n,)
        U/kg/h.
    bolus : float array, shape (n,)
        U/kg, given as the orders take effect.
    hold : float array, shape (n,)
        Hours without an infusion before the new rate begins: 0, 1/2 or 1.
    tests : bool array, shape (2, n)
        Which of `patients.TESTS` are drawn now.
    """

    rate: FloatArray
    bolus: FloatArray
    hold: FloatArray
    tests: BoolArray


def orders(rate: FloatArray, bolus: FloatArray | float = 0.0, hold: FloatArray | float = 0.0) -> Orders:
    """Orders without a test; single numbers hold for everyone."""
    shape = np.shape(rate)
    none = np.zeros((len(TESTS), *shape), dtype=np.bool_)
    return Orders(np.asarray(rate, dtype=float), np.broadcast_to(bolus, shape), np.broadcast_to(hold, shape), none)


def either(some: BoolArray, these: Orders, those: Orders) -> Orders:
    """Some patients (n,) get these orders, the others those."""
    columns = ((these.rate, those.rate), (these.bolus, those.bolus), (these.hold, those.hold))
    rate, bolus, hold = (np.where(some, this, that) for this, that in columns)
    return Orders(rate, bolus, hold, np.where(some, these.tests, those.tests))


@dataclass(frozen=True, eq=False)
class Chart:
    """What is known of n patients at a decision.

    Attributes
    ----------
    weight : float array, shape (n,)
        kg.
    hour : int
        Hours since the beginning.
    length : int
        Hours of the whole episode.
    setting : Setting
    rate : float array, shape (n,)
        As ordered last, U/kg/h.
    samples : Samples
        Drawn up to now, what is not known yet left out.
    changed : int array, shape (n,)
        Hour of the last order that was no mere going on; -1 before the first.
    infused : float array, shape (4 * hour, n)
        U/kg/h in each quarter of an hour so far, boluses in the quarter they were given in.
    """

    weight: FloatArray
    hour: int
    length: int
    setting: Setting
    rate: FloatArray
    samples: Samples
    changed: IntArray
    infused: FloatArray


Policy = Callable[[Chart], Orders]


class Course:
    """n patients and what happens to them.

    Parameters
    ----------
    patients : Patients
    setting : Setting

    Attributes
    ----------
    hour : int
    rate : float array, shape (n,)
        As ordered last, U/kg/h.
    concentration : float array, shape (4 * T + 1, n)
        U/mL at each quarter of an hour, NaN for those to come.
    tests : int array, shape (n,)
        How many were drawn after the first aPTT, or ordered in vain while that was drawn anyway.
    samples : Samples
        Everything drawn, shape (T + 1, 2, n) each.
    """

    def __init__(self, patients: Patients, setting: Setting) -> None:
        n, hours = len(patients), patients.hours
        self.patients, self.setting = patients, setting
        self.hour = 0
        self.rate = np.zeros(n)
        self.changed = np.full(n, -1)
        self.earned = np.zeros(n)
        self.infused = np.zeros((QUARTERS * hours, n))
        self.concentration = np.full((QUARTERS * hours + 1, n), np.nan)
        self.concentration[0] = 0.0
        self.samples = laboratory.nothing(hours, n)
        self._draw(laboratory.ROUTINE, at_once=True)  # before any heparin, known at the beginning
        self.tests = np.zeros(n, dtype=np.int64)

    def branch(self) -> Course:
        """A copy that can go its own way."""
        other = copy(self)
        for name in ("rate", "changed", "earned", "infused", "concentration", "tests"):
            setattr(other, name, getattr(self, name).copy())
        other.samples = self.samples.copy()
        return other

    @property
    def over(self) -> bool:
        """Whether the last hour has passed."""
        return self.hour >= self.patients.hours

    def chart(self) -> Chart:
        """What is known now."""
        return Chart(
            self.patients.weight,
            self.hour,
            self.patients.hours,
            self.setting,
            self.rate,
            self.samples.known(self.hour),
            self.changed,
            self.infused[: QUARTERS * self.hour],
        )

    def step(self, given: Orders) -> FloatArray:
        """Carry out the orders up to the next decision; the rewards, shape (n,).

        In a setting where tests are not ordered an aPTT is drawn then. Boluses and holds begin with the new rate, after
        `setting.delay`.
        """
        start, end = self.hour, min(self.hour + self.setting.step, self.patients.hours)
        if self.setting.ordered:
            self._draw(given.tests, at_once=False)
            self.tests = self.tests + given.tests.sum(axis=0)
        changes = (given.rate != self.rate) | (given.bolus > 0) | (given.hold > 0)
        self.changed = np.where(changes, start, self.changed)
        pharmacology = self.patients.pharmacology
        gain, base = 1 / pharmacology.volume, np.log(pharmacology.base)
        earned = np.zeros(len(self.rate))
        now = self.concentration[QUARTERS * start]
        passing = passed(now, self.rate, given, (start, end), self.setting, gain, self.patients.elimination)
        for quarter, infused, now in passing:
            self.infused[quarter] = infused
            self.concentration[quarter + 1] = now
            earned += model.reward(base + pharmacology.slope * now, quarter // QUARTERS)
        earned /= QUARTERS
        if self.setting.ordered:
            earned -= c.LAB_COST * given.tests.sum(axis=0)
        self.rate = np.asarray(given.rate, dtype=np.float64)
        self.hour = end
        self.earned = self.earned + earned
        if not self.setting.ordered:
            self._draw(laboratory.ROUTINE, at_once=True)
            self.tests = self.tests + 1
        return earned

    def _draw(self, tests: BoolArray, *, at_once: bool) -> None:
        """Take samples of who is to have them, now."""
        wanted = np.broadcast_to(tests, (len(TESTS), len(self.rate)))
        now = self.concentration[QUARTERS * self.hour]
        laboratory.draw(self.samples, self.hour, now, self.patients, wanted, self.setting.cv, at_once=at_once)

    def log_aptt(self) -> FloatArray:
        """Logarithm of the true aPTT at each quarter of an hour up to now, shape (4 * hour + 1, n)."""
        return model.log_aptt(self.concentration[: QUARTERS * self.hour + 1], self.patients.pharmacology)

    def in_range(self) -> FloatArray:
        """Share of the time after the loading phase, up to now, with a true aPTT in range, shape (n,); else NaN."""
        counted = model.in_range(self.log_aptt()[QUARTERS * c.LOADING + 1 :])
        return np.asarray(counted.mean(axis=0)) if len(counted) else np.full(len(self.rate), np.nan)


def passed(
    now: FloatArray,
    before: FloatArray,
    given: Orders,
    hours: tuple[int, int],
    setting: Setting,
    gain: FloatArray,
    elimination: FloatArray,
) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Each quarter of an hour from one decision to the next: its number, what is infused, and where that leads.

    What is infused is in U/kg/h, a bolus as a rate; where it leads in U/mL.

    Parameters
    ----------
    now : float array, shape (..., n)
        Concentration at the decision, U/mL.
    before : float array, shape (..., n)
        Rate that runs until the orders take effect, U/kg/h.
    given : Orders
        Their arrays have the shape (..., n).
    hours : (int, int)
        Of this decision and of the next one.
    setting : Setting
    gain : float array, shape (n,)
        1 / volume.
    elimination : float array, shape (T, n)
        Rate at a concentration of 0 in each hour.
    """
    start, end = hours
    begins = QUARTERS * (start + (setting.delay if start else 0))
    held = np.rint(QUARTERS * given.hold)
    longest = held.max()
    for quarter in range(QUARTERS * start, QUARTERS * end):
        rate = before if quarter < begins else given.rate
        if 0 <= quarter - begins < longest:
            rate = np.where(quarter - begins < held, 0.0, rate)
        if quarter == begins:
            now = now + given.bolus * gain
        now = model.after(now, rate * gain, elimination[quarter // QUARTERS])
        yield quarter, rate + QUARTERS * given.bolus if quarter == begins else rate, now


def run(patients: Patients, setting: Setting, policy: Policy) -> Course:
    """All patients under a policy, to the end."""
    course = Course(patients, setting)
    while not course.over:
        course.step(policy(course.chart()))
    return course
