"""Simulated patients on warfarin under one policy after another, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.envs.anticoagulation.metrics import rosendaal
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.clinic import Course, Policy, run
from harness.envs.anticoagulation.warfarin.oracle import followed
from harness.envs.anticoagulation.warfarin.particles import Bayes, KnownPatient
from harness.envs.anticoagulation.warfarin.patients import Patients, draw
from harness.mdp.tabular import FloatArray
from harness.reproduce.calibration import Treated, Watch

CHUNK: Final = 250
"""Patients that are believed about at a time: some 100 MB."""


@dataclass(frozen=True, eq=False)
class Result:
    """What became of n patients under a policy, shape (n,): percent of days, highest INRs, and returns."""

    ttr: FloatArray
    early: FloatArray
    late: FloatArray
    below: FloatArray
    above: FloatArray
    late_below: FloatArray
    late_above: FloatArray
    true: FloatArray
    highest_true: FloatArray
    highest_measured: FloatArray
    returns: FloatArray


def measured(course: Course) -> Result:
    """The times in range of a course that is over, by Rosendaal but for `true`."""
    days = np.arange(course.patients.days + 1)
    whole = rosendaal(days, course.measured)
    late = rosendaal(days, course.measured, start=57, end=90)
    inr = course.true_inr[:, 1:]
    return Result(
        ttr=100 * whole.within,
        early=100 * rosendaal(days, course.measured, start=5, end=28).within,
        late=100 * late.within,
        below=100 * whole.below,
        above=100 * whole.above,
        late_below=100 * late.below,
        late_above=100 * late.above,
        true=100 * ((inr >= c.LOW) & (inr <= c.HIGH)).mean(axis=1),
        highest_true=inr.max(axis=1),
        highest_measured=np.nanmax(course.measured, axis=1),
        returns=course.returns(),
    )


class Ward:
    """The patients of a calibration, and how far it is.

    Parameters
    ----------
    seeds : range
    days : int
    settled : bool
    watch : function of progress
    work : int
        Patients that will be treated in all, each policy counted.
    """

    def __init__(self, seeds: range, days: int, *, settled: bool, watch: Watch, work: int) -> None:
        self.patients = draw(seeds, days, settled=settled)
        self._settled, self._treated = settled, Treated(watch, work)

    def under(self, policy: Policy) -> Result:
        """All patients under a policy."""
        found = measured(run(self.patients, policy, settled=self._settled))
        self._treated.add(len(self.patients))
        return found

    def bayes(self, *, genotype_known: bool = True, patients: int | None = None) -> Result:
        """The particle filter."""
        return self._in_chunks(
            lambda who: run(who, Bayes(), settled=self._settled, genotype_known=genotype_known), patients
        )

    def known(self) -> Result:
        """Weekly decisions for patients who are known, the future not."""
        return self._in_chunks(lambda who: run(who, KnownPatient(who)))

    def hindsight(self, patients: int | None = None) -> Result:
        """The plan that knows everything."""
        return self._in_chunks(lambda who: followed(who, settled=self._settled), patients, size=1)

    def _in_chunks(
        self, treated: Callable[[Patients], Course], patients: int | None = None, size: int = CHUNK
    ) -> Result:
        n = patients or len(self.patients)
        return self._treated.in_chunks(n, size, lambda some: measured(treated(self.patients[some])))
