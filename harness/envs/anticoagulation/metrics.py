"""Measures of anticoagulation, exactly as their papers define them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.core.errors import UsageError
from harness.mdp.tabular import FloatArray

LONGEST_GAP = 56.0
"""Days between two INRs beyond which nothing is interpolated: 8 weeks, the customary limit of trials (RE-LY, ROCKET AF
and others that follow Rosendaal et al.)."""

FAR_ABOVE = 4.0
"""INR from which a patient counts as far above any range (the 'INR of 4 or more' of COAG and EU-PACT)."""


@dataclass(frozen=True, eq=False)
class TimeInRange:
    """How long each of n patients was where, by Rosendaal's interpolation.

    Attributes
    ----------
    days : float array, shape (n,)
        Days that interpolation covers; 0 for a patient with fewer than two INRs close enough to each other.
    within, below, above, far_above : float array, shape (n,)
        Share of these days in range (both limits included), below it, above it, and above an INR of 4; NaN where
        no day is covered. `within + below + above` is 1.
    measured_within : float array, shape (n,)
        Share of the INRs themselves that were in range; NaN where there is none.
    """

    days: FloatArray
    within: FloatArray
    below: FloatArray
    above: FloatArray
    far_above: FloatArray
    measured_within: FloatArray


def rosendaal(
    days: ArrayLike,
    inr: ArrayLike,
    *,
    low: float = 2.0,
    high: float = 3.0,
    longest_gap: float = LONGEST_GAP,
    start: float = -np.inf,
    end: float = np.inf,
) -> TimeInRange:
    """Time in therapeutic range, the INR taken to change linearly between two measurements.

    Parameters
    ----------
    days : array, shape (T,)
        Ascending days; the same for all patients.
    inr : array, shape (n, T) or (T,)
        INR on each day, NaN where none was measured.
    low, high : float
        The range, both ends included.
    longest_gap : float
        Nothing is interpolated between INRs further apart than this, in days.
    start, end : float
        Only what lies between two of the given `days` from `start` to `end` is counted. An INR outside still tells
        how those inside are connected; a limit that is none of the `days` loses the piece up to the next one.

    Raises
    ------
    UsageError
        If the shapes do not fit, the days do not ascend, or the range is empty.

    References
    ----------
    Rosendaal FR, Cannegieter SC, van der Meer FJM, Briët E. A method to determine the optimal intensity of oral
    anticoagulant therapy. Thrombosis and Haemostasis 1993;69:236-239.

    Examples
    --------
    >>> rosendaal([0, 10], [1.5, 3.5]).within
    array([0.5])
    """
    t, y = np.asarray(days, dtype=np.float64), np.atleast_2d(np.asarray(inr, dtype=np.float64))
    if t.ndim != 1 or y.ndim != 2 or y.shape[1] != len(t):
        raise UsageError(f"INRs have the shape {y.shape}; expected (n, {t.size}), one column for each day.")
    if len(t) > 1 and not (np.diff(t) > 0).all():
        raise UsageError("The days do not ascend; give each day once, in order.")
    if not low < high:
        raise UsageError(f"The range from {low:g} to {high:g} is empty; expected low < high.")
    measured = ~np.isnan(y)
    inside = (t >= start) & (t <= end)
    n_measured = (measured & inside).sum(axis=1)
    n_within = (measured & inside & (y >= low) & (y <= high)).sum(axis=1)
    if len(t) < 2:
        nothing = np.full(len(y), np.nan)
        return TimeInRange(np.zeros(len(y)), nothing, nothing, nothing, nothing, _share(n_within, n_measured))

    # each piece between two neighbouring days lies on the line between the INRs before and after it
    places = np.arange(len(t))
    before = np.maximum.accumulate(np.where(measured, places, -1), axis=1)[:, :-1]
    after = np.minimum.accumulate(np.where(measured, places, len(t))[:, ::-1], axis=1)[:, ::-1][:, 1:]
    known = (before >= 0) & (after < len(t)) & inside[:-1] & inside[1:]
    before, after = np.maximum(before, 0), np.minimum(after, len(t) - 1)
    gap = np.where(known, t[after] - t[before], 1.0)
    known &= gap <= longest_gap
    first, last = np.take_along_axis(y, before, axis=1), np.take_along_axis(y, after, axis=1)
    slope = np.where(known, last - first, 0.0) / gap
    begins = np.where(known, first + slope * (t[:-1] - t[before]), 0.0)
    ends = np.where(known, first + slope * (t[1:] - t[before]), 0.0)
    length = np.where(known, np.diff(t), 0.0)

    total = length.sum(axis=1)
    below = _share((length * _part_below(begins, ends, low)).sum(axis=1), total)
    above = _share((length * _part_below(-begins, -ends, -high)).sum(axis=1), total)
    far = _share((length * _part_below(-begins, -ends, -FAR_ABOVE)).sum(axis=1), total)
    return TimeInRange(total, 1.0 - below - above, below, above, far, _share(n_within, n_measured))


def _part_below(begins: FloatArray, ends: FloatArray, limit: float) -> FloatArray:
    """Part of the line from `begins` to `ends` that lies below `limit`."""
    lower, upper = np.minimum(begins, ends), np.maximum(begins, ends)
    flat = upper == lower
    part = np.clip((limit - lower) / np.where(flat, 1.0, upper - lower), 0.0, 1.0)
    return np.where(flat, lower < limit, part)


def _share(part: ArrayLike, whole: ArrayLike) -> FloatArray:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))
