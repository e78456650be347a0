"""What is known of a patient: who it is, what is wrong, what is taken and why."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Sex = Literal["f", "m"]
Liver = Literal["normal", "mild", "moderate", "severe"]
"""No cirrhosis, or Child-Pugh class A, B or C."""


class Prescription(BaseModel):
    """One drug that a patient takes.

    Its reason is one role in one condition, though it may fill others too (`roles.py`), or the side effect
    of another drug that was taken for a disease (a prescribing cascade), or nothing that anybody remembers: then
    `reason` and `cascade_of` are both None. What fills a role in a condition of the patient has a reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    drug: str
    dose_mg: float = Field(gt=0, description="dose a day, mg (insulin: units)")
    days: int = Field(gt=0, description="how long it has been taken")
    reason: tuple[str, str] | None = Field(None, description="condition and role, as in indications.csv")
    cascade_of: str | None = Field(None, description="the drug whose side effect it was prescribed against")
    prescriber: str


class Patient(BaseModel):
    """A patient at the start of a review."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    age: int = Field(ge=65, description="years")
    sex: Sex
    height_cm: float = Field(gt=0)
    weight_kg: float = Field(gt=0)
    conditions: tuple[str, ...]
    creatinine_mg_dl: float = Field(gt=0, description="in serum")
    crcl_ml_min: float = Field(gt=0, description="creatinine clearance by Cockcroft and Gault (1976)")
    liver: Liver
    medications: tuple[Prescription, ...]
