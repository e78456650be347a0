"""Which Beers criteria and which renal or hepatic limits a regimen meets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.envs.polypharmacy.chart import Patient, Prescription
from harness.envs.polypharmacy.rows import BeersKind, Criterion, Drug
from harness.envs.polypharmacy.tables import Tables


def met_by(criterion: Criterion, patient: Patient, regimen: Sequence[Prescription], tables: Tables) -> tuple[str, ...]:
    """The drugs of `regimen` that meet `criterion` in `patient`; none if any part of it does not hold.

    Of the patient everything counts but `medications`: the regimen may be another by now.
    """
    if criterion.condition is not None and criterion.condition not in patient.conditions:
        return ()
    if criterion.sex is not None and criterion.sex != patient.sex:
        return ()
    if criterion.crcl_below is not None and patient.crcl_ml_min >= criterion.crcl_below:
        return ()
    if any(condition in patient.conditions for condition in criterion.unless_condition):
        return ()
    if any(criterion.unless_class in tables.drugs[taken.drug].classes for taken in regimen):
        return ()
    subject = tables.members(criterion.subject)
    found = tuple(
        taken.drug
        for taken in regimen
        if taken.drug in subject
        and (criterion.dose_above_mg is None or taken.dose_mg > criterion.dose_above_mg)
        and (criterion.days_above is None or taken.days > criterion.days_above)
        and (criterion.days_at_most is None or taken.days <= criterion.days_at_most)
    )
    return found if len(found) >= criterion.count_at_least else ()


def criteria_met(patient: Patient, regimen: Sequence[Prescription], tables: Tables) -> Mapping[str, tuple[str, ...]]:
    """Every criterion that is met, by its key, with the drugs that meet it."""
    found = {key: met_by(criterion, patient, regimen, tables) for key, criterion in tables.beers.items()}
    return {key: drugs for key, drugs in found.items() if drugs}


def highest_dose(drug: Drug, patient: Patient) -> float:
    """The highest dose a day (mg; insulin: units) for the patient's kidneys; 0 where the drug is to be avoided."""
    if avoided_for_organs(drug, patient):
        return 0.0
    if drug.renal_crcl is not None and patient.crcl_ml_min < drug.renal_crcl:
        return float(drug.renal_max_mg or drug.max_mg)
    return drug.max_mg


def avoided_for_organs(drug: Drug, patient: Patient) -> bool:
    """Whether kidney or liver forbid the drug."""
    kidney = drug.renal_avoid_crcl is not None and patient.crcl_ml_min < drug.renal_avoid_crcl
    return kidney or (drug.hepatic == "avoid" and patient.liver in ("moderate", "severe"))


def fits(drug: str, patient: Patient, regimen: Sequence[Prescription], tables: Tables) -> bool:
    """Whether `drug` may be started: not taken already, not forbidden by kidney or liver, and no criterion against it.

    A criterion counts against it whose kind is avoid or avoid in condition and that the drug would meet at its usual
    dose, taken beside `regimen` for one day; so one about long use does not.
    """
    row = tables.drugs[drug]
    if any(taken.drug == drug for taken in regimen) or avoided_for_organs(row, patient):
        return False
    dose = min(row.usual_mg, highest_dose(row, patient))
    beside = (*regimen, Prescription(drug=drug, dose_mg=dose, days=1, prescriber="review"))
    forbidding = (BeersKind.AVOID, BeersKind.AVOID_IN_CONDITION)
    return not any(
        drug in met_by(criterion, patient, beside, tables)
        for criterion in tables.beers.values()
        if criterion.kind in forbidding and drug in tables.members(criterion.subject)
    )
