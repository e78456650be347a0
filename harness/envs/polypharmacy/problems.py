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


def problems(
    name: str, dose: float, days: int, patient: Patient, tables: Tables, *, new: bool = False
) -> tuple[Problem, ...]:
    """What is wrong with a dose (a day) of a drug taken for some days, or of a `new` one in the place of such a drug.

    Criteria that depend on other drugs (`count_at_least`, `unless_class`) are not among them. What Beers and the drug's
    own limits say of the dose and of the kidneys is one problem, the worst of them: one fact counts once.
    """
    drug = tables.drugs[name]
    found: list[Problem] = []
    of_dose: list[Problem] = []
    for criterion in criteria_by_drug(tables)[name]:
        if (
            criterion.count_at_least == 1
            and criterion.unless_class is None
            and meets(criterion, dose, days, patient, new=new)
        ):
            problem = Problem(BEERS_WEIGHTS[criterion.kind], criterion.reason, criterion.criterion)
            (of_dose if criterion.crcl_below or criterion.dose_above_mg else found).append(problem)
    if avoided_for_kidneys(drug, patient):
        reason = f"to be avoided with a creatinine clearance below {drug.renal_avoid_crcl:g} mL/min"
        of_dose.append(Problem(BEERS_WEIGHTS[BeersKind.AVOID], reason))
    highest = dose_limit(drug, patient)
    if dose > highest:
        reason = f"{dose:g} {drug.unit} a day is above {highest:g}, the highest dose for this patient"
        of_dose.append(Problem(BEERS_WEIGHTS[BeersKind.DOSE_ADJUST], reason))
    if of_dose:
        found.append(max(of_dose, key=lambda problem: problem.weight))
    if avoided_for_liver(drug, patient):
        found.append(Problem(BEERS_WEIGHTS[BeersKind.AVOID], "to be avoided with this liver disease"))
    return tuple(found)
