"""n patients on heparin from day to day: platelets, the activity of HIT, and what may happen.

Arrays have the day first and the patients last. Everything random is drawn for every day beforehand, from the streams
`patient`, `laboratory` (the error of a count) and `events` (who has one of those that may happen): no order changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from harness.core.seeds import streams
from harness.envs.anticoagulation.four_ts import OtherCause, Sequelae
from harness.envs.anticoagulation.heparin.hit import constants as c
from harness.mdp.tabular import FloatArray, IntArray

NEVER = 99
"""Day of what does not happen."""


class Therapy(IntEnum):
    """What a patient is given for a day."""

    HEPARIN = 0
    STOP = 1
    ALTERNATIVE = 2


@dataclass(frozen=True, eq=False)
class Patients:
    """n patients; shape (n,) but for the last three.

    Attributes
    ----------
    before : float array
        Platelets before heparin, 10⁹/L.
    onset : int array
        Day on which HIT begins if heparin is given then; `NEVER` without.
    loss_hit, loss_ill : float array
        Rates of loss, per day.
    illness : int array, shape (2, n)
        First day of another cause, and the day on which it is over; `NEVER` without.
    named : int array
        `OtherCause` as it seems, from `seems` on.
    seems : int array
        Day from which another cause seems to be there: the day on which one begins, or could have begun.
    exposure : float array
        Days since earlier heparin; infinite without.
    error : float array, shape (DAYS + 1, n)
        Logarithm of what a count is wrong by.
    event, alarm : float array, shape (DAYS, n)
        Uniform numbers: an event where below the hazard; what becomes of it.
    """

    before: FloatArray
    onset: IntArray
    loss_hit: FloatArray
    loss_ill: FloatArray
    illness: IntArray
    named: IntArray
    seems: IntArray
    exposure: FloatArray
    error: FloatArray
    event: FloatArray
    alarm: FloatArray

    def __len__(self) -> int:
        return len(self.before)


def draw(seeds: Sequence[int]) -> Patients:
    """The patients that belong to some seeds."""
    drawn = [(patient.random(8), patient.standard_normal(3)) for patient in streams(seeds, "patient")]
    u, z = (np.array(values).T for values in zip(*drawn, strict=True))
    errors = np.array([laboratory.standard_normal(c.DAYS + 1) for laboratory in streams(seeds, "laboratory")]).T
    events = np.array([happens.random((2, c.DAYS)) for happens in streams(seeds, "events")]).transpose(1, 2, 0)
    has = u[0] < c.HIT
    rapid = has & (u[1] < c.RAPID)
    days, shares = np.array(list(c.ONSET)), np.cumsum(list(c.ONSET.values()))
    onset = np.where(has, np.where(rapid, 0, days[np.searchsorted(shares[:-1], u[2], side="right")]), NEVER)
    exposed = np.where(rapid, _whole(u[3], c.RAPID_EXPOSURE), _whole(u[3], c.EXPOSURE)).astype(np.float64)
    ill = u[4] < np.where(has, c.ILL_WITH_HIT, c.ILL)
    might = _whole(u[5], c.ILLNESS_BEGINS)  # also of those who stay well: the day of a sign must not tell them apart
    begins = np.where(ill, might, NEVER)
    over = np.where(ill, begins + _whole(u[6], c.ILLNESS_LASTS), NEVER)
    definite, possible = (np.where(ill, *pair) for pair in zip(c.NAMED_IF_ILL, c.NAMED_IF_NOT, strict=True))
    named = np.where(u[7] < definite, OtherCause.DEFINITE, np.where(u[7] < definite + possible, 1, OtherCause.NONE))
    spread = np.sqrt(np.log1p((c.PLATELETS_SD / c.PLATELETS_MEAN) ** 2))
    return Patients(
        before=np.clip(c.PLATELETS_MEAN * np.exp(spread * z[0] - spread**2 / 2), c.FEWEST, c.MOST),
        onset=onset,
        loss_hit=c.LOSS_HIT * np.exp(c.SD_LOG_LOSS_HIT * z[1]),
        loss_ill=c.LOSS_ILL * np.exp(c.SD_LOG_LOSS_ILL * z[2]),
        illness=np.stack([begins, over]),
        named=named,
        seems=might,
        exposure=np.where(rapid | (u[1] > 1 - c.EXPOSED * np.where(has, 1 - c.RAPID, 1)), exposed, np.inf),
        error=np.sqrt(np.log1p(c.COUNT_CV**2)) * errors,
        event=events[0],
        alarm=events[1],
    )


def _whole(u: FloatArray, ends: tuple[int, int]) -> IntArray:
    """Whole numbers from the first to the last of `ends`, by uniform numbers."""
    return ends[0] + np.floor(u * (ends[1] - ends[0] + 1)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class State:
    """Where n patients are: platelets (10⁹/L) and the activity of HIT (0 to 1); shape (..., n)."""

    platelets: FloatArray
    activity: FloatArray


def after_a_day(patients: Patients, state: State, day: int, therapy: IntArray) -> tuple[State, FloatArray, FloatArray]:
    """The state a day later, and that day's hazards of thrombosis and of major bleeding; shape (..., n) each."""
    heparin = therapy == Therapy.HEPARIN
    building = heparin & (patients.onset <= day)
    activity = np.where(
        building,
        1 - (1 - state.activity) * np.exp(-1 / c.BUILDS_DAYS),
        state.activity * np.exp(-1 / c.WANES_DAYS),
    )
    ill = (patients.illness[0] <= day) & (day < patients.illness[1])
    loss = patients.loss_hit * activity * np.where(heparin, 1.0, c.STILL_LOST) + patients.loss_ill * ill
    rate = 1 / c.RECOVERY_DAYS + loss
    level = patients.before / c.RECOVERY_DAYS / rate
    platelets = level + (state.platelets - level) * np.exp(-rate)
    stopped = therapy == Therapy.STOP
    protected = np.where(therapy == Therapy.ALTERNATIVE, c.ALTERNATIVE, 1.0)
    thrombosis = np.where(stopped, c.THROMBOSIS_UNTREATED, c.THROMBOSIS_TREATED)
    thrombosis = thrombosis + c.THROMBOSIS_HIT * activity * protected
    by_therapy = np.array([c.BLEEDING_HEPARIN, c.BLEEDING_NONE, c.BLEEDING_ALTERNATIVE])[therapy]
    by_count = np.where(platelets < c.LOW_PLATELETS, c.BLEEDING_LOW, 1.0)
    by_count = np.where(platelets < c.VERY_LOW_PLATELETS, c.BLEEDING_VERY_LOW, by_count)
    return State(platelets, activity), thrombosis, by_therapy * by_count


