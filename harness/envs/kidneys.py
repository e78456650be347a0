"""What is computed of kidneys, for every task that needs it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.mdp.tabular import FloatArray

WOMEN = 0.85
"""Factor of a woman's clearance (Cockcroft and Gault 1976)."""


def cockcroft_gault(age: ArrayLike, female: ArrayLike, weight: ArrayLike, creatinine: ArrayLike) -> FloatArray:
    """Creatinine clearance by actual body weight, mL/min.

    Parameters
    ----------
    age : array
        Years.
    female : bool array
    weight : array
        kg.
    creatinine : array
        In serum, mg/dL.

    Returns
    -------
    float array
        Of the shape that the arguments have together.

    References
    ----------
    Cockcroft DW, Gault MH. Prediction of creatinine clearance from serum creatinine. Nephron 1976;16:31-41.

    Examples
    --------
    >>> float(cockcroft_gault(80, True, 60, 1.0).round(1))
    42.5
    """
    of_man = (140 - np.asarray(age)) * np.asarray(weight) / (72 * np.asarray(creatinine))
    return np.asarray(of_man * np.where(female, WOMEN, 1.0))
