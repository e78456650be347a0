"""Rules of thumb, as the action index of every state, shape (1440,). None looks at glucose or diabetes."""

from __future__ import annotations

import numpy as np

from harness.envs.sepsis_os import rules
from harness.envs.sepsis_os.model import HEART_RATE, N_STATES, OXYGEN, PRESSURE, abnormal
from harness.mdp.tabular import IntArray

ANTIBIOTICS, VENTILATION, VASOPRESSOR = 4, 2, 1


def nothing() -> IntArray:
    """No treatment, whatever happens."""
    return np.zeros(N_STATES, dtype=np.int64)


def everything() -> IntArray:
    """All three treatments, whatever happens. Nobody is ever discharged."""
    return np.full(N_STATES, ANTIBIOTICS + VENTILATION + VASOPRESSOR, dtype=np.int64)


def by_sign() -> IntArray:
    """Each treatment while the sign that it mends is abnormal, and no longer."""
    high = (HEART_RATE == rules.HIGH) | (PRESSURE == rules.HIGH)
    return np.asarray(ANTIBIOTICS * high + _support(), dtype=np.int64)


def until_well() -> IntArray:
    """Antibiotics, with ventilation and vasopressor as needed, until all four signs are normal; then nothing."""
    return np.where(abnormal() == 0, 0, ANTIBIOTICS + _support())


def _support() -> IntArray:
    """Ventilation while oxygen is low, a vasopressor while pressure is."""
    low_oxygen, low_pressure = OXYGEN == rules.LOW, PRESSURE == rules.LOW
    return np.asarray(VENTILATION * low_oxygen + VASOPRESSOR * low_pressure, dtype=np.int64)
