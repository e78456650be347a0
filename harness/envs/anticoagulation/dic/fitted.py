"""The policy that fitted value iteration found: linear in what a chart shows, for arrays of patients.

Its weights are data (`data/fitted.npz`); `python -m harness.envs.anticoagulation.dic.fit` makes them again.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np

from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.course import Chart
from harness.envs.anticoagulation.dic.policies import treat
from harness.mdp.tabular import FloatArray, IntArray

KNOTS: Final = (
    np.array([20.0, 35.0, 50.0, 70.0, 100.0, 150.0]),
    np.array([0.8, 1.2, 1.6, 2.0, 2.6, 3.5]),
    np.array([14.0, 16.0, 18.0, 20.0, 22.5, 26.0]),
    np.array([0.3, 0.6, 1.0, 1.6]),
    np.array([2.0, 5.0, 8.0, 12.0]),
    np.array([0.3, 0.8, 1.3, 2.0]),
)
"""Where the lines bend that a value follows: by platelets, fibrinogen, prothrombin time, the drive as D-dimer and
fibrinogen tell it, SOFA, and volume."""

EARLY: Final = (0, 6, 12)
"""Hours that have constants of their own; the first two by cause."""

CAUSE_OF: Final = np.eye(len(c.CAUSES))


def features(chart: Chart) -> FloatArray:
    """What a value is linear in, shape (k, F): a constant, each quantity in pieces, causes; all apart by bleeding."""
    ratio = chart.d_dimer * c.D_DIMER_CLEARED / c.D_DIMER_MADE / np.maximum(chart.fibrinogen, 0.3)
    drive, sofa = np.minimum(ratio, 4.0), chart.sofa.astype(np.float64)
    passed = chart.hours / (c.STEPS * c.STEP_HOURS)
    early = [float(chart.hours == hour) for hour in EARLY]
    cause = CAUSE_OF[chart.cause]
    quantities = (chart.platelets, chart.fibrinogen, chart.pt, ratio, sofa, chart.volume)
    same = np.broadcast_to(np.array([1.0, passed, passed**2, *early]), (len(drive), 3 + len(early)))
    found = np.concatenate(
        [
            same,
            *(hinges(x, knots) for x, knots in zip(quantities, KNOTS, strict=True)),
            cause,
            cause * drive[:, None],
            cause * passed,
            *(cause * now for now in early[:2]),
            (drive * passed)[:, None],
            (drive * sofa)[:, None] / c.SOFA_WORST,
        ],
        axis=1,
    )
    return np.concatenate([found, found * chart.bleeding[:, None]], axis=1)


def hinges(x: FloatArray, knots: FloatArray) -> FloatArray:
    """A broken line's pieces: from each of K knots to the next, as a share; shape (n, K - 1)."""
    return np.clip((x[:, None] - knots[:-1]) / np.diff(knots), 0.0, 1.0)


@lru_cache(maxsize=1)
def weights() -> FloatArray:
    """Weights of the features for every order but to treat the cause, shape (F, 32)."""
    with files(__package__).joinpath("data/fitted.npz").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False)["weights"], dtype=np.float64)


def greedy(chart: Chart, table: FloatArray) -> IntArray:
    """The orders of the highest value by these weights (F, 32); the cause is treated at once, which never costs."""
    return np.asarray(treat(chart) + (features(chart) @ table).argmax(axis=1))


def fitted(chart: Chart) -> IntArray:
    """The fitted policy."""
    return greedy(chart, weights())
