"""Simulated patients on warfarin under one policy after another, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.envs.anticoagulation.metrics import rosendaal
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.clinic import Course, Policy, run
from harness.envs.anticoagulation.warfarin.oracle import followed
from harness.envs.anticoagulation.warfarin.particles import Bayes, KnownPatient
from harness.envs.anticoagulation.warfarin.patients import Patients, draw
from harness.evaluation.tabular import Progress
from harness.mdp.tabular import FloatArray
from harness.reproduce.calibration import Watch, chunks

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


def _joined(parts: list[Result]) -> Result:
    return Result(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


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
        self._settled, self._watch = settled, watch
        self._done, self._work = 0, work

    def _told(self, patients: int) -> None:
        self._done += patients
        self._watch(Progress(self._done, self._work, "treated patients"))

    def under(self, policy: Policy) -> Result:
        """All patients under a policy."""
        found = measured(run(self.patients, policy, settled=self._settled))
        self._told(len(self.patients))
        return found

    def bayes(self, *, genotype_known: bool = True, patients: int | None = None) -> Result:
        """The particle filter."""
        found = []
        for some in chunks(patients or len(self.patients), CHUNK):
            who = self._some(some)
            found.append(measured(run(who, Bayes(), settled=self._settled, genotype_known=genotype_known)))
            self._told(len(who))
        return _joined(found)

    def known(self) -> Result:
        """Weekly decisions for patients who are known, the future not."""
        found = []
        for some in chunks(len(self.patients), CHUNK):
            who = self._some(some)
            found.append(measured(run(who, KnownPatient(who))))
            self._told(len(who))
        return _joined(found)

    def hindsight(self, patients: int | None = None) -> Result:
        """The plan that knows everything."""
        found = []
        for i in range(patients or len(self.patients)):
            found.append(measured(followed(self._some(slice(i, i + 1)), settled=self._settled)))
            self._told(1)
        return _joined(found)

    def _some(self, which: slice) -> Patients:
        return self.patients[np.arange(which.start, which.stop)]
