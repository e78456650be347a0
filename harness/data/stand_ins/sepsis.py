"""A stand-in for Health Gym's sepsis.

Invented: all dynamics, correlations, effects, the doses of vasopressors, the share of steps without fluids, and what
the published figures leave open. Published: the schema, means and standard deviations, the medians of fluids and urine,
and the shares of the flags (`harness.data.health_gym.sepsis`).

By construction both treatments raise the pressure; where the mean arterial pressure is low and lactate high they
relieve severity, elsewhere they add to it. An action is 5 * fluid level + vasopressor level; level 0 is none, 1 to 4
are the quarters of the doses that are given. Within a level the dose is chance and has no effect of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr, ndtri

from harness.data.health_gym.sepsis import DECILES, MEDIANS, SCHEMA, SHARES
from harness.data.stand_ins.marginals import LogNormal, Marginal, Ordered, of_published, ordered_probit
from harness.data.stand_ins.process import Observed, Process, Situation, score_of
from harness.data.table import Array, FloatArray, IntArray

PERSISTENCE = {"severity": 0.95, "pressure": 0.8, "kidney": 0.99, "liver": 0.99, "acid": 0.93, "clotting": 0.97}

FLUID_SHARES = (0.25, 0.1875, 0.1875, 0.1875, 0.1875)
VASOPRESSOR_SHARES = (0.84, 0.04, 0.04, 0.04, 0.04)
INPUT_SIGMA = 1.4
INPUT = LogNormal(math.log(MEDIANS["Input4H"]) - INPUT_SIGMA * float(ndtri((0.5 - 0.25) / 0.75)), INPUT_SIGMA)
"""Of the fluids given, so that the median of all steps is the published one."""
VASOPRESSOR = LogNormal(math.log(0.2), 1.0)
OUTPUT = LogNormal(math.log(MEDIANS["Output4H"]), 0.9)
GCS_SHARES = (0.09, 0.02, 0.02, 0.03, 0.03, 0.03, 0.04, 0.08, 0.06, 0.04, 0.05, 0.14, 0.37)

STRENGTH = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
RAISES, RELIEVES = (0.25, 0.6), (0.15, 0.25)
"""Effects of the highest level of fluids and of vasopressors, in standard deviations of pressure and severity."""
SLOPES = (0.6, 1.1)
NEED_MAP, NEED_LACTATE = (72.0, 8.0), (2.0, 1.0)
"""Middle and width of where treatment starts to relieve: mmHg, mmol/L."""

LOADS: Mapping[str, tuple[Mapping[str, float], float]] = {
    "Age": ({}, 1.0), "HR": ({"severity": 0.45}, 0.85), "SysBP": ({"severity": -0.35, "pressure": 0.7}, 0.7),
    "MeanBP": ({"severity": -0.4, "pressure": 0.8}, 0.5), "DiaBP": ({"severity": -0.3, "pressure": 0.7}, 0.7),
    "RR": ({"severity": 0.4}, 0.8), "K": ({"kidney": 0.35, "acid": 0.25}, 0.8), "Na": ({}, 0.97),
    "Cl": ({"acid": 0.3}, 0.97), "Ca": ({"severity": -0.2}, 0.95), "IonisedCa": ({"severity": -0.2}, 0.9),
    "CO2": ({"acid": -0.7}, 0.9), "Albumin": ({"severity": -0.3}, 0.98), "Hb": ({}, 0.97),
    "pH": ({"acid": -0.7, "severity": -0.25}, 0.8), "BE": ({"acid": -0.8}, 0.9), "HCO3": ({"acid": -0.75}, 0.9),
    "FiO2": ({"severity": 0.4}, 0.9), "Glucose": ({"severity": 0.15}, 0.75), "BUN": ({"kidney": 0.8}, 0.98),
    "Creatinine": ({"kidney": 0.85, "severity": 0.2}, 0.98), "Mg": ({"kidney": 0.2}, 0.93),
    "SGOT": ({"liver": 0.85, "severity": 0.25}, 0.97), "SGPT": ({"liver": 0.9}, 0.97),
    "TotalBili": ({"liver": 0.5, "severity": 0.2}, 0.98), "WbcCount": ({"severity": 0.2}, 0.96),
    "PlateletsCount": ({"severity": -0.3}, 0.98), "PaO2": ({}, 0.7), "PaCO2": ({"acid": 0.2}, 0.85),
    "Lactate": ({"severity": 0.7, "acid": 0.3}, 0.9), "Output4H": ({"severity": -0.35, "kidney": -0.5}, 0.5),
    "Gender": ({}, 1.0), "ReAd": ({}, 1.0), "Mech": ({"severity": 0.4}, 0.98), "GCS": ({"severity": -0.45}, 0.95),
    "SpO2": ({"severity": -0.35}, 0.8), "Temp": ({"severity": 0.2}, 0.9),
    "PTT": ({"clotting": 0.7, "severity": 0.25}, 0.95), "PT": ({"clotting": 0.85, "severity": 0.25}, 0.95),
    "INR": ({"clotting": 0.9, "severity": 0.25}, 0.95),
}  # fmt: skip
"""Of every observed column: its weights of the shared scores, and the persistence of its own."""

LIMITS = {
    "Age": (18.0, 105.0), "HR": (25.0, 220.0), "DiaBP": (15.0, 150.0), "RR": (5.0, 60.0), "FiO2": (0.21, 1.0),
    "Hb": (3.0, 20.0), "PaCO2": (12.0, 120.0), "pH": (6.8, 7.8),
}  # fmt: skip
"""Beyond which the normal distributions are cut off."""

DECIMALS = {"pH": 3, "IonisedCa": 3}


def _marginal(name: str) -> Marginal:
    column = SCHEMA.column(name)
    if name == "Output4H":
        return OUTPUT
    if name in SHARES:
        return Ordered((0.0, 1.0), (1 - SHARES[name], SHARES[name]))
    if name in DECILES:
        return Ordered(tuple(map(float, range(10))), (0.1,) * 10)
    if name == "GCS":
        return Ordered(tuple(map(float, range(3, 16))), GCS_SHARES)
    low = -math.inf if column.low is None else column.low
    return of_published(column.published, *LIMITS.get(name, (low, math.inf)))


OBSERVED = tuple(
    Observed(name, _marginal(name), loads, persistence, DECIMALS.get(name, 2))
    for name, (loads, persistence) in LOADS.items()
)

need = score_of(OBSERVED, {"MeanBP": -0.7, "Lactate": 0.5})
"""What usual care goes by."""


def usual(situation: Situation) -> FloatArray:
    """Probabilities (n, 25) of usual care."""
    score = need(situation)
    fluids = ordered_probit(score, FLUID_SHARES, SLOPES[0])
    vasopressors = ordered_probit(score, VASOPRESSOR_SHARES, SLOPES[1])
    return (fluids[:, :, None] * vasopressors[:, None, :]).reshape(len(score), -1)


def effects(situation: Situation) -> dict[str, FloatArray]:
    """Of every action, (n, 25), on pressure and severity."""
    fluid, vasopressor = np.repeat(STRENGTH, 5), np.tile(STRENGTH, 5)
    low = ndtr((NEED_MAP[0] - situation.columns["MeanBP"]) / NEED_MAP[1])
    sour = ndtr((situation.columns["Lactate"] - NEED_LACTATE[0]) / NEED_LACTATE[1])
    relief = RELIEVES[0] * np.outer(low + sour - 1, fluid) + RELIEVES[1] * np.outer(2 * low - 1, vasopressor)
    raised = RAISES[0] * fluid + RAISES[1] * vasopressor
    return {"pressure": np.broadcast_to(raised, (len(low), 25)), "severity": -relief}


def doses(action: IntArray, rng: np.random.Generator) -> dict[str, Array]:
    """Doses drawn within the levels: mL in four hours, and mcg/kg/min."""

    def drawn(level: IntArray, marginal: LogNormal, decimals: int) -> Array:
        rank = (level - 1 + rng.uniform(0.001, 0.999, len(level))) / 4
        least = 10.0**-decimals
        given = np.maximum(marginal.value(ndtri(np.clip(rank, 1e-6, None))), least)
        return np.round(np.where(level > 0, given, 0.0), decimals)

    return {"Input4H": drawn(action // 5, INPUT, 2), "MaxVaso": drawn(action % 5, VASOPRESSOR, 4)}


def numbered(columns: Mapping[str, Array]) -> IntArray:
    """The action of each row, from its doses."""

    def level(dose: Array, marginal: LogNormal) -> IntArray:
        rank = ndtr(marginal.score(dose))
        return np.where(dose > 0, 1 + np.clip((4 * rank).astype(np.int64), 0, 3), 0)

    return 5 * level(columns["Input4H"], INPUT) + level(columns["MaxVaso"], VASOPRESSOR)


def _mend(columns: dict[str, Array]) -> None:
    columns["DiaBP"] = np.minimum(columns["DiaBP"], columns["MeanBP"] - 1)
    columns["SysBP"] = np.maximum(columns["SysBP"], columns["MeanBP"] + 1)


PROCESS = Process(
    schema=SCHEMA,
    persistence=PERSISTENCE,
    observed=OBSERVED,
    flags=(),
    actions={"fluid level": np.repeat(np.arange(5), 5), "vasopressor level": np.tile(np.arange(5), 5)},
    numbered=numbered,
    usual=usual,
    centre=usual,
    effects=effects,
    treatment_variance={"pressure": 0.1, "severity": 0.05},
    doses=doses,
    mend=_mend,
    totals={"InputTotal": "Input4H", "OutputTotal": "Output4H"},
)
