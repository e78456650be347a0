"""What another prescriber does where a task's problems are lacking: another drug for the same reason.

The drug is one that the tables know for that condition and role, at its usual dose, chosen without a look at what else
is taken.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from harness.envs.polypharmacy.chart import Patient
from harness.envs.polypharmacy.prescribing import habits_of
from harness.envs.polypharmacy.tables import Tables


def with_severe_pair(rng: np.random.Generator, patient: Patient, tables: Tables) -> Patient | None:
    """The patient with one drug replaced so that it interacts severely with another; None if no drug can be."""
    severe = habits_of(tables).severe

    def clashes(place: int, drug: str) -> bool:
        others = (known.drug for i, known in enumerate(patient.medications) if i != place)
        return any(((drug, other) if drug < other else (other, drug)) in severe for other in others)

    ways = [way for way in _ways(patient, tables) if clashes(*way)]
    if not ways:
        return None
    place, drug = ways[int(rng.integers(len(ways)))]
    known = patient.medications[place]
    by = tables.conditions[known.reason[0]].specialty if known.reason else known.prescriber
    given = known.model_copy(update={"drug": drug, "dose_mg": tables.drugs[drug].usual_mg, "prescriber": by})
    medications = (*patient.medications[:place], given, *patient.medications[place + 1 :])
    return patient.model_copy(update={"medications": medications})


def _ways(patient: Patient, tables: Tables) -> Iterable[tuple[int, str]]:
    """Every other drug that may take the place of one for the same reason, and whose side effect nothing treats."""
    roles = habits_of(tables).roles
    taken = {known.drug for known in patient.medications}
    triggers = {known.cascade_of for known in patient.medications}
    for place, known in enumerate(patient.medications):
        if known.reason is not None and known.drug not in triggers:
            condition, name = known.reason
            role = next(role for role in roles[condition] if role.role == name)
            yield from ((place, drug) for drug in (*role.first, *role.alternatives) if drug not in taken)
