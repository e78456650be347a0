"""Simulated patients on heparin under one policy after another, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin.hindsight import followed
from harness.envs.anticoagulation.heparin.infusion import Course, Policy, run
from harness.envs.anticoagulation.heparin.laboratory import APTT
from harness.envs.anticoagulation.heparin.model import EDGES, QUARTERS
from harness.envs.anticoagulation.heparin.patients import Patients, draw
from harness.envs.anticoagulation.heparin.setting import Setting
from harness.mdp.tabular import FloatArray
from harness.reproduce.calibration import Treated, Watch

CHUNK: Final = 100
"""Patients that are believed about, or planned for, at a time: some 200 MB."""


@dataclass(frozen=True, eq=False)
class Result:
    """What became of n patients under a policy, shape (n,).

    Attributes
    ----------
    within : float array
        Percent of the time after the loading phase with a true aPTT in range.
    dangerous : float array
        Percent of that time with a true aPTT above 120 s.
    returns, tests : float array
        Return, and tests drawn after the beginning.
    measured : float array, shape (3, n)
        Percent of a patient's aPTTs after the beginning below, within and above the range; NaN without any.
    reached : float array
        Whether an aPTT drawn within a day exceeded 1.5 times the control.
    at_a_day : float array
        Whether the aPTT at 24 hours was in range; NaN where none was drawn.
    """

    within: FloatArray
    dangerous: FloatArray
    returns: FloatArray
    tests: FloatArray
    measured: FloatArray
    reached: FloatArray
    at_a_day: FloatArray


def became(course: Course) -> Result:
    """The result of courses that are over."""
    aptt = course.samples.value[1:, APTT]
    n = np.maximum((~np.isnan(aptt)).sum(axis=0), 1)
    counted = [
        (aptt < c.LOW).sum(axis=0),
        ((aptt >= c.LOW) & (aptt <= c.HIGH)).sum(axis=0),
        (aptt > c.HIGH).sum(axis=0),
    ]
    none = np.isnan(aptt).all(axis=0)
    day = aptt[c.BELOW_FROM - 1]
    in_range_then = np.where(np.isnan(day), np.nan, (day >= c.LOW) & (day <= c.HIGH))
    later = course.log_aptt()[QUARTERS * c.LOADING + 1 :]
    return Result(
        within=100 * course.in_range(),
        dangerous=100 * (later >= EDGES[3]).mean(axis=0),
        returns=course.earned,
        tests=course.tests.astype(float),
        measured=np.where(none, np.nan, 100 * np.array(counted) / n),
        reached=(np.nan_to_num(aptt[: c.BELOW_FROM]) >= c.LOW).any(axis=0).astype(float),
        at_a_day=in_range_then,
    )


class Ward:
    """The patients of a calibration, and how far it is.

    Parameters
    ----------
    seeds : range
    setting : Setting
    watch : function of progress
    work : int
        Patients that will be treated in all, each policy counted.
    """

    def __init__(self, seeds: range, setting: Setting, *, watch: Watch, work: int) -> None:
        self.patients, self.setting = draw(seeds, setting), setting
        self._treated = Treated(watch, work)

    def under(self, policy: Policy) -> Result:
        """All patients under a policy."""
        found = became(run(self.patients, self.setting, policy))
        self._treated.add(len(self.patients))
        return found

    def each(self, policy: Callable[[Patients], Policy], patients: int | None = None) -> Result:
        """A policy that is made for some patients at a time."""
        return self._in_chunks(lambda who: run(who, self.setting, policy(who)), patients)

    def hindsight(self, patients: int | None = None) -> Result:
        """The plan that knows everything."""
        return self._in_chunks(lambda who: followed(who, self.setting), patients)

    def _in_chunks(self, treated: Callable[[Patients], Course], patients: int | None) -> Result:
        n = patients or len(self.patients)
        return self._treated.in_chunks(n, CHUNK, lambda some: became(treated(self.patients[some])))
