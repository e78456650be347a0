"""What is shown of a patient: the package's vectors in clinical units, entry by entry.

The package cuts an entry off where its normalised value would leave [0, 1]; descriptions say where.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.core.environment import Observation

Cyp2c9 = Literal["*1/*1", "*1/*2", "*1/*3", "*2/*2", "*2/*3", "*3/*3"]
Vkorc1 = Literal["GG", "GA", "AA"]
Drug = Literal["rivaroxaban", "dabigatran", "apixaban"]


class WarfarinState(Observation):
    """A day's INR and the patient."""

    inr: float = Field(description="true INR, no measurement error; 6 means 6 or more")
    s_warfarin: float = Field(description="S-warfarin in plasma, mg/L; 5 means 5 or more")
    r_warfarin: float = Field(description="R-warfarin in plasma, mg/L; 5 means 5 or more")
    age: float = Field(description="years, 20 to 95")
    weight: float = Field(description="kg, 40 to 150")
    cyp2c9: Cyp2c9 = Field(description="CYP2C9 genotype")
    vkorc1: Vkorc1 = Field(description="VKORC1 -1639 genotype")
    day: int = Field(description="days on therapy")


class HeparinState(Observation):
    """The true state of a patient on heparin."""

    aptt: float = Field(description="true aPTT, seconds; 20 and 200 are the ends of the scale")
    heparin: float = Field(description="true heparin concentration, U/mL; 1 means 1 or more")
    weight: float = Field(description="kg, 40 to 180")
    renal_function: float = Field(description="share of normal renal function, 0 to 1")
    platelets: float = Field(description="true platelet count, 10^9/L; 400 means 400 or more")
    hours: float = Field(description="hours since the start")


class HeparinLabs(Observation):
    """What the laboratory has reported of a patient on heparin."""

    aptt: float | None = Field(description="aPTT reported last, seconds, 20 to 200; None: none yet")
    aptt_hours: float = Field(description="hours since it was reported, not drawn; 12: 12 or more, or none yet")
    anti_xa: float | None = Field(description="anti-Xa reported last, IU/mL; 1 means 1 or more; None: none yet")
    anti_xa_hours: float = Field(description="hours since it was reported; 12: 12 or more, or none yet")
    platelets: float | None = Field(
        description="platelet count reported last, 10^9/L; 400: 400 or more; None: none yet"
    )
    platelets_hours: float = Field(description="hours since it was reported; 12: 12 or more, or none yet")
    aptt_pending: bool = Field(description="whether an aPTT is under way")
    weight: float = Field(description="kg, 40 to 180")
    renal_function: float = Field(description="share of normal renal function at the start, 0 to 1")
    hours: float = Field(description="hours since the start")


class DoacState(Observation):
    """A patient with atrial fibrillation, every 30 days."""

    concentration: float = Field(description="drug in plasma, mg/L; 0.5 means 0.5 or more")
    crcl: float = Field(description="creatinine clearance, mL/min, at most 130")
    age: float = Field(description="years, 40 to 95")
    weight: float = Field(description="kg, 45 to 150")
    cha2ds2_vasc: int = Field(description="CHA2DS2-VASc, 0 to 9; drawn apart from the patient's age")
    has_bled: int = Field(description="HAS-BLED, 0 to 9; drawn apart from the patient's age")
    day: int = Field(description="days on therapy")
    drug: Drug = Field(description="the drug that the patient is on")


class DicState(Observation):
    """The true state of a patient with disseminated intravascular coagulation."""

    isth_score: int = Field(description="ISTH score as the package counts it, 0 to 8; 5 or more is overt")
    platelets: float = Field(description="platelet count, 10^9/L; 300 means 300 or more")
    fibrinogen: float = Field(description="mg/dL; 400 means 400 or more")
    pt: float = Field(description="prothrombin time, seconds; 40 means 40 or more")
    d_dimer: float = Field(description="ug/mL FEU; 20 means 20 or more")
    organ_function: float = Field(description="1 normal, below 0.15 the patient is lost")
    hours: float = Field(description="hours since the start")
    hemorrhage: float = Field(description="severity of bleeding, 0 to 1")
