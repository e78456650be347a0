"""What is true of patients at a visit, as far as it bears on the choice of a drug; and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from harness.envs.anticoagulation import scores
from harness.envs.anticoagulation.doac import constants as c
from harness.envs.kidneys import cockcroft_gault
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

COMEDICATIONS = tuple(c.COMEDICATIONS)
RAISES_BLEEDING = np.isin(COMEDICATIONS, ("aspirin", "naproxen"))
"""Antiplatelet drugs and NSAIDs, which HAS-BLED counts."""

NO_VALVE, MITRAL_STENOSIS, MECHANICAL = range(3)
NO_BLEEDING, EARLIER_BLEEDING, ACTIVE_BLEEDING = range(3)


@dataclass(frozen=True, eq=False)
class Status:
    """Patients at a visit. All arrays have one shape together, for example (n,).

    Attributes
    ----------
    age : array
        Whole years.
    weight, creatinine, systolic : float arrays
        kg, mg/dL, mmHg.
    female, heart_failure, hypertension, diabetes, vascular_disease, alcohol, labile_inr, stroke : bool arrays
        `labile_inr` is what INRs were on warfarin; `stroke` any earlier stroke, TIA or embolism.
    liver, valve, comedication, procedure : int arrays
        Places in `LIVER`, `VALVES`, `COMEDICATIONS` and `PROCEDURES`.
    bleeding : int array
        0 no major bleeding so far, 1 an earlier one, 2 one that still goes on.
    """

    age: FloatArray
    weight: FloatArray
    creatinine: FloatArray
    systolic: FloatArray
    female: BoolArray
    heart_failure: BoolArray
    hypertension: BoolArray
    diabetes: BoolArray
    vascular_disease: BoolArray
    alcohol: BoolArray
    labile_inr: BoolArray
    stroke: BoolArray
    liver: IntArray
    valve: IntArray
    comedication: IntArray
    procedure: IntArray
    bleeding: IntArray

    def __getitem__(self, who: IntArray | BoolArray) -> Status:
        """Some of n patients."""
        return Status(**{f.name: getattr(self, f.name)[who] for f in fields(self)})

    @cached_property
    def crcl(self) -> FloatArray:
        """Creatinine clearance, mL/min, to one decimal."""
        return np.round(cockcroft_gault(self.age, self.female, self.weight, self.creatinine), 1)

    @cached_property
    def cha2ds2_vasc(self) -> IntArray:
        """Risk of stroke."""
        return scores.cha2ds2_vasc(
            age=self.age,
            female=self.female,
            heart_failure=self.heart_failure,
            hypertension=self.hypertension,
            diabetes=self.diabetes,
            stroke=self.stroke,
            vascular_disease=self.vascular_disease,
        )

    @cached_property
    def has_bled(self) -> IntArray:
        """Risk of bleeding without what labile INRs add to it, which they do on warfarin only."""
        return scores.has_bled(
            age=self.age,
            systolic=self.systolic,
            creatinine=self.creatinine,
            liver_disease=self.liver > 0,
            stroke=self.stroke,
            bleeding=self.bleeding > NO_BLEEDING,
            labile_inr=False,
            antiplatelet_or_nsaid=RAISES_BLEEDING[self.comedication],
            alcohol=self.alcohol,
        )
