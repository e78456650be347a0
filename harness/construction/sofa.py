"""The SOFA score from the columns of a step.

Reference
---------
Vincent, Moreno, Takala et al.: The SOFA (Sepsis-related Organ Failure Assessment) score to describe organ
dysfunction/failure. Intensive Care Medicine 1996;22:707, Table 3.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.data.table import Array, IntArray

RATIO = (400.0, 300.0, 200.0, 100.0)
"""PaO2/FiO2, mmHg: below them 1 to 4 points, the last two with respiratory support alone."""
PLATELETS = (150.0, 100.0, 50.0, 20.0)
"""10^9/L, below."""
BILIRUBIN = (1.2, 2.0, 6.0, 12.0)
"""mg/dL, from."""
CREATININE = (1.2, 2.0, 3.5, 5.0)
"""mg/dL, from."""
GCS = (15.0, 13.0, 10.0, 6.0)
"""Below."""
MAP = 70.0
"""mmHg, below: 1 point."""
LEAST_FIO2 = 0.21


def sofa(rows: Mapping[str, Array]) -> IntArray:
    """Points (n,) of the quantities `rewards.SOFA_NEEDS`, each (n,).

    The points for vasopressors are left out: as part of a reward they would pay for the treatment itself. The points
    for urine are left out too, which is summed over other times. So it goes to 21 and not to 24.
    """
    ratio = rows["pao2"] / np.maximum(rows["fio2"], LEAST_FIO2)
    lungs = _below(ratio, RATIO)
    lungs = np.where(rows["ventilated"] > 0, lungs, np.minimum(lungs, 2))
    return np.asarray(
        lungs
        + _below(rows["platelets"], PLATELETS)
        + _from(rows["bilirubin"], BILIRUBIN)
        + (rows["map"] < MAP)
        + _below(rows["gcs"], GCS)
        + _from(rows["creatinine"], CREATININE),
        dtype=np.int64,
    )


def _below(values: Array, limits: tuple[float, ...]) -> IntArray:
    return np.asarray(np.sum([values < limit for limit in limits], axis=0, dtype=np.int64))


def _from(values: Array, limits: tuple[float, ...]) -> IntArray:
    return np.asarray(np.sum([values >= limit for limit in limits], axis=0, dtype=np.int64))
