"""A stand-in for Health Gym's acute hypotension.

Invented: all dynamics, correlations, effects, the shares of FiO2, and how usual care depends on what is observed.
Published: the schema and the other marginals (`harness.data.health_gym.hypotension`).

By construction vasopressors and, less so, fluids raise the pressure of the next hours. Where the mean arterial pressure
is low they also relieve the severity of shock, which falls slowly; where it is not, they add to it (vasoconstriction,
overload). Severity lowers pressure and urine and raises lactate and creatinine, so it pays to treat when the pressure
is low, sooner and more than usual care does, and not otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr

from harness.data.health_gym.hypotension import FLUID_SHARES, GCS_SHARES, SCHEMA, VASOPRESSOR_SHARES
from harness.data.stand_ins.marginals import Ordered, of_published, ordered_probit
from harness.data.stand_ins.process import Flag, Observed, Process, Situation, score_of
from harness.data.table import Array, FloatArray, IntArray, codes, levels

FIO2_SHARES = (0.005, 0.01, 0.04, 0.25, 0.35, 0.17, 0.06, 0.035, 0.01, 0.07)
"""Not in print; half of the hours between 0.4 and 0.6."""

PERSISTENCE = {"severity": 0.97, "pressure": 0.85, "liver": 0.995}

FLUID, VASOPRESSOR = np.array([0.0, 0.3, 0.6, 1.0]), np.array([0.0, 0.35, 0.7, 1.0])
"""Strength of the levels."""
RAISES = (0.12, 0.3)
"""By how many standard deviations the highest level of fluids and of vasopressors raises the pressure."""
RELIEVES = (0.12, 0.2)
"""By how much they relieve the severity where the pressure is low, or add to it where it is not."""
NEED_MAP, NEED_WIDTH = 65.0, 5.0
"""mmHg: the mean arterial pressure at which treatment neither relieves nor adds."""
SLOPES = (0.9, 1.2)
"""How steeply usual care gives fluids and vasopressors by need."""


LIMITS = {"diastolic_bp": (15.0, 150.0), "systolic_bp": (35.0, 250.0), "PO2": (25.0, 600.0)}
"""Beyond which the normal distributions are cut off."""


def _observed(name: str, loads: Mapping[str, float], persistence: float, decimals: int = 2) -> Observed:
    marginal = of_published(SCHEMA.column(name).published, *LIMITS.get(name, (0.0, math.inf)))
    return Observed(name, marginal, loads, persistence, decimals)


def _ordered(name: str, shares: tuple[float, ...], loads: Mapping[str, float], persistence: float) -> Observed:
    marginal = Ordered(tuple(map(float, codes(SCHEMA.column(name)))), shares)
    return Observed(name, marginal, loads, persistence)


FLAGS = {
    column.name: column.published.shares[1]
    for column in SCHEMA.columns
    if column.kind == "flag" and column.published and column.published.shares
}
"""Published shares of 1."""


OBSERVED = (
    _observed("MAP", {"severity": -0.5, "pressure": 0.8}, 0.3),
    _observed("diastolic_bp", {"severity": -0.4, "pressure": 0.75}, 0.7),
    _observed("systolic_bp", {"severity": -0.4, "pressure": 0.6}, 0.7),
    _observed("urine", {"severity": -0.6}, 0.6),
    _observed("ALT", {"severity": 0.2, "liver": 0.9}, 0.95),
    _observed("AST", {"severity": 0.25, "liver": 0.9}, 0.95),
    _observed("PO2", {"severity": -0.15}, 0.95),
    _observed("lactic_acid", {"severity": 0.7}, 0.95, 3),
    _observed("serum_creatinine", {"severity": 0.5}, 0.99, 3),
    _ordered("FiO2", FIO2_SHARES, {"severity": 0.3}, 0.97),
    _ordered("GCS_total", GCS_SHARES, {"severity": -0.4}, 0.98),
)

need = score_of(OBSERVED, {"MAP": -0.85, "lactic_acid": 0.35})
"""What usual care goes by: standard normal, high where the pressure is low and lactate high."""


def usual(situation: Situation) -> FloatArray:
    """Probabilities (n, 16) of usual care; the action is 4 * fluid level + vasopressor level."""
    score = need(situation)
    fluids = ordered_probit(score, FLUID_SHARES, SLOPES[0])
    vasopressors = ordered_probit(score, VASOPRESSOR_SHARES, SLOPES[1])
    return (fluids[:, :, None] * vasopressors[:, None, :]).reshape(len(score), -1)


def effects(situation: Situation) -> dict[str, FloatArray]:
    """Of every action, (n, 16), on pressure and severity."""
    fluid, vasopressor = np.repeat(FLUID, 4), np.tile(VASOPRESSOR, 4)
    low = ndtr((NEED_MAP - situation.columns["MAP"]) / NEED_WIDTH)
    relief = RELIEVES[0] * fluid + RELIEVES[1] * vasopressor
    raised = RAISES[0] * fluid + RAISES[1] * vasopressor
    return {
        "pressure": np.broadcast_to(raised, (len(low), 16)),
        "severity": -(2 * low - 1)[:, None] * relief,
    }


def numbered(columns: Mapping[str, Array]) -> IntArray:
    """The action of each row, from the treatment columns."""
    fluid, vasopressor = (levels(SCHEMA.column(name), columns[name]) for name in ("fluid_boluses", "vasopressors"))
    return np.where((fluid < 0) | (vasopressor < 0), -1, 4 * fluid + vasopressor)


def _mend(columns: dict[str, Array]) -> None:
    """The least pressures of an hour are in their order."""
    columns["diastolic_bp"] = np.minimum(columns["diastolic_bp"], columns["MAP"] - 1)
    columns["systolic_bp"] = np.maximum(columns["systolic_bp"], columns["MAP"] + 1)


PROCESS = Process(
    schema=SCHEMA,
    persistence=PERSISTENCE,
    observed=OBSERVED,
    flags=tuple(Flag(name, share, "severity") for name, share in FLAGS.items()),
    actions={
        "fluid_boluses": np.repeat(codes(SCHEMA.column("fluid_boluses")), 4),
        "vasopressors": np.tile(codes(SCHEMA.column("vasopressors")), 4),
    },
    numbered=numbered,
    usual=usual,
    centre=usual,
    effects=effects,
    treatment_variance={"pressure": 0.05, "severity": 0.02},
    mend=_mend,
)
