"""The policy that fitted value iteration found: linear in what a chart shows, so that it decides for arrays of patients.

Its weights are data (`data/fitted.npz`); `python -m harness.envs.anticoagulation.dic.fit` makes them again.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np

from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.actions import CAUSE
from harness.envs.anticoagulation.dic.course import Chart
from harness.mdp.tabular import FloatArray, IntArray

KNOTS: Final = {
    "platelets": (20.0, 35.0, 50.0, 70.0, 100.0, 150.0),
    "fibrinogen": (0.8, 1.2, 1.6, 2.0, 2.6, 3.5),
    "pt": (14.0, 16.0, 18.0, 20.0, 22.5, 26.0),
    "drive": (0.3, 0.6, 1.0, 1.6),
    "sofa": (2.0, 5.0, 8.0, 12.0),
    "volume": (0.3, 0.8, 1.3, 2.0),
}
"""Where the lines bend that a value follows."""


def features(chart: Chart) -> FloatArray:
    """What a value is linear in, shape (k, F): a constant, each quantity in pieces, causes; all apart by bleeding."""
    ratio = chart.d_dimer * c.D_DIMER_CLEARED / c.D_DIMER_MADE / np.maximum(chart.fibrinogen, 0.3)
    quantities = {
        "platelets": chart.platelets,
        "fibrinogen": chart.fibrinogen,
        "pt": chart.pt,
        "drive": ratio,
        "sofa": chart.sofa.astype(np.float64),
        "volume": chart.volume,
    }
    n, passed = len(chart.cause), chart.hours / (c.STEPS * c.STEP_HOURS)
    drive = np.minimum(ratio, 4.0)
    columns = [np.ones(n), np.full(n, passed), np.full(n, passed**2)]
    columns += [np.full(n, float(chart.hours == hour)) for hour in (0, 6, 12)]
    for name, x in quantities.items():
        columns += hinges(x, KNOTS[name])
    for cause in range(len(c.CAUSES)):
        here = (chart.cause == cause).astype(np.float64)
        columns += [here, here * drive, here * passed, here * (chart.hours == 0), here * (chart.hours == 6)]
    columns += [drive * passed, drive * chart.sofa / c.SOFA_WORST]
    found = np.stack(columns, axis=1)
    return np.concatenate([found, found * chart.bleeding[:, None]], axis=1)


def hinges(x: FloatArray, knots: tuple[float, ...]) -> list[FloatArray]:
    """A broken line's pieces: from each knot to the next, as a share; shape (n,) each."""
    return [np.clip((x - low) / (high - low), 0.0, 1.0) for low, high in zip(knots, knots[1:], strict=False)]


@lru_cache(maxsize=1)
def weights() -> FloatArray:
    """Weights of the features for every order but to treat the cause, shape (F, 32)."""
    with files(__package__).joinpath("data/fitted.npz").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False)["weights"], dtype=np.float64)


def greedy(chart: Chart, table: FloatArray) -> IntArray:
    """The orders of the highest value by these weights (F, 32); the cause is treated at once, which never costs."""
    return np.where(chart.treated, 0, CAUSE) + (features(chart) @ table).argmax(axis=1)


def fitted(chart: Chart) -> IntArray:
    """The fitted policy."""
    return greedy(chart, weights())
