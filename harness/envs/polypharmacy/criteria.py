"""Which Beers criteria a regimen meets, and what kidneys and liver bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from harness.envs.polypharmacy.chart import Patient, Prescription
from harness.envs.polypharmacy.rows import BeersKind, Criterion, Drug
from harness.envs.polypharmacy.tables import Tables

IMPAIRED = ("moderate", "severe")
"""Child-Pugh classes B and C."""

HEPATIC_SHARE = 0.5
"""Of the usual dose, the most for a drug that is to be reduced in Child-Pugh class B or C. Labels that name a number
mostly name half (FDA, Guidance for Industry: Pharmacokinetics in Patients with Impaired Hepatic Function, 2003)."""


@lru_cache(maxsize=8)
def criteria_by_drug(tables: Tables) -> Mapping[str, tuple[Criterion, ...]]:
    """The Beers criteria that speak of each drug."""
    found: dict[str, list[Criterion]] = {name: [] for name in tables.drugs}
    for criterion in tables.beers.values():
        for name in tables.members(criterion.subject):
            found[name].append(criterion)
    return {name: tuple(criteria) for name, criteria in found.items()}


def meets(criterion: Criterion, dose: float, days: int, patient: Patient, *, new: bool = False) -> bool:
    """Whether a dose (a day) taken for some days meets a criterion, other drugs left out of account.

    What is `new` takes the place of a drug taken so long: it begins today for a criterion about the first days, and for
    one about long use it goes on.
    """
    return (
        (criterion.condition is None or criterion.condition in patient.conditions)
        and (criterion.crcl_below is None or patient.crcl_ml_min < criterion.crcl_below)
        and (criterion.crcl_above is None or patient.crcl_ml_min > criterion.crcl_above)
        and (criterion.dose_above_mg is None or dose > criterion.dose_above_mg)
        and (criterion.days_above is None or days > criterion.days_above)
        and (criterion.days_at_most is None or (1 if new else days) <= criterion.days_at_most)
        and (criterion.sex is None or patient.sex == criterion.sex)
        and not any(condition in patient.conditions for condition in criterion.unless_condition)
    )


def met_by(criterion: Criterion, patient: Patient, regimen: Sequence[Prescription], tables: Tables) -> tuple[str, ...]:
    """The drugs of `regimen` that meet `criterion` in `patient`; none if any part of it does not hold.

    Of the patient everything counts but `medications`: the regimen may be another by now.
    """
    if any(criterion.unless_class in tables.drugs[taken.drug].classes for taken in regimen):
        return ()
    subject = tables.members(criterion.subject)
    found = tuple(
        taken.drug
        for taken in regimen
        if taken.drug in subject and meets(criterion, taken.dose_mg, taken.days, patient)
    )
    return found if len(found) >= criterion.count_at_least else ()


def criteria_met(patient: Patient, regimen: Sequence[Prescription], tables: Tables) -> Mapping[str, tuple[str, ...]]:
    """Every criterion that is met, by its key, with the drugs that meet it."""
    found = {key: met_by(criterion, patient, regimen, tables) for key, criterion in tables.beers.items()}
    return {key: drugs for key, drugs in found.items() if drugs}


def dose_limit(drug: Drug, patient: Patient) -> float:
    """The highest dose a day that kidneys and liver bear, in the drug's unit, if the drug is taken at all."""
    limits = [drug.max_mg]
    if drug.renal_crcl is not None and drug.renal_max_mg is not None and patient.crcl_ml_min < drug.renal_crcl:
        limits.append(drug.renal_max_mg)
    if drug.hepatic == "reduce" and patient.liver in IMPAIRED:
        limits.append(HEPATIC_SHARE * drug.usual_mg)
    return min(limits)


def starting_dose(drug: Drug, patient: Patient) -> float:
    """The usual dose a day, or the highest for this patient where that is less."""
    return min(drug.usual_mg, dose_limit(drug, patient))


def avoided_for_kidneys(drug: Drug, patient: Patient) -> bool:
    """Whether the kidneys forbid the drug."""
    return drug.renal_avoid_crcl is not None and patient.crcl_ml_min < drug.renal_avoid_crcl


def avoided_for_liver(drug: Drug, patient: Patient) -> bool:
    """Whether the liver forbids the drug."""
    return drug.hepatic == "avoid" and patient.liver in IMPAIRED


def avoided_for_organs(drug: Drug, patient: Patient) -> bool:
    """Whether kidneys or liver forbid the drug."""
    return avoided_for_kidneys(drug, patient) or avoided_for_liver(drug, patient)


def fits(drug: str, patient: Patient, regimen: Sequence[Prescription], tables: Tables) -> bool:
    """Whether `drug` may be started: not taken already, not forbidden by kidney or liver, and no criterion against it.

    A criterion counts against it whose kind is avoid or avoid in condition and that the drug would meet at its starting
    dose, taken beside `regimen` for one day; so one about long use does not.
    """
    row = tables.drugs[drug]
    if any(taken.drug == drug for taken in regimen) or avoided_for_organs(row, patient):
        return False
    started = Prescription(drug=drug, dose_mg=starting_dose(row, patient), days=1, prescriber="review")
    forbidding = (BeersKind.AVOID, BeersKind.AVOID_IN_CONDITION)
    return not any(
        drug in met_by(criterion, patient, (*regimen, started), tables)
        for criterion in criteria_by_drug(tables)[drug]
        if criterion.kind in forbidding
    )
