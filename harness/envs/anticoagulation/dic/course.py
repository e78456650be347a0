"""n patients from decision to decision, and what is known of them at each: arrays over patients."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import numpy as np

from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.actions import DOSES, DRUG_OF
from harness.envs.anticoagulation.dic.model import State, prothrombin_time, step, survival
from harness.envs.anticoagulation.dic.patients import Patients
from harness.envs.anticoagulation.isth_dic import fibrin_points, isth_score
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

DAY = round(24.0 / c.STEP_HOURS)


@dataclass(frozen=True, eq=False)
class Chart:
    """What is known of k patients at a decision. Laboratory values were drawn an hour before.

    Attributes
    ----------
    hours : int
        Since arrival.
    cause : int array, shape (k,)
        Place in `constants.CAUSES`.
    bleeding, treated : bool array, shape (k,)
        Now; and whether what causes the DIC has been treated.
    sofa : int array, shape (k,)
        Organ failure, points of 20.
    platelets, pt, fibrinogen, d_dimer : float array, shape (k,)
        10^9/L, seconds, g/L, mg/L.
    volume : float array, shape (k,)
        Litres of components in the circulation.
    doses : int array, shape (k,)
        Components given in the last 24 hours.
    drug : int array, shape (k,)
        Given in the last six hours, place in `constants.DRUGS`.
    """

    hours: int
    cause: IntArray
    bleeding: BoolArray
    treated: BoolArray
    sofa: IntArray
    platelets: FloatArray
    pt: FloatArray
    fibrinogen: FloatArray
    d_dimer: FloatArray
    volume: FloatArray
    doses: IntArray
    drug: IntArray

    @property
    def isth(self) -> IntArray:
        """ISTH score of overt DIC, shape (k,)."""
        marker = fibrin_points(self.d_dimer, c.D_DIMER_LIMIT)
        return isth_score(self.platelets, marker, self.pt - c.PT_NORMAL, self.fibrinogen)


Policy = Callable[[Chart], IntArray]
"""Orders of every patient of a chart, places in `actions.ACTIONS`, shape (k,)."""


def chart(now: State, before: State, error: FloatArray, hours: int, doses: IntArray, drug: IntArray) -> Chart:
    """What is known of patients at a time, of whom the state a step before is known too; `error` is (k, 4)."""
    new = 1.0 - c.LAB_DELAY / c.STEP_HOURS

    def drawn(name: str) -> FloatArray:
        earlier: FloatArray = getattr(before, name)
        return np.asarray(earlier + new * (getattr(now, name) - earlier))

    return Chart(
        hours=hours,
        cause=now.cause,
        bleeding=now.bleeding,
        treated=now.treated,
        sofa=np.rint(c.SOFA_WORST * now.organs).astype(np.int64),
        platelets=np.rint(drawn("platelets") * error[:, 0]),
        pt=np.round(prothrombin_time(drawn("factors")) * error[:, 1], 1),
        fibrinogen=np.round(drawn("fibrinogen") * error[:, 2], 1),
        d_dimer=np.round(drawn("d_dimer") * error[:, 3], 1),
        volume=np.round(now.volume, 1),
        doses=doses,
        drug=drug,
    )


class Course:
    """n patients and what happens to them.

    Parameters
    ----------
    patients : Patients

    Attributes
    ----------
    step : int
        Decisions taken.
    state : State
    returns : float array, shape (n,)
        Rewards so far; at the end survival less what bleeding, components and overload cost.
    deaths : float array, shape (n,)
        Probability to have died; at the end, by day 28.
    bleeding_days, overloads, units : float array, shape (n,)
        Days with bleeding, overloads and bags of components so far, each weighted by the probability to live then.
    began : bool array, shape (n,)
        Whether a bleeding began after arrival.
    """

    def __init__(self, patients: Patients) -> None:
        n = len(patients)
        self.patients, self.step = patients, 0
        self.state = self._before = patients.arrival
        self.returns, self.deaths = np.zeros(n), np.zeros(n)
        self.bleeding_days, self.overloads, self.units = np.zeros(n), np.zeros(n), np.zeros(n)
        self.began = np.zeros(n, dtype=np.bool_)
        self._doses = [np.zeros(n, dtype=np.int64)] * DAY
        self._drug = np.zeros(n, dtype=np.int64)

    @property
    def over(self) -> bool:
        """Whether the last decision has been taken."""
        return self.step == c.STEPS

    def chart(self) -> Chart:
        """What is known of the patients now."""
        error, hours = self.patients.error[:, self.step], round(self.step * c.STEP_HOURS)
        doses = self._doses[0] + self._doses[1] + self._doses[2] + self._doses[3]
        return chart(self.state, self._before, error, hours, doses, self._drug)

    def futures(self, chance: FloatArray, error: FloatArray) -> Course:
        """Copies of the one patient as it is now, each with luck (m, T) and errors (m, T + 1, 4) of its own."""
        same = np.zeros(len(chance), dtype=np.int64)
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray | State):
                setattr(other, name, value[same])
        other._doses = [doses[same] for doses in self._doses]
        other.patients = Patients(other.state, chance, error)
        return other

    def order(self, orders: IntArray) -> FloatArray:
        """Carry out orders for six hours; the reward of each patient, at the end with the probability to survive."""
        found = step(self.state, orders)
        alive, bled = self.state.alive, self.state.bleeding
        self._before, self.state = self.state, found.bleed(self.patients.chance[:, self.step])
        self.step += 1
        reward = found.reward
        self.deaths = 1.0 - self.state.alive
        if self.over:
            survivors = survival(self.state)
            reward = reward + survivors
            self.deaths = 1.0 - survivors
        self.returns += reward
        self.bleeding_days += alive * bled * (c.STEP_HOURS / 24.0)
        self.overloads += alive * found.overload
        self.units += alive * found.units
        self.began |= self.state.bleeding & ~bled
        self._doses, self._drug = [*self._doses[1:], DOSES[orders]], DRUG_OF[orders]
        return reward


def run(patients: Patients, policy: Policy) -> Course:
    """All patients under a policy, to the end."""
    course = Course(patients)
    while not course.over:
        course.order(policy(course.chart()))
    return course
