"""Rewards of a decision, by what is observed at it and one step later.

References
----------
Gottesman, Futoma, Liu, Parbhoo, Celi, Brunskill, Doshi-Velez: Interpretable off-policy evaluation in reinforcement
learning by highlighting influential transitions. ICML 2020 (`map_urine`, as the tutorial of Health Gym has it).
Raghu, Komorowski, Ahmed, Celi, Szolovits, Ghassemi: Deep reinforcement learning for sepsis treatment. arXiv:1711.09602,
2017 (`sofa_lactate`).
Parbhoo, Bogojeska, Zazzi, Roth, Doshi-Velez: Combining kernel and model based learning for HIV therapy selection. AMIA
Summits on Translational Science 2017 (`hiv`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.construction.recipe import Recipe
from harness.construction.sofa import sofa
from harness.core.errors import UsageError
from harness.data.table import Array, FloatArray

Columns = Mapping[str, Array]

MAP_POINTS, MAP_PAID = (40.0, 55.0, 60.0, 65.0), (-1.0, -0.15, -0.05, 0.0)
"""Mean arterial pressure (mmHg) and reward, linear between them and constant beyond (Gottesman et al. 2020)."""
URINE, MAP_WITH_URINE = 30.0, 55.0
"""mL in an hour and mmHg: with more of both the reward is 0 (Gottesman et al. 2020)."""

VL_WEIGHT, CD4_WEIGHT, SUPPRESSED = 0.7, 0.6, 5.0
"""Of ln(copies/mL) and ln(cells/µL), and the bonus while the viral load is not detectable (Parbhoo et al. 2017)."""
DETECTABLE = 50.0
"""copies/mL. The source does not say it; the limit of the usual assays."""

SOFA_UNCHANGED, SOFA_CHANGE, LACTATE_CHANGE = -0.025, -0.125, -2.0
"""C0, C1 and C2 of Raghu et al. 2017."""


def map_urine(now: Columns, then: Columns) -> FloatArray:
    """0 while the next hour's pressure is above 65 mmHg, falling to -1 at 40; 0 with urine above 55."""
    del now
    pressure = then["map"]
    paid = np.interp(pressure, MAP_POINTS, MAP_PAID)
    return np.where((then["urine"] > URINE) & (pressure > MAP_WITH_URINE), 0.0, paid)


def hiv(now: Columns, then: Columns) -> FloatArray:
    """`-0.7 ln VL + 0.6 ln CD4` of the next month while the viral load is detectable, else `5 + 0.6 ln CD4`."""
    del now
    load, cells = np.maximum(then["vl"], 1.0), np.maximum(then["cd4"], 1.0)
    paid: FloatArray = np.where(load >= DETECTABLE, -VL_WEIGHT * np.log(load), SUPPRESSED) + CD4_WEIGHT * np.log(cells)
    return paid


def sofa_lactate(now: Columns, then: Columns) -> FloatArray:
    """Raghu et al.'s reward between the ends of an episode: by the change of SOFA and of lactate (mmol/L)."""
    before, after = sofa(now), sofa(then)
    unchanged = (after == before) & (after > 0)
    lactate = np.tanh(then["lactate"] - now["lactate"])
    paid: FloatArray = SOFA_UNCHANGED * unchanged + SOFA_CHANGE * (after - before) + LACTATE_CHANGE * lactate
    return paid


def column(now: Columns, then: Columns) -> FloatArray:
    """What the row of the decision says."""
    del then
    return np.asarray(now["reward"], dtype=np.float64)


def outcome(now: Columns, then: Columns) -> FloatArray:
    """Nothing before the end: 1 for survival is paid where the trajectory ends."""
    del now, then
    return np.zeros(1)


SOFA_NEEDS = ("pao2", "fio2", "ventilated", "platelets", "bilirubin", "map", "gcs", "creatinine")

KINDS: dict[str, tuple[Callable[[Columns, Columns], FloatArray], tuple[str, ...]]] = {
    "map-urine": (map_urine, ("map", "urine")),
    "hiv": (hiv, ("vl", "cd4")),
    "sofa-lactate": (sofa_lactate, (*SOFA_NEEDS, "lactate")),
    "column": (column, ("reward",)),
    "outcome": (outcome, ()),
}
"""Of every kind: the function, and the quantities whose columns a recipe must name."""


def reward(recipe: Recipe) -> Callable[[Columns, Columns], FloatArray]:
    """The recipe's reward: from the columns of rows and of the rows after them, each (n,), to rewards (n,).

    Raises
    ------
    UsageError
        If the recipe does not name the columns that its kind needs, or others.
    """
    paid, needed = KINDS[recipe.reward.kind]
    given = recipe.reward.columns
    if set(given) != set(needed):
        raise UsageError(
            f"Recipe '{recipe.id}': reward.columns names {', '.join(sorted(given)) or 'nothing'}; a reward of the kind "
            f"'{recipe.reward.kind}' needs {', '.join(needed) or 'none'}."
        )

    def of_rows(now: Columns, then: Columns) -> FloatArray:
        return paid(*({role: rows[name] for role, name in given.items()} for rows in (now, then)))

    return of_rows
