"""What a reviewer of medications makes of an observation: the patient, what can be looked up, and what was found.

Nothing here knows an interaction that was not asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.envs.polypharmacy.harm import FloatArray, Harm, harm_without_interactions
from harness.envs.polypharmacy.interactions import SEVERITY, remaining
from harness.envs.polypharmacy.optimum import Optimum
from harness.envs.polypharmacy.patients import Patient
from harness.envs.polypharmacy.review import QueryResult, ReviewObservation
from harness.envs.polypharmacy.shown import patient_shown, state_shown
from harness.envs.polypharmacy.state import Pair, ReviewState, pair_of
from harness.envs.polypharmacy.tables import Tables

MOST_PATIENTS = 512
"""How many patients are remembered, so that each is worked out once an episode."""


@dataclass(frozen=True, eq=False)
class Chart:
    """A patient, and what is believed of the harm of every regimen before anything is asked."""

    patient: Patient
    harm: Harm

    @cached_property
    def optimum(self) -> Optimum:
        """The best plans by that harm."""
        return Optimum(self.harm)


class Charts:
    """Charts by patient.

    Parameters
    ----------
    tables : Tables
    harm_of : function of a patient and tables
        What is believed of the harm before anything is asked.
    """

    def __init__(self, tables: Tables, harm_of: Callable[[Patient, Tables], Harm] = harm_without_interactions) -> None:
        self.tables = tables
        self._harm_of = harm_of
        self._known: dict[tuple[object, ...], Chart] = {}

    def chart(self, observation: ReviewObservation) -> Chart:
        """The chart of an observation's patient."""
        o = observation
        taken = tuple((m.first_drug, m.first_dose, m.days, m.condition, m.role) for m in o.medications)
        key = (o.age, o.sex, o.weight_kg, o.height_cm, o.creatinine_mg_dl, o.liver, o.conditions, taken)
        if key not in self._known:
            if len(self._known) >= MOST_PATIENTS:
                self._known.clear()
            patient = patient_shown(observation)
            self._known[key] = Chart(patient, self._harm_of(patient, self.tables))
        return self._known[key]

    def state(self, observation: ReviewObservation) -> ReviewState:
        """The state that is shown, with the harm believed in before anything is asked."""
        return state_shown(observation, self.chart(observation).harm)


def found(observation: ReviewObservation) -> dict[Pair, FloatArray]:
    """What every pair that was asked about does, by what is done about the two in alphabetical order, shape (4, 4)."""
    return {pair_of(query.drug_id_1, query.drug_id_2): left_of(query) for query in observation.queries}


def left_of(query: QueryResult) -> FloatArray:
    """What the pair of an answer does, by what is done about the two in alphabetical order, shape (4, 4)."""
    a, b = pair_of(query.drug_id_1, query.drug_id_2)
    left = np.zeros((4, 4))
    for finding in query.findings:
        helps = (a in finding.reducing_helps, b in finding.reducing_helps)
        left = np.maximum(left, remaining(SEVERITY[finding.severity], finding.monitoring_helps, *helps))
    return left


def between(harm: Harm, pairs: Mapping[Pair, FloatArray], others: FloatArray | None = None) -> FloatArray:
    """What pairs do as an array over the drugs of `harm`, shape (d, d, 4, 4); the rest as in `others`, or nothing."""
    number = {drug: i for i, drug in enumerate(harm.drugs)}
    made = np.zeros((len(number), len(number), 4, 4)) if others is None else others.copy()
    for (a, b), left in pairs.items():
        i, j = number[a], number[b]
        made[i, j], made[j, i] = left, left.T
    return made
