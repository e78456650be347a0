"""A stand-in for Health Gym's antiretroviral therapy for HIV, version 2.

Invented: all dynamics, correlations, potencies and tolerabilities, which are numbers to be learnt and say nothing of
the drugs whose names they bear. Published: the schema, the quantiles of viral load and CD4, and the shares of the
regimens (`harness.data.health_gym.hiv`); those of the protease inhibitors are chosen to have the published mean code.

A regimen is a base and a third agent, a protease inhibitor with or without an enhancer. Usual care keeps it, and now
and then, oftener with a high viral load, draws another from the shares. By construction a potent regimen lowers the
viral load from month to month, and a tolerable one raises CD4; where the load is high, agents of a low barrier to
resistance (the NNRTI) lose half of their potency.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.data.health_gym.hiv import BASE_SHARES, ETHNIC_SHARES, INI_SHARES, NNRTI_SHARES, SCHEMA
from harness.data.stand_ins.marginals import Marginal, Ordered, of_published
from harness.data.stand_ins.process import Flag, Observed, Process, Situation
from harness.data.table import Array, FloatArray, IntArray

PERSISTENCE = {"virus": 0.9, "immune": 0.97}

INI_NONE, NNRTI_NONE, PI_NONE = 3, 3, 5
PI_SHARES = (0.078, 0.032, 0.050, 0.052, 0.052)
"""DRV, RTVB, LPV, RTV, ATV: in all what the other third agents leave, with a mean code near the published 4.18."""
ENHANCED = 0.0669 / sum(PI_SHARES)
"""Of the protease inhibitors; of all rows this is the published share."""

THIRD_COLUMNS = ("Comp. INI", "Comp. NNRTI", "Extra PI", "Extra pk-En")
THIRD = np.array(
    [(i, NNRTI_NONE, PI_NONE, 0) for i in range(3)]
    + [(INI_NONE, i, PI_NONE, 0) for i in range(3)]
    + [(INI_NONE, NNRTI_NONE, i, enhanced) for i in range(5) for enhanced in (0, 1)]
)
"""Third agents: codes of those columns, (16, 4)."""
THIRD_SHARES = np.array(
    [*INI_SHARES[:3], *NNRTI_SHARES[:3]] + [p * q for p in PI_SHARES for q in (1 - ENHANCED, ENHANCED)]
)

BASE_POTENCY = np.array([0.3, 0.2, 0.5, 0.5, -0.2, -0.6])
BASE_TOLERANCE = np.array([0.1, 0.2, 0.6, -0.1, -0.4, -0.6])
THIRD_POTENCY = np.array(
    [1.0, 0.5, 0.6, -0.3, 0.4, 0.6, *(x for p in (0.5, 0.0, 0.1, -0.4, 0.1) for x in (p, p + 0.3))]
)
THIRD_TOLERANCE = np.array(
    [0.3, 0.6, 0.2, -0.2, -0.4, 0.5, *(x for p in (0.1, -0.2, -0.5, -0.7, -0.1) for x in (p, p - 0.2))]
)
RESISTANT = np.array([1.0] * 3 + [0.5] * 3 + [1.0] * 10)
"""What is left of a third agent's potency where the viral load is high."""

HIGH_VL = 1_000.0
"""copies/mL"""
DETECTABLE_VL = 50.0
SWITCH = (0.025, 0.035, 0.06)
"""How often a regimen is drawn anew in a month: undetectable, detectable, high viral load."""
LOWERS, RAISES = 0.08, 0.02
"""Standard deviations by which one unit of potency lowers the virus, and one of tolerability raises immunity."""

SHARES = np.outer(np.array(BASE_SHARES) / sum(BASE_SHARES), THIRD_SHARES / THIRD_SHARES.sum()).reshape(-1)
"""Of the 96 regimens; the action is 16 * base + third agent."""


def _quantiles(name: str) -> Marginal:
    return of_published(SCHEMA.column(name).published)


OBSERVED = (
    Observed("VL", _quantiles("VL"), {"virus": 0.95}, 0.5, 2),
    Observed("CD4", _quantiles("CD4"), {"virus": -0.3, "immune": 0.85}, 0.8, 2),
    Observed("Rel CD4", _quantiles("Rel CD4"), {"virus": -0.25, "immune": 0.8}, 0.8, 3),
    Observed("Gender", Ordered((1.0, 2.0), (0.863, 0.137)), {}, 1.0),
    Observed("Ethnic", Ordered((1.0, 2.0, 3.0, 4.0), ETHNIC_SHARES), {}, 1.0),
)


def usual(situation: Situation) -> FloatArray:
    """Probabilities (n, 96) of usual care: the regimen is kept, or drawn from the shares."""
    vl = situation.columns["VL"]
    anew = np.select([vl >= HIGH_VL, vl >= DETECTABLE_VL], [SWITCH[2], SWITCH[1]], SWITCH[0])
    first = situation.previous < 0
    anew = np.where(first, 1.0, anew)
    found = anew[:, None] * SHARES
    kept = np.flatnonzero(~first)
    found[kept, situation.previous[kept]] += 1 - anew[kept]
    return found


def shares(situation: Situation) -> FloatArray:
    """The shares of the regimens, whatever is observed, (n, 96)."""
    return np.broadcast_to(SHARES, (len(situation.previous), len(SHARES)))


def effects(situation: Situation) -> dict[str, FloatArray]:
    """Of every regimen, (n, 96), on virus and immunity."""
    high = situation.columns["VL"] >= HIGH_VL
    left = np.where(high[:, None], RESISTANT, 1.0)
    third = np.where(THIRD_POTENCY > 0, THIRD_POTENCY * left, THIRD_POTENCY)
    potency = BASE_POTENCY[:, None] + third[:, None, :]
    tolerance = (BASE_TOLERANCE[:, None] + THIRD_TOLERANCE).reshape(-1)
    n = len(high)
    return {
        "virus": -LOWERS * potency.reshape(n, -1),
        "immune": np.broadcast_to(RAISES * tolerance, (n, len(tolerance))),
    }


def numbered(columns: Mapping[str, Array]) -> IntArray:
    """The action of each row, from the columns of the regimen; real data may hold regimens beside the 96."""
    base = columns["Base Drug Combo"]
    third = np.stack([columns[name] for name in THIRD_COLUMNS], axis=1)
    same = (third[:, None, :] == THIRD).all(axis=2)
    known = same.any(axis=1) & (base >= 0) & (base < len(BASE_SHARES))
    return np.where(known, len(THIRD) * base + same.argmax(axis=1), -1)


def _codes() -> Mapping[str, Array]:
    base = np.repeat(np.arange(6), len(THIRD))
    third = np.tile(THIRD, (6, 1))
    return {"Base Drug Combo": base, **{name: third[:, i] for i, name in enumerate(THIRD_COLUMNS)}}


PROCESS = Process(
    schema=SCHEMA,
    persistence=PERSISTENCE,
    observed=OBSERVED,
    flags=(Flag("VL (M)", 0.1309, "virus"), Flag("CD4 (M)", 0.1552, "virus"), Flag("Drug (M)", 0.7768, "virus")),
    actions=_codes(),
    numbered=numbered,
    usual=usual,
    centre=shares,
    effects=effects,
    treatment_variance={"virus": 0.1, "immune": 0.1},
)
