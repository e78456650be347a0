"""What a simulator amounts to beside what is published of patients: targets, measurements and whether they meet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from harness.core.registry import Entry, Registry
from harness.evaluation.intervals import CONFIDENCE, Estimate, student_t, wilson
from harness.evaluation.tabular import Progress
from harness.mdp.tabular import IntArray

Watch = Callable[[Progress], None]

R = TypeVar("R")


class Basis(StrEnum):
    """How a measurement came to meet its target, or not: never to be left out beside agreement."""

    EXACT = "exact"
    """Computed from published values alone; nothing was chosen and nothing sampled."""
    FITTED = "fitted"
    """Constants were chosen so that it does."""
    SEEN = "seen"
    """Not fitted, but looked at while constants were chosen."""
    PREDICTED = "predicted"
    """Not looked at before the constants stood."""


@dataclass(frozen=True)
class Row:
    """One target and its measurement.

    Attributes
    ----------
    what : str
    target : (float, float) or None
        What the value is to lie between, infinite where it has one end only; None where it is printed to be known.
    found : Estimate
        Its interval is NaN where nothing was sampled.
    unit : str
        '' for a pure number, '%' for percent or points of it.
    published : str
        The figure behind the target and where it is from, short; the notes have it in full. '' for none.
    basis : Basis or None
        None where nothing published stands beside it.
    digits : int
        Decimals worth printing.
    """

    what: str
    target: tuple[float, float] | None
    found: Estimate
    unit: str
    published: str
    basis: Basis | None
    digits: int = 1

    @property
    def met(self) -> bool | None:
        """Whether the measured value itself lies within the target; None where there is none."""
        return None if self.target is None else self.target[0] <= self.found.value <= self.target[1]


@dataclass(frozen=True)
class Calibration:
    """All rows under their headings, and what is to be said of them."""

    title: str
    sections: tuple[tuple[str, tuple[Row, ...]], ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row."""
        return tuple(row for _, rows in self.sections for row in rows)


CALIBRATIONS = Registry(
    kind="calibration",
    group="harness.calibrations",
    builtin={
        "warfarin": Entry("harness.reproduce.warfarin:titration", "doses and times in range while a dose is found"),
        "warfarin-maintenance": Entry("harness.reproduce.warfarin:maintenance", "times in range on a steady dose"),
        "heparin": Entry("harness.reproduce.heparin:infusion", "aPTTs and times in range under nomograms"),
        "heparin-labs": Entry("harness.reproduce.heparin:labs", "the same with a laboratory, and what draws are worth"),
        "heparin-hit": Entry("harness.reproduce.heparin_hit:hit", "what 4Ts scores are worth, and acting on them"),
        "doac": Entry("harness.reproduce.doac:doac", "strokes and bleedings of four trials, right orders"),
        "dic": Entry("harness.reproduce.dic:dic", "mortality and bleeding, nearly all of it fitted or assumed"),
    },
)


# --------------------------------------------------------------------------- estimates


def exact(value: float, n: int) -> Estimate:
    """A number without sampling error, from `n` published ones."""
    return Estimate(value, math.nan, math.nan, n, "exact")


def mean(sample: ArrayLike) -> Estimate:
    """Mean of what is known of the patients, NaNs left out, with Student's interval."""
    x = np.asarray(sample, dtype=np.float64)
    return student_t(x[~np.isnan(x)])


def share(events: ArrayLike) -> Estimate:
    """Percentage of patients with an event, with Wilson's interval."""
    x = np.asarray(events, dtype=bool)
    found = wilson(float(x.sum()), len(x))
    return Estimate(100 * found.value, 100 * found.lower, 100 * found.upper, found.n, found.interval)


def difference(some: ArrayLike, others: ArrayLike) -> Estimate:
    """Difference of the means of two groups, with Welch's interval; `n` counts both."""
    from scipy import stats

    x, y = np.asarray(some, dtype=np.float64), np.asarray(others, dtype=np.float64)
    found = stats.ttest_ind(x, y, equal_var=False).confidence_interval(CONFIDENCE)
    value = float(x.mean() - y.mean())
    return Estimate(value, float(found.low), float(found.high), len(x) + len(y), f"Welch {CONFIDENCE:.0%}")


def explained(x: ArrayLike, y: ArrayLike) -> Estimate:
    """Squared correlation, with the interval of Fisher's transformation."""
    from scipy import stats

    found = stats.pearsonr(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
    interval = found.confidence_interval(CONFIDENCE)
    value, low, high = (float(np.square(max(r, 0.0))) for r in (found.statistic, interval.low, interval.high))
    return Estimate(value, low, high, np.asarray(x).size, f"Fisher {CONFIDENCE:.0%}")


def spread(sample: ArrayLike) -> Estimate:
    """Standard deviation, with the interval for normal observations."""
    from scipy import stats

    x = np.asarray(sample, dtype=np.float64)
    sd, free = float(x.std(ddof=1)), x.size - 1
    low, high = (sd * math.sqrt(free / stats.chi2.ppf(q, free)) for q in ((1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2))
    return Estimate(sd, float(low), float(high), x.size, f"chi-squared {CONFIDENCE:.0%}")


# --------------------------------------------------------------------------- treating


class Treated:
    """Tells how many patients were treated, of `work` in all, each policy counted."""

    def __init__(self, watch: Watch, work: int) -> None:
        self._watch, self._done, self._work = watch, 0, work

    def add(self, patients: int) -> None:
        """So many more."""
        self._done += patients
        self._watch(Progress(self._done, self._work, "treated patients"))

    def in_chunks(self, patients: int, size: int, result: Callable[[IntArray], R]) -> R:
        """What became of patients 0 to n - 1, `size` at a time: arrays of a dataclass, patients in the last axis."""
        found = []
        for first in range(0, patients, size):
            some = np.arange(first, min(first + size, patients))
            found.append(result(some))
            self.add(len(some))
        names = vars(found[0])
        return type(found[0])(**{n: np.concatenate([getattr(part, n) for part in found], axis=-1) for n in names})
