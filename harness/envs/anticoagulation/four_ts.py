"""The 4Ts: how likely thrombocytopenia under heparin is heparin-induced (HIT), exactly as published.

References
----------
Lo GK, Juhl D, Warkentin TE, Sigouin CS, Eichler P, Greinacher A. Evaluation of pretest clinical score (4 T's) for the
diagnosis of heparin-induced thrombocytopenia in two clinical settings. Journal of Thrombosis and Haemostasis
2006;4:759-765; after Warkentin TE, Heddle NM, Current Hematology Reports 2003;2:148-157.

Cuker A, Gimotty PA, Crowther MA, Warkentin TE. Predictive value of the 4Ts scoring system for heparin-induced
thrombocytopenia: a systematic review and meta-analysis. Blood 2012;120:4160-4167: of intermediate scores 14 %, of high
scores 64 % had HIT, of low ones next to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import ArrayLike

from harness.core.errors import UsageError
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

RECENT, REMOTE = 30.0, 100.0
"""Days since earlier heparin up to which exposure counts as recent, and up to which it counts at all."""

INTERMEDIATE, HIGH = 4, 6
"""Scores from which the probability counts as intermediate and as high."""

BEGUN = 0.2
"""Part of the highest count before that is lost when a fall counts as begun. The score speaks of the day on which the
count begins to fall; how much a count must have fallen to be no chance is our choice."""


class Sequelae(IntEnum):
    """Thrombosis or other sequelae; the value is the points."""

    NONE = 0
    SUSPECTED = 1
    """Progressive, recurrent or suspected thrombosis; skin lesions without necrosis."""
    CONFIRMED = 2
    """New thrombosis, confirmed; skin necrosis; acute systemic reaction after a bolus; adrenal haemorrhage."""


class OtherCause(IntEnum):
    """Other causes of the thrombocytopenia; the value is the points."""

    DEFINITE = 0
    POSSIBLE = 1
    NONE = 2


class Probability(StrEnum):
    """What a score stands for."""

    LOW = "low"
    MIDDLE = "intermediate"
    HIGH = "high"


@dataclass(frozen=True, eq=False)
class FourTs:
    """Points of n patients, shape (n,) each (or none for a single one)."""

    thrombocytopenia: IntArray
    timing: IntArray
    thrombosis: IntArray
    other: IntArray

    @property
    def total(self) -> IntArray:
        """The score, 0 to 8."""
        return np.asarray(self.thrombocytopenia + self.timing + self.thrombosis + self.other)


def four_ts(
    *,
    fall: ArrayLike,
    nadir: ArrayLike,
    onset: ArrayLike,
    sequelae: ArrayLike = Sequelae.NONE,
    other: ArrayLike = OtherCause.NONE,
    clear: ArrayLike = True,
    last_exposure: ArrayLike = np.inf,
    surgery: ArrayLike = False,
) -> FourTs:
    """The points; arguments are single values or arrays that broadcast.

    Parameters
    ----------
    fall : array
        Part of the highest preceding count that was lost, 0 to 1.
    nadir : array
        Lowest count, 10⁹/L.
    onset : array
        Day on which the count began to fall; the first day of heparin is 0. NaN: not known, days 5 to 10 are possible.
    sequelae, other : array of `Sequelae`, `OtherCause`
    clear : array of bool
        Whether the onset is clear; not where counts are missing.
    last_exposure : array
        Days from earlier heparin to the first day of this one; infinite without any.
    surgery : array of bool
        Whether there was surgery within the three days before the fall, which halves counts by itself.

    Raises
    ------
    UsageError
        If a fall is not between 0 and 1, a count or a day is negative, or points are none of the classes.

    Notes
    -----
    Thrombocytopenia: a fall above 50 % with a nadir of 20 or more is worth 2 (1 after surgery); a fall of 30 to 50 %,
    or a nadir of 10 to 19, 1; a fall below 30 %, or a nadir below 10, nothing.
    Timing: clear onset on days 5 to 10, or up to day 1 with heparin in the last 30 days, is worth 2; days 5 to 10
    without being clear, after day 10, or up to day 1 with heparin 31 to 100 days ago, 1; up to day 4 otherwise nothing.
    Between day 4 and day 5, if anybody counts hours, the onset is consistent with day 5 but not clear: 1.

    Examples
    --------
    >>> int(four_ts(fall=0.6, nadir=70, onset=7).total)
    6
    >>> int(four_ts(fall=0.6, nadir=70, onset=12).timing)
    1
    """
    fall, nadir, onset, exposure = (np.asarray(x, dtype=np.float64) for x in (fall, nadir, onset, last_exposure))
    points = [np.asarray(x) for x in (sequelae, other)]
    if not ((fall >= 0) & (fall <= 1)).all():
        raise UsageError("A fall of platelets is a part of the highest count before; expected 0 to 1.")
    for name, x in (("nadir", nadir), ("day of onset", onset), ("last exposure", exposure)):
        if (x < 0).any():
            raise UsageError(f"A {name} is negative; expected 0 or more.")
    for name, x in zip(("sequelae", "other causes"), points, strict=True):
        if not np.isin(x, (0, 1, 2)).all():
            raise UsageError(f"The points of {name} are not 0, 1 or 2; give members of Sequelae and OtherCause.")
    halved = (fall > 0.5) & (nadir >= 20) & ~np.asarray(surgery, dtype=bool)
    count = np.where((fall < 0.3) | (nadir < 10), 0, np.where(halved, 2, 1))
    at_once = onset <= 1
    timing = np.select(
        [
            at_once & (exposure <= RECENT),
            at_once & (exposure <= REMOTE),
            onset <= 4,
            (onset >= 5) & (onset <= 10) & np.asarray(clear, dtype=bool),
        ],
        [2, 1, 0, 2],
        default=1,
    )
    return FourTs(*np.broadcast_arrays(count, timing, *points))


def probability(total: int) -> Probability:
    """What a score stands for: 0 to 3 low, 4 and 5 intermediate, 6 to 8 high."""
    if total >= HIGH:
        return Probability.HIGH
    return Probability.MIDDLE if total >= INTERMEDIATE else Probability.LOW


@dataclass(frozen=True, eq=False)
class Fall:
    """The deepest fall of n patients' platelets.

    Attributes
    ----------
    fall : float array, shape (n,)
        Part of the highest preceding count that was lost; 0 where nothing fell.
    nadir : float array, shape (n,)
        Count at the bottom of that fall, 10⁹/L; of a patient without any, the first one. A lower count before the
        highest one is no nadir of it.
    onset : float array, shape (n,)
        Day on which the fall had begun; NaN where none did.
    clear : bool array, shape (n,)
        Whether the count of the day before is known.
    """

    fall: FloatArray
    nadir: FloatArray
    onset: FloatArray
    clear: BoolArray


def deepest_fall(counts: ArrayLike) -> Fall:
    """The deepest fall from the highest count before it, not from the first count.

    Parameters
    ----------
    counts : array, shape (days, n) or (days,)
        Platelets on each day of heparin from day 0 on, 10⁹/L; NaN where none was counted.

    Notes
    -----
    The onset is the first day, of those without a break up to the nadir, on which `BEGUN` of the highest count before
    is lost.

    Raises
    ------
    UsageError
        If there is no count at all for somebody.

    Examples
    --------
    >>> found = deepest_fall([200, 250, 240, 245, 250, 190, 110])
    >>> float(found.fall[0]), float(found.onset[0])
    (0.56, 5.0)
    """
    x = np.asarray(counts, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if np.isnan(x).all(axis=0).any():
        raise UsageError("A patient has no platelet count at all; expected at least one.")
    known = ~np.isnan(x)
    highest = np.maximum.accumulate(np.where(known, x, -np.inf), axis=0)
    lost = np.where(known, 1 - x / highest, 0.0)
    deepest, n = np.where(known, lost, -1.0).argmax(axis=0), np.arange(x.shape[1])
    days = np.arange(len(x))[:, None]
    intact = known & (lost < BEGUN) & (days <= deepest)
    last = np.where(intact, days, -1).max(axis=0)
    fallen = known & (lost >= BEGUN) & (days > last)
    fell = lost[deepest, n] >= BEGUN
    onset = np.where(fell, fallen.argmax(axis=0), np.nan)
    return Fall(lost[deepest, n], x[deepest, n], onset, fell & (onset == last + 1))
