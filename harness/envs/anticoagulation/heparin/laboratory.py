"""Samples: what is drawn, when its result is known, and what it says.

A sample has two hours, that of the draw and that from which the result is known. Its error, its way through the
laboratory and its fate were decided for every hour beforehand (`Patients.luck`).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin.patients import DURATION, ERROR, FATE, TESTS, Patients
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

APTT, ANTI_XA = range(len(TESTS))

ROUTINE = np.array([[True], [False]])
"""An aPTT and no anti-Xa, for everyone."""

NEVER = np.iinfo(np.int64).max

LOST_BELOW, ARM_ABOVE = NormalDist().inv_cdf(c.LOST), NormalDist().inv_cdf(1 - c.FROM_THE_ARM)
"""Standard normal numbers below and above which a sample is lost, or is from the arm of the infusion."""


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples of n patients, by the hour of the draw.

    Attributes
    ----------
    drawn : bool array, shape (hours, 2, n)
        Whether one was drawn for each of `patients.TESTS`.
    known_at : int array, shape (hours, 2, n)
        First whole hour at which the result, or its loss, is known; `NEVER` where nothing was drawn, or is not known.
    value : float array, shape (hours, 2, n)
        aPTT in whole seconds, anti-Xa in IU/mL to two decimals; NaN where there is none, it was lost, or is not known.
    """

    drawn: BoolArray
    known_at: IntArray
    value: FloatArray

    def copy(self) -> Samples:
        """A copy that can be changed."""
        return Samples(self.drawn.copy(), self.known_at.copy(), self.value.copy())

    def known(self, hour: int) -> Samples:
        """What is known at an hour of what was drawn up to it."""
        known_at, value = self.known_at[: hour + 1], self.value[: hour + 1]
        known = known_at <= hour
        return Samples(self.drawn[: hour + 1], np.where(known, known_at, NEVER), np.where(known, value, np.nan))

    def latest(self, test: int = APTT) -> tuple[FloatArray, IntArray]:
        """The known result that was drawn last, and the hour of its draw, shape (n,); NaN and -1 without one."""
        known = ~np.isnan(self.value[:, test])
        last = np.where(known.any(axis=0), len(known) - 1 - known[::-1].argmax(axis=0), -1)
        return np.where(last >= 0, self.value[last, test, np.arange(len(last))], np.nan), last


def nothing(hours: int, n: int) -> Samples:
    """No samples yet."""
    shape = (hours + 1, len(TESTS), n)
    return Samples(np.zeros(shape, dtype=np.bool_), np.full(shape, NEVER), np.full(shape, np.nan))


def draw(
    samples: Samples,
    hour: int,
    concentration: FloatArray,
    patients: Patients,
    wanted: BoolArray,
    cv: float,
    *,
    at_once: bool,
) -> None:
    """Add the samples of an hour; what was drawn at this hour already stays as it was.

    Parameters
    ----------
    samples : Samples
        Changed in place.
    concentration : float array, shape (n,)
        U/mL now.
    patients : Patients
    wanted : bool array, shape (2, n)
    cv : float
        Coefficient of variation.
    at_once : bool
        The results are known now, none is lost and none from the wrong arm; otherwise as the laboratory goes.
    """
    pharmacology = patients.pharmacology
    for test in range(len(TESTS)):
        taken = wanted[test] & ~samples.drawn[hour, test]
        if not taken.any():
            continue
        luck = patients.luck[hour, test]
        error = np.exp(np.sqrt(np.log1p(cv**2)) * luck[ERROR])
        if test == APTT:
            true = pharmacology.base * np.exp(np.minimum(pharmacology.slope * concentration, 5.0))
            value = np.minimum(np.round(true * error), c.APTT_MOST)
        else:
            value = np.minimum(np.round(c.ANTI_XA * concentration * error, 2), c.ANTI_XA_MOST)
        known_at = np.full(len(value), hour)
        if not at_once:
            known_at = hour + np.ceil(c.TURNAROUND[test] * np.exp(c.TURNAROUND_SD * luck[DURATION])).astype(np.int64)
            value = np.where(luck[FATE] > ARM_ABOVE, (c.APTT_MOST, c.ANTI_XA_MOST)[test], value)
            value = np.where(luck[FATE] < LOST_BELOW, np.nan, value)
        samples.drawn[hour, test, taken] = True
        samples.known_at[hour, test, taken] = known_at[taken]
        samples.value[hour, test, taken] = value[taken]
