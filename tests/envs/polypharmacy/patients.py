"""Patients written by hand, on the packaged tables."""

from __future__ import annotations

from harness.envs.polypharmacy.chart import Patient, Prescription


def taking(*drugs, conditions=(), crcl=80.0, liver="normal", sex="f", age=80) -> Patient:
    """A patient who takes (drug, dose, reason), or (drug, dose, reason, days)."""
    return Patient(
        seed=0,
        age=age,
        sex=sex,
        height_cm=165,
        weight_kg=70,
        conditions=tuple(conditions),
        creatinine_mg_dl=1.0,
        crcl_ml_min=crcl,
        liver=liver,
        medications=tuple(
            Prescription(drug=drug, dose_mg=dose, days=days[0] if days else 400, reason=reason, prescriber="gp")
            for drug, dose, reason, *days in drugs
        ),
    )
