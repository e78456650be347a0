"""A patient from a seed, for a task."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.core.errors import HarnessError
from harness.core.seeds import stream
from harness.envs.kidneys import cockcroft_gault
from harness.envs.polypharmacy import body, diseases, prescribing
from harness.envs.polypharmacy.chart import Liver, Patient, Prescription, Sex
from harness.envs.polypharmacy.criteria import criteria_met
from harness.envs.polypharmacy.mishaps import with_severe_pair
from harness.envs.polypharmacy.prescribing import habits_of
from harness.envs.polypharmacy.rows import SEVERE
from harness.envs.polypharmacy.tables import Tables, load

__all__ = ["BUDGETED", "COMPLEX", "EASY", "TASKS", "Liver", "Patient", "Prescription", "Sex", "Task", "patient"]

TRIES = 2_000
"""Draws of a patient; between 2 and 7 are needed in the mean."""


class Task(BaseModel):
    """How many drugs a task's patients take, what is wrong with them at least, and what a review may spend.

    Sizes and budgets are the original's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fewest_drugs: int
    most_drugs: int
    queries: int
    interventions: int
    steps: int
    severe_pairs: int = Field(description="at least so many pairs are severe or contraindicated")
    criteria: int = Field(description="at least so many Beers criteria are met")
    needless: int = Field(description="at least so many drugs are taken for no condition")
    critical: bool = Field(description="whether a drug is taken whose abrupt loss is dangerous")
    burden: float = Field(description="added to the log odds of every condition, so that enough drugs are needed")


EASY = Task(
    name="easy-screening",
    fewest_drugs=3,
    most_drugs=5,
    queries=4,
    interventions=2,
    steps=10,
    severe_pairs=1,
    criteria=0,
    needless=0,
    critical=False,
    burden=-0.35,
)
BUDGETED = Task(
    name="budgeted-screening",
    fewest_drugs=6,
    most_drugs=10,
    queries=8,
    interventions=3,
    steps=20,
    severe_pairs=1,
    criteria=1,
    needless=0,
    critical=False,
    burden=0.45,
)
COMPLEX = Task(
    name="complex-tradeoff",
    fewest_drugs=10,
    most_drugs=15,
    queries=12,
    interventions=5,
    steps=30,
    severe_pairs=2,
    criteria=2,
    needless=1,
    critical=True,
    burden=1.1,
)
TASKS: Mapping[str, Task] = {task.name: task for task in (EASY, BUDGETED, COMPLEX)}


def patient(seed: int, task: Task, tables: Tables | None = None) -> Patient:
    """The patient that belongs to a seed in a task.

    Age, sex, size and liver depend on the seed alone. Conditions, kidneys and drugs are then drawn until there are as
    many drugs as the task asks for. Where severe interactions are lacking, a drug is replaced by another for the same
    reason (see `mishaps`); where the task's problems cannot be had that way, everything is drawn again.

    Raises
    ------
    UsageError
        If the seed is negative.
    HarnessError
        If no such patient was found, which can only be with other tables than the packaged ones.
    """
    tables = load() if tables is None else tables
    mishaps = stream(seed, "polypharmacy mishaps")
    for found in itertools.islice(draws(seed, task.burden, tables), TRIES):
        if task.fewest_drugs <= len(found.medications) <= task.most_drugs:
            troubled = _troubled(mishaps, found, task, tables)
            if has_problems(troubled, task, tables):
                return troubled
    raise HarnessError(
        f"No patient for task '{task.name}' was found in {TRIES} draws; the tables hold too few problems."
    )


def draws(seed: int, burden: float, tables: Tables) -> Iterator[Patient]:
    """One person of 65 or more with new conditions, kidneys and drugs at every draw, whatever they come to.

    Each of these, and the person, is drawn from a stream of its own.
    """
    person = body.draw(stream(seed, "polypharmacy body"))
    diseased = stream(seed, "polypharmacy diseases")
    kidney = stream(seed, "polypharmacy kidney")
    prescribers = stream(seed, "polypharmacy prescribing")
    while True:
        conditions = diseases.draw(diseased, person, tables, burden)
        creatinine = body.draw_creatinine(kidney, person, "ckd" in conditions)
        clearance = round(float(cockcroft_gault(person.age, person.sex == "f", person.weight_kg, creatinine)), 1)
        yield Patient.model_construct(
            seed=seed,
            **person._asdict(),
            conditions=conditions,
            creatinine_mg_dl=creatinine,
            crcl_ml_min=clearance,
            medications=tuple(prescribing.accumulate(prescribers, conditions, clearance, person.liver, tables)),
        )


def _troubled(rng: np.random.Generator, patient: Patient, task: Task, tables: Tables) -> Patient:
    for _ in range(task.severe_pairs - len(severe_pairs(patient, tables))):
        patient = with_severe_pair(rng, patient, tables) or patient
    return patient


def severe_pairs(patient: Patient, tables: Tables) -> Sequence[tuple[str, str]]:
    """The pairs of a patient's drugs that are severe or contraindicated in this patient."""
    feared = habits_of(tables).severe  # in some patient, if not in this one
    return [
        pair
        for pair in itertools.combinations(sorted(taken.drug for taken in patient.medications), 2)
        if pair in feared and any(rule.severity in SEVERE for rule in tables.rules(*pair, patient.conditions))
    ]


def has_problems(patient: Patient, task: Task, tables: Tables) -> bool:
    """Whether everything is wrong with a patient that the task asks for."""
    if task.critical and not any(tables.drugs[taken.drug].critical for taken in patient.medications):
        return False
    if sum(taken.reason is None for taken in patient.medications) < task.needless:
        return False
    if len(severe_pairs(patient, tables)) < task.severe_pairs:
        return False
    return task.criteria == 0 or len(criteria_met(patient, patient.medications, tables)) >= task.criteria
