"""What is seen of a patient at a visit, and the chart that a sequence of such observations amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.core.environment import Observation
from harness.envs.anticoagulation.warfarin.actions import DAYS_OF_WEEK, MaintenanceAction, WarfarinAction
from harness.envs.anticoagulation.warfarin.clinic import Chart, Course
from harness.envs.anticoagulation.warfarin.patients import CYP2C9_NAMES, VKORC1_NAMES, Covariates

SHOWN = 8
"""Earlier visits that an observation lists, the latest ones."""

Cyp2c9 = Literal["*1/*1", "*1/*2", "*1/*3", "*2/*2", "*2/*3", "*3/*3"]
Vkorc1 = Literal["GG", "GA", "AA"]


class EarlierVisit(BaseModel):
    """What was found and ordered at an earlier visit."""

    model_config = ConfigDict(frozen=True)

    day: int = Field(description="days since the first visit")
    inr: float = Field(description="INR measured then")
    weekly_dose: float = Field(description="warfarin ordered then, mg a week")
    hold_days: int = Field(description="days without warfarin ordered before it")


class WarfarinObservation(Observation):
    """What is known of a patient at a visit."""

    age: int = Field(description="years")
    sex: Literal["female", "male"]
    height: int = Field(description="cm")
    weight: int = Field(description="kg")
    amiodarone: bool = Field(description="whether the patient takes amiodarone, which slows the clearance of warfarin")
    cyp2c9: Cyp2c9 | None = Field(description="CYP2C9 genotype; None: not known")
    vkorc1: Vkorc1 | None = Field(description="VKORC1 -1639 genotype; None: not known")
    day: int = Field(description="days since the first visit, which is day 0")
    days_left: int = Field(description="days until the end of the episode")
    inr: float = Field(description="INR measured today")
    weekly_dose: float = Field(description="warfarin up to now, mg a week; 0 before the first dose")
    visits: tuple[EarlierVisit, ...] = Field(description=f"the latest {SHOWN} earlier visits, oldest first")
    missed_days: tuple[int, ...] = Field(description="days since the last visit on which the patient missed the dose")


def observed(course: Course) -> WarfarinObservation:
    """What is seen of the one patient of a course, today."""
    chart = course.chart(np.array([0]))
    who, day = chart.covariates, chart.day
    before = np.flatnonzero(~np.isnan(chart.inr[0, :day]))
    begins = int(before[-1] + chart.held[0, before[-1]]) if len(before) else 0
    return WarfarinObservation(
        age=int(who.age[0]),
        sex="female" if who.female[0] else "male",
        height=int(who.height[0]),
        weight=int(who.weight[0]),
        amiodarone=bool(who.amiodarone[0]),
        cyp2c9=None if who.cyp2c9[0] < 0 else CYP2C9_NAMES[who.cyp2c9[0]],
        vkorc1=None if who.vkorc1[0] < 0 else VKORC1_NAMES[who.vkorc1[0]],
        day=day,
        days_left=chart.length - day,
        inr=float(chart.inr[0, day]),
        weekly_dose=float(chart.weekly[0]),
        visits=tuple(
            EarlierVisit(
                day=int(d),
                inr=float(chart.inr[0, d]),
                weekly_dose=float(course.ordered[0, d]),
                hold_days=int(chart.held[0, d]),
            )
            for d in before[-SHOWN:]
        ),
        missed_days=tuple(int(d) for d in range(begins, day) if chart.taken[0, d] == 0),
    )


def chart_of(
    observation: WarfarinObservation,
    history: Sequence[tuple[WarfarinObservation, WarfarinAction | MaintenanceAction]],
) -> Chart:
    """The chart of one patient, from what is seen today and what was seen and ordered before."""
    seen = [*(before for before, _ in history), observation]
    day = observation.day
    inr, held, taken = np.full(day + 1, np.nan), np.zeros(day + 1, dtype=np.int64), np.zeros(day)
    for now in seen:
        inr[now.day] = now.inr
    for (then, action), after in zip(history, seen[1:], strict=True):
        held[then.day] = action.hold_days
        for d in range(then.day + action.hold_days, after.day):
            taken[d] = 0.0 if d in after.missed_days else after.weekly_dose / DAYS_OF_WEEK
    return Chart(
        covariates=_covariates(observation),
        day=day,
        length=day + observation.days_left,
        weekly=np.array([observation.weekly_dose]),
        inr=inr[None, :],
        taken=taken[None, :],
        held=held[None, :],
        settled=seen[0].weekly_dose > 0,
    )


def _covariates(observation: WarfarinObservation) -> Covariates:
    cyp2c9 = -1 if observation.cyp2c9 is None else CYP2C9_NAMES.index(observation.cyp2c9)
    vkorc1 = -1 if observation.vkorc1 is None else VKORC1_NAMES.index(observation.vkorc1)
    return Covariates(
        age=np.array([float(observation.age)]),
        height=np.array([float(observation.height)]),
        weight=np.array([float(observation.weight)]),
        female=np.array([observation.sex == "female"]),
        amiodarone=np.array([observation.amiodarone]),
        cyp2c9=np.array([cyp2c9]),
        vkorc1=np.array([vkorc1]),
    )
