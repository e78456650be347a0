"""The ISTH score of overt disseminated intravascular coagulation, exactly as published.

Taylor FB Jr, Toh CH, Hoots WK, Wada H, Levi M. Towards definition, clinical and laboratory criteria, and a scoring
system for disseminated intravascular coagulation. Thrombosis and Haemostasis 2001;86:1327-1330. How a laboratory
grades its fibrin marker is left to it by the ISTH; the D-dimer limits here are a common choice and can be given.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from harness.core.errors import UsageError
from harness.mdp.tabular import BoolArray, IntArray

OVERT: Final = 5
"""Points from which on DIC is overt; below, the score is repeated after a day or two [Taylor 2001]."""

MODERATE, STRONG = 2, 3
"""Points of a moderate and a strong increase of the fibrin marker; none has 0 [Taylor 2001]."""

STRONG_INCREASE: Final = 10.0
"""Times the upper limit of normal above which D-dimer counts as strongly increased; from the limit on moderately. A
common local choice; the ISTH gives none."""


def fibrin_points(d_dimer: ArrayLike, upper_limit: float, *, strong: float = STRONG_INCREASE) -> IntArray:
    """Points of the fibrin marker (0, 2 or 3) by D-dimer.

    Parameters
    ----------
    d_dimer : array, shape (n,)
        In any unit.
    upper_limit : float
        Upper limit of normal, in the same unit; up to it there is no increase.
    strong : float
        An increase above so many times the limit is strong.

    Raises
    ------
    UsageError
        If a D-dimer is negative or not known, or the limits do not ascend.

    Examples
    --------
    >>> fibrin_points([0.4, 3.0, 20.0], 0.5)
    array([0, 2, 3])
    """
    found = _known("D-dimer", d_dimer)
    if not 0 < upper_limit < strong * upper_limit:
        raise UsageError(f"D-dimer limits of {upper_limit:g} and {strong:g} times that; expected 0 < limit, 1 < times.")
    points = np.where(found > upper_limit, MODERATE, 0)
    return np.asarray(np.where(found > strong * upper_limit, STRONG, points))


def isth_score(
    platelets: ArrayLike, fibrin_marker: ArrayLike, pt_prolongation: ArrayLike, fibrinogen: ArrayLike
) -> IntArray:
    """ISTH score of overt DIC, 0 to 8.

    Parameters
    ----------
    platelets : array, shape (n,)
        10^9/L: 100 and more have no point, 50 to below 100 one, below 50 two.
    fibrin_marker : array, shape (n,)
        Points: 0 no, 2 moderate, 3 strong increase; see `fibrin_points`.
    pt_prolongation : array, shape (n,)
        Seconds by which the prothrombin time is prolonged: below 3 no point, from 3 to below 6 one, from 6 on two.
    fibrinogen : array, shape (n,)
        g/L: 1 and more have no point, below 1 one.

    Returns
    -------
    int array, shape (n,)

    Raises
    ------
    UsageError
        If something is not known or negative (a prolongation may be), or a marker has points other than 0, 2 and 3.

    Notes
    -----
    It is made for patients with a disorder known to cause DIC, and means nothing in others; see `overt`.

    Examples
    --------
    >>> isth_score(45, 3, 3.0, 0.9)
    array(7)
    """
    marker = np.asarray(fibrin_marker)
    if not np.isin(marker, (0, MODERATE, STRONG)).all():
        raise UsageError("A fibrin marker has points other than 0 (none), 2 (moderate) and 3 (strong increase).")
    counts, grams = _known("platelet count", platelets), _known("fibrinogen", fibrinogen)
    seconds = np.asarray(pt_prolongation, dtype=np.float64)
    if np.isnan(seconds).any():
        raise UsageError("A prolongation of the prothrombin time is not known; the score needs all four.")
    return np.asarray(
        (counts < 100).astype(np.int64) + (counts < 50) + marker + (seconds >= 3) + (seconds >= 6) + (grams < 1)
    )


def overt(score: ArrayLike, underlying_disorder: ArrayLike = True) -> BoolArray:
    """Whether DIC is overt: five points or more, in a patient who has a disorder known to cause it, shape (n,).

    Examples
    --------
    >>> overt([4, 5, 5], [True, True, False])
    array([False,  True, False])
    """
    return np.asarray((np.asarray(score) >= OVERT) & np.asarray(underlying_disorder, dtype=np.bool_))


def _known(what: str, values: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    found = np.asarray(values, dtype=np.float64)
    if not (found >= 0).all():
        raise UsageError(f"A {what} is negative or not known; expected 0 or more, and the score needs all four.")
    return found
