"""What is shown of a review's state, and the state as far as somebody who is shown it can know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from harness.envs.polypharmacy.harm import Harm
from harness.envs.polypharmacy.interactions import reducible
from harness.envs.polypharmacy.patients import Patient, Prescription
from harness.envs.polypharmacy.problems import problems
from harness.envs.polypharmacy.review import Finding, Medication, Purpose, QueryResult, ReviewObservation
from harness.envs.polypharmacy.roles import filled_at_first, filled_by
from harness.envs.polypharmacy.rows import BeersKind, Severity
from harness.envs.polypharmacy.state import ReviewState, pair_of
from harness.envs.polypharmacy.tables import Tables

Kidneys = Literal["normal", "mild", "moderate", "severe", "failure"]

KIDNEYS: Sequence[tuple[float, Kidneys]] = ((90, "normal"), (60, "mild"), (30, "moderate"), (15, "severe"))
"""Least creatinine clearance (mL/min) of each category; below them all is failure (FDA, Guidance for Industry:
Pharmacokinetics in Patients with Impaired Renal Function, 2020, table 1)."""

BEERS_WORDS: Mapping[BeersKind, str] = {
    BeersKind.AVOID: "avoid",
    BeersKind.AVOID_IN_CONDITION: "avoid with {condition}",
    BeersKind.CAUTION: "caution",
    BeersKind.DOSE_ADJUST: "adjust the dose",
}


def kidneys(crcl_ml_min: float) -> Kidneys:
    """The category of a creatinine clearance."""
    return next((word for least, word in KIDNEYS if crcl_ml_min >= least), "failure")


def query_result(a: str, b: str, patient: Patient, tables: Tables) -> QueryResult:
    """What the database answers about two drugs of a patient."""
    findings = tuple(
        Finding(
            severity=rule.severity,
            mechanism=rule.mechanism,
            effect=rule.effect,
            management=rule.management,
            monitoring_helps=rule.monitor,
            reducing_helps=tuple(
                drug for drug, helps in zip((a, b), reducible(rule, a, b, tables), strict=True) if helps
            ),
        )
        for rule in tables.rules(a, b, patient.conditions)
    )
    worst = min((finding.severity for finding in findings), key=list(Severity).index, default="none")
    return QueryResult(drug_id_1=a, drug_id_2=b, severity=worst, findings=findings)


def first_observation(task: str, patient: Patient, state: ReviewState, tables: Tables) -> ReviewObservation:
    """What is shown before anything was done."""
    return ReviewObservation(
        task=task,
        age=patient.age,
        sex=patient.sex,
        height_cm=patient.height_cm,
        weight_kg=patient.weight_kg,
        conditions=patient.conditions,
        creatinine_mg_dl=patient.creatinine_mg_dl,
        crcl_ml_min=patient.crcl_ml_min,
        kidneys=kidneys(patient.crcl_ml_min),
        liver=patient.liver,
        medications=medications(patient, state, tables),
        queries_left=state.queries,
        interventions_left=state.interventions,
        steps_left=state.steps,
    )


def medications(patient: Patient, state: ReviewState, tables: Tables) -> tuple[Medication, ...]:
    """The list as it is now; of what was stopped, the drug and dose at the start."""
    return tuple(_medication(patient, state, place, tables) for place in range(len(state.regimen)))


def _medication(patient: Patient, state: ReviewState, place: int, tables: Tables) -> Medication:
    first, option = patient.medications[place], state.harm.options[state.regimen[place]]
    name = option.drug or first.drug
    drug = tables.drugs[name]
    condition, role = first.reason or (None, None)
    return Medication(
        drug=name,
        dose=option.dose or first.dose_mg,
        unit=drug.unit,
        usual_dose=drug.usual_mg,
        days=first.days,
        drug_classes=drug.classes,
        condition=condition,
        role=role,
        cascade_of=first.cascade_of,
        prescriber=first.prescriber,
        fills=tuple(
            Purpose(condition=condition, role=role, untreated=tables.conditions[condition].untreated)
            for condition, role in filled_by(name, place, filled_at_first(patient, tables), tables).items()
        ),
        substitutes=tuple(sorted(new for _, new in state.ways(place) if new is not None and new not in state.places)),
        critical=drug.critical,
        taper=drug.taper and option.drug == first.drug,
        flags=_flags(patient, state, place, tables),
        stopped=option.drug is None,
        reduced=option.reduced,
        monitored=option.monitored,
        first_drug=first.drug,
        first_dose=first.dose_mg,
    )


def _flags(patient: Patient, state: ReviewState, place: int, tables: Tables) -> tuple[str, ...]:
    """What is wrong with a drug, for want of another or together with others too."""
    harm, index, chosen = state.harm, state.regimen[place], np.asarray(state.regimen)
    option = harm.options[index]
    if option.drug is None:
        return ()  # nothing is wrong with what is not taken
    first = patient.medications[place]
    own = problems(option.drug, option.dose, first.days, patient, tables, new=option.drug != first.drug)
    met = [count.criterion for count in harm.counts if count.counted[index] and count.met(chosen)]
    met += [lifted.criterion for lifted in harm.lifted if lifted.met_by(index, chosen)]
    named = [problem.criterion for problem in own if problem.criterion is not None]
    others = tuple(problem.reason for problem in own if problem.criterion is None)
    return tuple(_beers(name, tables) for name in (*named, *met)) + others


def _beers(name: str, tables: Tables) -> str:
    criterion = tables.beers[name]
    return f"Beers {BEERS_WORDS[criterion.kind].format(condition=criterion.condition)}: {criterion.reason}"


# --------------------------------------------------------------------------- read back


def patient_shown(observation: ReviewObservation) -> Patient:
    """The patient at the start of a review, as any of its observations tells; the seed is not told."""
    return Patient(
        seed=0,
        age=observation.age,
        sex=observation.sex,
        height_cm=observation.height_cm,
        weight_kg=observation.weight_kg,
        conditions=observation.conditions,
        creatinine_mg_dl=observation.creatinine_mg_dl,
        crcl_ml_min=observation.crcl_ml_min,
        liver=observation.liver,
        medications=tuple(
            Prescription(
                drug=medication.first_drug,
                dose_mg=medication.first_dose,
                days=medication.days,
                reason=(medication.condition, medication.role) if medication.condition and medication.role else None,
                cascade_of=medication.cascade_of,
                prescriber=medication.prescriber,
            )
            for medication in observation.medications
        ),
    )


def state_shown(observation: ReviewObservation, harm: Harm) -> ReviewState:
    """The state that an observation shows, with the harm that somebody believes in."""
    index = {(o.place, o.drug, o.reduced, o.monitored): i for i, o in enumerate(harm.options)}
    return ReviewState(
        harm=harm,
        regimen=tuple(
            index[place, None if m.stopped else m.drug, m.reduced, m.monitored]
            for place, m in enumerate(observation.medications)
        ),
        asked=frozenset(pair_of(query.drug_id_1, query.drug_id_2) for query in observation.queries),
        queries=observation.queries_left,
        interventions=observation.interventions_left,
        steps=observation.steps_left,
        finished=observation.done,
    )
