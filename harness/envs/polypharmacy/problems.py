"""What is wrong with one drug in one patient, whatever else is taken: Beers criteria, kidney, liver and dose."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from harness.envs.polypharmacy.original import BEERS_WEIGHTS
from harness.envs.polypharmacy.patients import Patient
from harness.envs.polypharmacy.rows import BeersKind, Criterion, Drug
from harness.envs.polypharmacy.tables import Tables

IMPAIRED = ("moderate", "severe")
"""Child-Pugh classes B and C."""

HEPATIC_SHARE = 0.5
"""Of the usual dose, the most for a drug that is to be reduced in Child-Pugh class B or C. Labels that name a number
mostly name half (FDA, Guidance for Industry: Pharmacokinetics in Patients with Impaired Hepatic Function, 2003)."""


class Problem(NamedTuple):
    """Something wrong with a drug: how much it counts (harm points) and why, and the criterion's name if it has one."""

    weight: float
    reason: str
    criterion: str | None = None


@lru_cache(maxsize=8)
def criteria_by_drug(tables: Tables) -> Mapping[str, tuple[Criterion, ...]]:
    """The Beers criteria that speak of each drug."""
    found: dict[str, list[Criterion]] = {name: [] for name in tables.drugs}
    for criterion in tables.beers.values():
        for name in tables.members(criterion.subject):
            found[name].append(criterion)
    return {name: tuple(criteria) for name, criteria in found.items()}


def meets(criterion: Criterion, dose: float, days: int, patient: Patient) -> bool:
    """Whether a dose (a day) taken for some days meets a criterion, other drugs left out of account."""
    return (
        (criterion.condition is None or criterion.condition in patient.conditions)
        and (criterion.crcl_below is None or patient.crcl_ml_min < criterion.crcl_below)
        and (criterion.dose_above_mg is None or dose > criterion.dose_above_mg)
        and (criterion.days_above is None or days > criterion.days_above)
        and (criterion.days_at_most is None or days <= criterion.days_at_most)
        and (criterion.sex is None or patient.sex == criterion.sex)
        and not any(condition in patient.conditions for condition in criterion.unless_condition)
    )


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


def problems(name: str, dose: float, days: int, patient: Patient, tables: Tables) -> tuple[Problem, ...]:
    """What is wrong with a dose (a day) of a drug taken for some days.

    Criteria that depend on other drugs (`count_at_least`, `unless_class`) are not among them. What Beers and the drug's
    own limits say of the kidneys is one problem, the worse of them, and so is the dose.
    """
    drug = tables.drugs[name]
    found: list[Problem] = []
    of_kidneys: list[Problem] = []
    for criterion in criteria_by_drug(tables)[name]:
        if criterion.count_at_least == 1 and criterion.unless_class is None and meets(criterion, dose, days, patient):
            problem = Problem(BEERS_WEIGHTS[criterion.kind], criterion.reason, criterion.criterion)
            (found if criterion.crcl_below is None else of_kidneys).append(problem)
    if drug.renal_avoid_crcl is not None and patient.crcl_ml_min < drug.renal_avoid_crcl:
        reason = f"to be avoided with a creatinine clearance below {drug.renal_avoid_crcl:g} mL/min"
        of_kidneys.append(Problem(BEERS_WEIGHTS[BeersKind.AVOID], reason))
    highest = dose_limit(drug, patient)
    if dose > highest:
        reason = f"{dose:g} {drug.unit} a day is above {highest:g}, the highest dose for this patient"
        too_much = Problem(BEERS_WEIGHTS[BeersKind.DOSE_ADJUST], reason)
        (of_kidneys if highest == drug.renal_max_mg else found).append(too_much)
    if of_kidneys:
        found.append(max(of_kidneys))
    if drug.hepatic == "avoid" and patient.liver in IMPAIRED:
        found.append(Problem(BEERS_WEIGHTS[BeersKind.AVOID], "to be avoided with this liver disease"))
    return tuple(found)
