"""What each drug of a list is for: the roles that it fills in the patient's conditions, whatever it was prescribed for.

What lowers the pressure may be what the heart failure needs. In one condition a drug fills one role: who takes two
drugs for high blood pressure has a first and a second one, and neither is both.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.envs.polypharmacy.chart import Patient
from harness.envs.polypharmacy.prescribing import habits_of
from harness.envs.polypharmacy.tables import Tables

Filled = tuple[Mapping[str, str], ...]
"""For every place of the list, the role in each condition that its drug fills."""


def filled_at_first(patient: Patient, tables: Tables) -> Filled:
    """The roles that the medications fill at the start.

    Each fills the role that is its reason. In any other condition it fills the first of the roles it is good for that
    nothing else fills yet, or the first of them all; who comes first goes by the alphabet and not by the list.
    """
    found: list[dict[str, str]] = [dict([known.reason] if known.reason else []) for known in patient.medications]
    roles = habits_of(tables).roles
    alphabetically = sorted(
        zip((known.drug for known in patient.medications), found, strict=True), key=lambda of: of[0]
    )
    for condition in patient.conditions:
        taken = {of[condition] for of in found if condition in of}
        for drug, of in alphabetically:
            suited = [role.role for role in roles.get(condition, ()) if drug in role.drugs]
            if suited and condition not in of:
                of[condition] = next((role for role in suited if role not in taken), suited[0])
                taken.add(of[condition])
    return tuple(found)


def filled_by(drug: str, place: int, first: Filled, tables: Tables) -> dict[str, str]:
    """The roles that a drug fills in a place of the list: of those that were filled at the start, one a condition."""
    roles = habits_of(tables).roles
    found = {}
    for condition in dict.fromkeys(condition for of in first for condition in of):
        filled = {of[condition] for of in first if condition in of}
        suited = [role.role for role in roles[condition] if drug in role.drugs and role.role in filled]
        if suited:
            own = first[place].get(condition)
            found[condition] = own if own in suited else suited[0]
    return found
