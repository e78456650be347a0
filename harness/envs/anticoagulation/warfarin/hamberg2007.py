"""The earlier model of the same group, at steady state: a second opinion on which dose holds which INR.

Hamberg AK, Dahl ML, Barban M, Scordo MG, Wadelius M, Pengo V, Padrini R, Jonsson EN. A PK-PD model for predicting the
impact of age, CYP2C9, and VKORC1 genotype on individualization of warfarin therapy. Clinical Pharmacology and
Therapeutics 2007;81:529-538, doi:10.1038/sj.clpt.6100084. Values as independent public implementations agree on; its
table 5, which they were not made from, checks them.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from harness.mdp.tabular import FloatArray

CLEARANCE, CLEARANCE_PER_YEAR, REFERENCE_AGE = 0.314, -0.0091, 71.0
"""Of S-warfarin in *1/*1, L/h; relative change a year above 71."""

REDUCTION: Final = {"*1/*1": 0.0, "*1/*2": 0.315, "*1/*3": 0.453, "*2/*2": 0.722, "*2/*3": 0.690, "*3/*3": 0.852}
"""Part of the clearance that a CYP2C9 genotype takes away."""

EC50: Final = {"GG": 4.61, "GA": 3.02, "AA": 2.20}
"""mg/L, by VKORC1 -1639."""

HILL, BASE_INR, INR_MAX, EXPONENT = 0.424, 1.0, 20.0, 3.61

TABLE_5_AGE: Final = 70.0
TABLE_5: Final = {
    "*1/*1": (7.72, 5.06, 3.68),
    "*1/*2": (5.30, 3.50, 2.54),
    "*1/*3": (4.30, 2.82, 2.06),
    "*2/*2": (2.16, 1.41, 1.03),
    "*2/*3": (2.40, 1.57, 1.14),
    "*3/*3": (1.18, 0.77, 0.56),
}
"""Racemic mg a day for an INR of 2.5 at 70 years, VKORC1 GG, GA and AA."""

TABLE_5_INR: Final = 2.5


def steady_inr(dose: ArrayLike, clearance: ArrayLike, ec50: ArrayLike) -> FloatArray:
    """INR of a racemic dose (mg a day) once nothing changes any more.

    `INR = BASE + 20 (1 - A6 A7)^3.61`; at steady state both chains end at `1 - E`, with E of the mean concentration of
    S-warfarin, half the dose over 24 hours' clearance.
    """
    concentration = np.asarray(dose, dtype=np.float64) / 2 / (24 * np.asarray(clearance, dtype=np.float64))
    odds = (concentration / np.asarray(ec50, dtype=np.float64)) ** HILL
    left = 1 / (1 + odds)
    return np.asarray(BASE_INR + INR_MAX * (1 - left * left) ** EXPONENT)


def table_5_inrs() -> FloatArray:
    """The INR that the model gives to every dose of table 5, shape (6, 3)."""
    aged = 1 + CLEARANCE_PER_YEAR * (TABLE_5_AGE - REFERENCE_AGE)
    found = [
        steady_inr(TABLE_5[cyp2c9][i], CLEARANCE * (1 - REDUCTION[cyp2c9]) * aged, EC50[vkorc1])
        for cyp2c9, (i, vkorc1) in product(TABLE_5, enumerate(EC50))
    ]
    return np.array(found).reshape(len(TABLE_5), len(EC50))
