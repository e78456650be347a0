"""What is wrong with one drug in one patient, whatever else is taken: Beers criteria, kidney, liver and dose."""

from __future__ import annotations

from typing import NamedTuple

from harness.envs.polypharmacy.criteria import (
    avoided_for_kidneys,
    avoided_for_liver,
    criteria_by_drug,
    dose_limit,
    meets,
)
from harness.envs.polypharmacy.original import BEERS_WEIGHTS
from harness.envs.polypharmacy.patients import Patient
from harness.envs.polypharmacy.rows import BeersKind
from harness.envs.polypharmacy.tables import Tables


class Problem(NamedTuple):
    """Something wrong with a drug: how much it counts (harm points) and why, and the criterion's name if it has one."""

    weight: float
    reason: str
    criterion: str | None = None


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
    if avoided_for_kidneys(drug, patient):
        reason = f"to be avoided with a creatinine clearance below {drug.renal_avoid_crcl:g} mL/min"
        of_kidneys.append(Problem(BEERS_WEIGHTS[BeersKind.AVOID], reason))
    highest = dose_limit(drug, patient)
    if dose > highest:
        reason = f"{dose:g} {drug.unit} a day is above {highest:g}, the highest dose for this patient"
        too_much = Problem(BEERS_WEIGHTS[BeersKind.DOSE_ADJUST], reason)
        (of_kidneys if highest == drug.renal_max_mg else found).append(too_much)
    if of_kidneys:
        found.append(max(of_kidneys))
    if avoided_for_liver(drug, patient):
        found.append(Problem(BEERS_WEIGHTS[BeersKind.AVOID], "to be avoided with this liver disease"))
    return tuple(found)
