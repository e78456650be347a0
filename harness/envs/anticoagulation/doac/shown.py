"""What is seen of a patient at a visit, and the arrays that such an observation amounts to."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.core.environment import Observation
from harness.envs.anticoagulation.bleeding import Site, severity
from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import events
from harness.envs.anticoagulation.doac.actions import DrugName
from harness.envs.anticoagulation.doac.course import Course
from harness.envs.anticoagulation.doac.optimum import State
from harness.envs.anticoagulation.doac.patients import CREATININE, DETAILS, EVENTS, Patients
from harness.envs.anticoagulation.doac.status import COMEDICATIONS, Status
from harness.mdp.tabular import FloatArray

OtherDrug = Literal[
    "none", "aspirin", "naproxen", "verapamil", "dronedarone", "amiodarone", "ketoconazole", "clarithromycin",
    "rifampicin", "carbamazepine",
]  # fmt: skip
BLEEDING = ("none", "earlier", "active")


class ShownBleeding(BaseModel):
    """A bleeding since the last visit."""

    model_config = ConfigDict(frozen=True)

    site: Site = Field(description="where it bled")
    haemoglobin_fall: float = Field(description="g/L")
    units: int = Field(description="units of red cells transfused")
    severity: str = Field(description="by the ISTH's definitions: major, or clinically relevant non-major")


class DoacObservation(Observation):
    """What is known of a patient with atrial fibrillation at a visit."""

    quarter: int = Field(description="visits before this one; visits are three months apart")
    quarters_left: int = Field(description="quarters until the end of the episode")
    age: int = Field(description="years")
    sex: Literal["female", "male"]
    weight: float = Field(description="kg")
    losing_weight: bool = Field(description="whether the patient steadily loses about 2 kg a year")
    creatinine: float = Field(description="in serum, mg/dL")
    acute_kidney_injury: bool = Field(description="whether creatinine is raised by acute kidney injury")
    chronic_kidney_disease: bool = Field(description="whether clearance was below 60 mL/min at the first visit")
    crcl: float | None = Field(description="creatinine clearance by Cockcroft and Gault, mL/min; None: to be computed")
    systolic: int = Field(description="systolic blood pressure, mmHg")
    heart_failure: bool
    hypertension: bool = Field(description="history of hypertension")
    diabetes: bool
    vascular_disease: bool = Field(description="myocardial infarction, peripheral artery disease or aortic plaque")
    stroke: bool = Field(description="any stroke, TIA or systemic embolism so far")
    alcohol: bool = Field(description="8 or more drinks a week")
    liver_disease: Literal["none", "moderate", "severe"] = Field(description="Child-Pugh B is moderate, C severe")
    valve: Literal["none", "mitral stenosis", "mechanical"] = Field(
        description="moderate or severe mitral stenosis, or a mechanical heart valve"
    )
    labile_inr: bool = Field(description="whether INRs are, or were, in range less than 60 % of the time on warfarin")
    other_drug: OtherDrug = Field(description="the other drug that may matter")
    bleeding: Literal["none", "earlier", "active"] = Field(
        description="major bleedings: none so far, an earlier one, or one that has not stopped yet"
    )
    procedure: Literal["none", "low", "high"] = Field(
        description="procedure planned before the next visit, by its risk of bleeding"
    )
    cha2ds2_vasc: int | None = Field(description="CHA2DS2-VASc, 0 to 9; None: to be computed")
    has_bled: int | None = Field(description="HAS-BLED without labile INRs, 0 to 8; None: to be computed")
    drug: DrugName = Field(description="anticoagulant that the patient takes up to now, as in an action")
    new_stroke: bool = Field(description="whether there was a stroke or embolism since the last visit")
    new_bleedings: tuple[ShownBleeding, ...] = Field(description="bleedings since the last visit")


def observed(course: Course, *, computed: bool) -> DoacObservation:
    """What is seen of the one patient of a course; with `computed` clearance and scores too."""
    status, t = course.status, course.quarter
    return DoacObservation(
        quarter=t,
        quarters_left=course.patients.quarters - t,
        age=int(status.age[0]),
        sex="female" if status.female[0] else "male",
        weight=float(status.weight[0]),
        losing_weight=bool(course.patients.losing_weight[0]),
        creatinine=float(status.creatinine[0]),
        acute_kidney_injury=bool(course.injured[0]),
        chronic_kidney_disease=bool(course.patients.kidney_disease[0]),
        crcl=float(status.crcl[0]) if computed else None,
        systolic=int(status.systolic[0]),
        heart_failure=bool(status.heart_failure[0]),
        hypertension=bool(status.hypertension[0]),
        diabetes=bool(status.diabetes[0]),
        vascular_disease=bool(status.vascular_disease[0]),
        stroke=bool(status.stroke[0]),
        alcohol=bool(status.alcohol[0]),
        liver_disease=c.LIVER[status.liver[0]],
        valve=c.VALVES[status.valve[0]],
        labile_inr=bool(status.labile_inr[0]),
        other_drug=COMEDICATIONS[status.comedication[0]],
        bleeding=BLEEDING[status.bleeding[0]],
        procedure=c.PROCEDURES[status.procedure[0]],
        cha2ds2_vasc=int(status.cha2ds2_vasc[0]) if computed else None,
        has_bled=int(status.has_bled[0]) if computed else None,
        drug=c.DRUGS[course.drug[0]],
        new_stroke=bool(t > 0 and course.strokes[0, t - 1]),
        new_bleedings=_bleedings(course),
    )


def _bleedings(course: Course) -> tuple[ShownBleeding, ...]:
    t = course.quarter - 1
    if t < 0:
        return ()
    u, found = course.patients.bleeding[0, t], []
    if course.bleedings[0, t]:
        found.append(events.major(u, c.DRUGS[course.drug[0]]))
    if course.non_major[0, t]:
        found.append(events.non_major(u))
    return tuple(
        ShownBleeding(
            site=event.site,
            haemoglobin_fall=event.haemoglobin_fall,
            units=event.units,
            severity=str(severity(event)),
        )
        for event in found
    )


def status_of(seen: DoacObservation) -> Status:
    """The arrays of one patient, shape (1,), from an observation."""

    def number(value: float) -> FloatArray:
        return np.array([float(value)])

    def place(names: tuple[str, ...], name: str) -> int:
        return names.index(name)

    return Status(
        age=number(seen.age),
        weight=number(seen.weight),
        creatinine=number(seen.creatinine),
        systolic=number(seen.systolic),
        female=np.array([seen.sex == "female"]),
        heart_failure=np.array([seen.heart_failure]),
        hypertension=np.array([seen.hypertension]),
        diabetes=np.array([seen.diabetes]),
        vascular_disease=np.array([seen.vascular_disease]),
        alcohol=np.array([seen.alcohol]),
        labile_inr=np.array([seen.labile_inr]),
        stroke=np.array([seen.stroke]),
        liver=np.array([place(c.LIVER, seen.liver_disease)]),
        valve=np.array([place(c.VALVES, seen.valve)]),
        comedication=np.array([place(COMEDICATIONS, seen.other_drug)]),
        procedure=np.array([place(c.PROCEDURES, seen.procedure)]),
        bleeding=np.array([place(BLEEDING, seen.bleeding)]),
    )


def drug_of(seen: DoacObservation) -> int:
    """What is taken, a place in `DRUGS`."""
    return c.DRUGS.index(seen.drug)


def patients_of(first: DoacObservation) -> Patients:
    """The patient of a first visit as far as shown: no random number is known, all of them are 0."""
    quarters = first.quarters_left
    nothing = np.zeros((1, quarters))
    status = status_of(first)
    return Patients(
        status,
        np.array([_level(first)]),
        np.array([first.chronic_kidney_disease]),
        np.array([first.losing_weight]),
        np.array([drug_of(first)]),
        nothing,
        nothing,
        nothing,
        np.zeros((1, quarters, EVENTS)),
        np.zeros((1, quarters, DETAILS)),
    )


def state_shown(first: DoacObservation, now: DoacObservation) -> State:
    """Where a patient is, from what was shown at the first visit and now."""
    status = status_of(now)
    return State(
        now.quarter,
        _level(now) - _level(first),
        int(now.acute_kidney_injury),
        int(status.comedication[0]),
        int(status.bleeding[0]),
        int(status.stroke[0]),
        int(status.procedure[0]),
        drug_of(now),
    )


def _level(seen: DoacObservation) -> int:
    level = int(np.flatnonzero(seen.creatinine == CREATININE)[0])
    return level - c.INJURY_LEVELS * seen.acute_kidney_injury
