"""Patients made up for tests."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac.status import COMEDICATIONS, Status

USUAL = {
    "age": 70.0, "weight": 80.0, "creatinine": 1.0, "systolic": 130.0, "female": False, "heart_failure": False,
    "hypertension": True, "diabetes": False, "vascular_disease": False, "alcohol": False, "labile_inr": False,
    "stroke": False, "liver": 0, "valve": 0, "comedication": 0, "procedure": 0, "bleeding": 0,
}  # fmt: skip
"""CHA2DS2-VASc 2, HAS-BLED 1, clearance 77.8 mL/min."""


def person(crcl: float | None = None, beside: str = "none", **changes) -> Status:
    """One patient, shape (1,); with a clearance if one is given."""
    values = USUAL | changes | {"comedication": COMEDICATIONS.index(beside)}
    if crcl is not None:
        of_man = (140 - values["age"]) * values["weight"] / 72
        values["creatinine"] = of_man * (0.85 if values["female"] else 1.0) / crcl
    return Status(**{f.name: np.array([values[f.name]]) for f in fields(Status)})


def place(drug: str) -> int:
    return c.DRUGS.index(drug)
