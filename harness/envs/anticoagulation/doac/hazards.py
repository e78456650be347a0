"""What is to be expected of each drug in a quarter: strokes, major bleedings, and what they weigh.

Exposure is the dose, times what other drugs and the liver do to it, by what the kidneys clear. Strokes go by
CHA2DS2-VASc, bleedings by HAS-BLED, each times the drug's ratio to warfarin and a power of exposure. Arrays of drugs
have `DRUGS` as a last axis beside those of the patients, and days left out as one more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac.status import ACTIVE_BLEEDING, NO_VALVE, Status
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

MOLECULE: IntArray = np.array([c.MOLECULES.index(name.split("_")[0]) for name in c.DRUGS])
NONE, WARFARIN = 0, 1
IS_DOAC: BoolArray = MOLECULE > WARFARIN

DOSE = np.array(c.RELATIVE_DOSE)
HOLDS = np.arange(c.LONGEST_HOLD + 1)


def of_drugs(by_molecule: dict[str, float], otherwise: float = 1.0) -> FloatArray:
    """A constant of each molecule for each of `DRUGS`, shape (drugs,)."""
    return np.array([by_molecule.get(c.MOLECULES[m], otherwise) for m in MOLECULE])


RENAL = of_drugs(c.RENAL_FRACTION, 0.0)
STROKE_RATIO, BLEEDING_RATIO = of_drugs(c.STROKE_RATIO), of_drugs(c.BLEEDING_RATIO)
STROKE_EXPONENT = of_drugs(c.STROKE_EXPONENT, 0.0)
INTRACRANIAL = of_drugs(c.INTRACRANIAL)
BESIDE = np.array([of_drugs(ratios) for ratios in c.COMEDICATIONS.values()])
LIVER = np.array([of_drugs(c.LIVER_EXPOSURE[name]) for name in c.LIVER])
UNTREATED = np.array(c.STROKE_UNTREATED) / 100
ON_WARFARIN = c.BLEEDING_SCALE * np.array([*c.BLEEDING, *[c.BLEEDING[-1]] * (10 - len(c.BLEEDING))]) / 100
USUAL = (1 - c.LABILE_IN_TRIALS) * ON_WARFARIN + c.LABILE_IN_TRIALS * np.append(ON_WARFARIN[1:], ON_WARFARIN[-1])
"""Bleedings of patients on warfarin, some of whom have labile INRs, by their other components of HAS-BLED."""

WEIGHT_BLEEDING = c.WEIGHT_INTRACRANIAL * INTRACRANIAL + c.WEIGHT_EXTRACRANIAL * (1 - INTRACRANIAL)
SWITCH = c.SWITCH_COST * np.array(
    [[NONE not in (before, m) and before != m for m in MOLECULE] for before in range(len(c.MOLECULES))], dtype=float
)
"""Cost of ordering each drug for who took each molecule before, shape (molecules, drugs)."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected events of a quarter.

    Attributes
    ----------
    strokes, bleedings : float arrays, shape (..., drugs, holds)
        Strokes or systemic embolisms, and major bleedings, of one patient.
    """

    strokes: FloatArray
    bleedings: FloatArray

    @property
    def weighted(self) -> FloatArray:
        """Weighted events of 100 patients, shape (..., drugs, holds)."""
        return 100 * (c.WEIGHT_STROKE * self.strokes + WEIGHT_BLEEDING[:, None] * self.bleedings)


def exposure(status: Status) -> FloatArray:
    """Exposure to each drug relative to the trials' typical one, shape (..., drugs); of warfarin, its INR rules: 1."""
    cleared = np.minimum(status.crcl, c.HIGHEST_CRCL)[..., None] / c.TYPICAL_CRCL
    return np.asarray(DOSE * BESIDE[status.comedication] * LIVER[status.liver] / (1 - RENAL + RENAL * cleared))


def rates(status: Status) -> tuple[FloatArray, FloatArray]:
    """Strokes and major bleedings a year on each drug, procedures left out, each of shape (..., drugs)."""
    exposed = np.where(IS_DOAC, exposure(status), 1.0)
    valve = np.array(c.VALVE_STROKE)[status.valve]
    untreated = (UNTREATED[status.cha2ds2_vasc] * valve)[..., None]
    of_valve = np.array([np.nan if ratio is None else ratio for ratio in c.VALVE_RATIO])[status.valve][..., None]
    ratio = np.where((status.valve != NO_VALVE)[..., None], of_valve, STROKE_RATIO)
    less = c.WARFARIN_STROKE * np.where(IS_DOAC, ratio * np.minimum(exposed, c.PLATEAU) ** -STROKE_EXPONENT, 1.0)
    strokes = untreated * np.where(MOLECULE == NONE, 1.0, less)

    score = status.has_bled
    warfarin = ON_WARFARIN[score + status.labile_inr][..., None]
    doac = USUAL[score][..., None] * BLEEDING_RATIO * exposed**c.BLEEDING_EXPONENT
    doac = doac * np.array(c.VALVE_BLEEDING)[status.valve][..., None]
    untreated_bleedings = c.NO_DRUG_BLEEDING * USUAL[score][..., None]
    bleedings = np.where(IS_DOAC, doac, np.where(MOLECULE == WARFARIN, warfarin, untreated_bleedings))
    again = np.where(MOLECULE == NONE, c.BLEEDING_AGAIN_UNTREATED, c.BLEEDING_AGAIN)
    return strokes, bleedings * np.where((status.bleeding == ACTIVE_BLEEDING)[..., None], again, 1.0)


def days_to_hold(status: Status) -> IntArray:
    """Days that each drug is to be left out before the procedure, shape (..., drugs); 0 without one."""
    table = np.array([c.HOLD_DAYS.get(c.MOLECULES[m], (0, 0, 0)) for m in MOLECULE]).T
    dabigatran = np.array(c.HOLD_DABIGATRAN)[np.where(status.crcl < c.HOLD_CRCL, 1, 0), status.procedure]
    found = np.where(c.MOLECULES.index("dabigatran") == MOLECULE, dabigatran[..., None], table[status.procedure])
    return np.asarray(found)


def expected(status: Status) -> Expected:
    """What is to be expected of every drug and every number of days left out; these count before a procedure only."""
    strokes, bleedings = (rate[..., None] for rate in rates(status))
    planned = (status.procedure > 0)[..., None, None]
    without = np.where(planned, HOLDS / c.QUARTER_DAYS, 0.0)
    needed = days_to_hold(status)[..., None]
    left = np.where(needed > 0, np.clip(1 - HOLDS / np.maximum(needed, 1), 0.0, 1.0), 0.0)
    from_procedure = np.array(c.PROCEDURE_BLEEDING)[status.procedure][..., None, None]
    return Expected(
        strokes=c.QUARTER * _with_gap(strokes, without),
        bleedings=c.QUARTER * (bleedings * (1 - without) + bleedings[..., :1, :] * without)
        + from_procedure * (1 + c.PROCEDURE_EXCESS * left),
    )


def _with_gap(strokes: FloatArray, without: FloatArray) -> FloatArray:
    """Strokes a year where a part of the quarter was without the drug."""
    untreated = strokes[..., :1, :]
    rebound = np.where((MOLECULE == NONE)[:, None], untreated, c.REBOUND * untreated)
    return strokes * (1 - without) + rebound * without