@dataclass(frozen=True, eq=False)
class Chart:
    """What is known of n patients on a day.

    Attributes
    ----------
    day : int
    counts : int array, shape (day + 1, n)
        Platelets, 10⁹/L; the last is today's.
    therapy : int array, shape (day, n)
        `Therapy` of each day so far.
    sequelae, other : int array, shape (n,)
        `Sequelae` and `OtherCause` up to now.
    exposure : float array, shape (n,)
        Days from earlier heparin to day 0; infinite without.
    """

    day: int
    counts: IntArray
    therapy: IntArray
    sequelae: IntArray
    other: IntArray
    exposure: FloatArray


Policy = Callable[[Chart], IntArray]


class Course:
    """n patients and what happens to them.

    Parameters
    ----------
    patients : Patients

    Attributes
    ----------
    day : int
    state : State
    counts : int array, shape (DAYS + 1, n)
    therapy : int array, shape (DAYS, n)
    hazards : float array, shape (DAYS, 2, n)
        Of thrombosis and of major bleeding on each day.
    """

    def __init__(self, patients: Patients) -> None:
        n = len(patients)
        self.patients, self.day = patients, 0
        self.state = State(patients.before, np.zeros(n))
        self.counts = np.zeros((c.DAYS + 1, n), dtype=np.int64)
        self.therapy = np.zeros((c.DAYS, n), dtype=np.int64)
        self.hazards = np.zeros((c.DAYS, 2, n))
        self.sequelae = np.zeros(n, dtype=np.int64)
        self._count()

    def branch(self) -> Course:
        """A copy that can go its own way."""
        other = copy(self)
        for name in ("counts", "therapy", "hazards", "sequelae"):
            setattr(other, name, getattr(self, name).copy())
        return other

    @property
    def over(self) -> bool:
        """Whether the last day has passed."""
        return self.day == c.DAYS

    def chart(self) -> Chart:
        """What is known today."""
        patients, day = self.patients, self.day
        other = np.where(patients.seems <= day, patients.named, OtherCause.NONE)
        return Chart(day, self.counts[: day + 1], self.therapy[:day], self.sequelae, other, patients.exposure)

    def step(self, therapy: IntArray) -> FloatArray:
        """A day under a therapy; the rewards, shape (n,): expected events, of 100 such patients, each counted -1."""
        patients, day = self.patients, self.day
        self.state, thrombosis, bleeding = after_a_day(patients, self.state, day, therapy)
        self.therapy[day], self.hazards[day] = therapy, (thrombosis, bleeding)
        new = patients.event[day] < thrombosis
        found = np.where(patients.alarm[day] < c.SUSPECTED, Sequelae.SUSPECTED, Sequelae.CONFIRMED)
        feared = patients.event[day] > 1 - c.FALSE_ALARM
        self.sequelae = np.maximum(self.sequelae, np.where(new, found, np.where(feared, Sequelae.SUSPECTED, 0)))
        self.day = day + 1
        self._count()
        return np.asarray(-100 * (thrombosis + bleeding))

    def _count(self) -> None:
        self.counts[self.day] = np.round(self.state.platelets * np.exp(self.patients.error[self.day]))

    def right(self) -> FloatArray:
        """Share of the days so far on heparin before HIT began, or without it, and on the alternative after, (n,)."""
        begun = np.arange(self.day)[:, None] >= self.patients.onset
        best = np.where(begun, Therapy.ALTERNATIVE, Therapy.HEPARIN)
        return np.asarray((self.therapy[: self.day] == best).mean(axis=0))

    def returns(self) -> FloatArray:
        """Return so far, shape (n,)."""
        return np.asarray(-100 * self.hazards[: self.day].sum(axis=(0, 1)))


def run(patients: Patients, policy: Policy) -> Course:
    """All patients under a policy, to the end."""
    course = Course(patients)
    while not course.over:
        course.step(policy(course.chart()))
    return course
