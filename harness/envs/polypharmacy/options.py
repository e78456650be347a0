"""What may become of each medication: kept, its dose reduced, monitored, replaced, stopped; and in how many steps.

A medication keeps its place in the list. From its first drug it may be replaced once, by a sensible substitute; its
dose may be reduced once and monitoring added once, of the first drug and again of the substitute; what was stopped
stays stopped. A drug that withdrawal makes dangerous to stop (`Drug.taper`) is stopped well by way of a lower dose, and
abruptly without. So a regimen is one option for every place, and the order of interventions does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.envs.polypharmacy.criteria import dose_limit, fits, starting_dose
from harness.envs.polypharmacy.patients import Patient, Prescription
from harness.envs.polypharmacy.tables import Tables

NEVER = 99
"""Interventions from one option to another that cannot be reached."""


class Intervention(StrEnum):
    """What may be done to a medication."""

    STOP = "stop"
    DOSE_REDUCE = "dose_reduce"
    SUBSTITUTE = "substitute"
    ADD_MONITORING = "add_monitoring"


class Option(NamedTuple):
    """What has become of the medication in one place of the list; `drug` is None where it was stopped."""

    place: int
    drug: str | None
    dose: float
    """A day, in the drug's unit; 0 where it was stopped."""
    reduced: bool
    """Of what was stopped: by way of a lower dose."""
    monitored: bool


def reduced_dose(dose: float, highest: float) -> float:
    """What a dose is reduced to: the highest for this patient if it is above that, else half."""
    return highest if dose > highest else dose / 2


def substitutes(medication: Prescription, patient: Patient, tables: Tables) -> tuple[str, ...]:
    """The drugs that may take a medication's place: for its reason, and fit for the patient beside all others.

    Whether one fits is judged by the list as it was at the start, so it does not depend on what else was changed.
    """
    if medication.reason is None:
        return ()
    condition, role = medication.reason
    others = tuple(other for other in patient.medications if other is not medication)
    found = _for_reason(tables).get((medication.drug, condition, role), ())
    return tuple(name for name in found if fits(name, patient, others, tables))


@lru_cache(maxsize=8)
def _for_reason(tables: Tables) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    """The substitutes of each drug for each role in each condition."""
    roles: dict[tuple[str, str], set[str]] = {}
    for row in tables.indications:
        roles.setdefault((row.condition, row.drug), set()).add(row.role)
    found: dict[tuple[str, str, str], list[str]] = {}
    for other in tables.substitutes:
        of_drug, of_other = (roles.get((other.condition, drug), set()) for drug in (other.drug, other.substitute))
        for role in of_drug & of_other:
            found.setdefault((other.drug, other.condition, role), []).append(other.substitute)
    return {key: tuple(names) for key, names in found.items()}


def options_of(patient: Patient, tables: Tables) -> tuple[Option, ...]:
    """Every option of every medication, by place; the first of each place is the medication as it is."""
    found: list[Option] = []
    for place, medication in enumerate(patient.medications):
        doses = {medication.drug: medication.dose_mg}
        doses |= {s: starting_dose(tables.drugs[s], patient) for s in substitutes(medication, patient, tables)}
        for drug, dose in doses.items():
            less = reduced_dose(dose, dose_limit(tables.drugs[drug], patient))
            for monitored in (False, True):
                found += [Option(place, drug, dose, False, monitored), Option(place, drug, less, True, monitored)]
        found.append(Option(place, None, 0.0, False, False))
        if tables.drugs[medication.drug].taper:
            found.append(Option(place, None, 0.0, True, False))
    return tuple(found)


def steps_between(options: tuple[Option, ...], patient: Patient) -> npt.NDArray[np.int64]:
    """How many interventions lead from each option to each other, shape (O, O); `NEVER` where none do."""
    place = np.array([o.place for o in options])
    drugs = sorted({o.drug for o in options if o.drug is not None})
    drug = np.array([drugs.index(o.drug) if o.drug is not None else -1 for o in options])
    first = drug == np.array([drugs.index(patient.medications[o.place].drug) for o in options])
    reduced = np.array([o.reduced for o in options], dtype=np.int64)
    monitored = np.array([o.monitored for o in options], dtype=np.int64)
    more = (reduced[None, :] >= reduced[:, None]) & (monitored[None, :] >= monitored[:, None])
    further = reduced[None, :] - reduced[:, None] + monitored[None, :] - monitored[:, None]
    found = np.where((drug[:, None] == drug[None, :]) & more, further, NEVER)
    replaced = first[:, None] & ~first[None, :] & (drug[None, :] >= 0)
    found = np.where(replaced, 1 + reduced[None, :] + monitored[None, :], found)
    none, tapers = drug < 0, np.isin(place, place[(drug < 0) & (reduced == 1)])
    found[none[:, None] & (further != 0)] = NEVER  # what was stopped abruptly is not tapered any more
    lowered, abruptly = first & (reduced == 1) & tapers, none & (reduced == 0)
    found = np.where(~none[:, None] & ~lowered[:, None] & abruptly[None, :], 1, found)
    found = np.where(first[:, None] & (none & (reduced == 1))[None, :], np.where(lowered, 1, 2)[:, None], found)
    return np.where(place[:, None] == place[None, :], found, NEVER)
