"""How a patient's sensitivity to a drug drifts: an Ornstein-Uhlenbeck process, by its exact transition."""

from __future__ import annotations

import numpy as np

from harness.mdp.tabular import FloatArray


def drifting(first: FloatArray, shocks: FloatArray, time_constant: float, sd: float = 1.0) -> FloatArray:
    """Standard normal numbers made into a drift.

    Parameters
    ----------
    first : float array, shape (n,)
        Where it begins.
    shocks : float array, shape (T, n)
        Of which the first are not used.
    time_constant : float
        In steps.
    sd : float
        Standard deviation in the long run.

    Returns
    -------
    float array, shape (T, n)
    """
    kept = np.exp(-1 / time_constant)
    new = sd * np.sqrt(1 - kept**2)
    drift = np.empty_like(shocks)
    drift[0] = first
    for step in range(1, len(shocks)):
        drift[step] = kept * drift[step - 1] + new * shocks[step]
    return drift
