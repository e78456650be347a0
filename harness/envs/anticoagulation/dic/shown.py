"""What is seen of a patient at a decision, and the chart of one patient that this is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.core.environment import Observation
from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.actions import Drug
from harness.envs.anticoagulation.dic.course import Chart

SHOWN = 4
"""Earlier results that an observation lists, the latest ones: a day."""

Cause = Literal["sepsis", "trauma", "obstetric", "leukaemia", "cancer"]


class EarlierResults(BaseModel):
    """What was known at an earlier decision."""

    model_config = ConfigDict(frozen=True)

    hours: int = Field(description="hours since arrival")
    bleeding: bool
    platelets: int = Field(description="10^9/L")
    pt: float = Field(description="prothrombin time, seconds")
    fibrinogen: float = Field(description="g/L")
    d_dimer: float = Field(description="mg/L fibrinogen-equivalent units")


class DicObservation(Observation):
    """What is known of a patient at a decision; laboratory values were drawn an hour before."""

    hours: int = Field(description="hours since arrival")
    hours_left: int = Field(description="hours until the end of the episode")
    cause: Cause = Field(description="what causes the DIC; leukaemia: acute promyelocytic, cancer: a solid one")
    cause_treated: bool = Field(description="whether treatment of the cause has been ordered")
    bleeding: bool = Field(description="whether the patient bleeds seriously now")
    sofa: int = Field(description="organ failure by SOFA without its points for coagulation, 0 to 20")
    platelets: int = Field(description="10^9/L")
    pt: float = Field(description=f"prothrombin time, seconds; normal {c.PT_NORMAL:g}")
    fibrinogen: float = Field(description="g/L")
    d_dimer: float = Field(description=f"mg/L fibrinogen-equivalent units; normal up to {c.D_DIMER_LIMIT:g}")
    isth_score: int = Field(description="ISTH score of these values; 5 or more is overt DIC")
    component_volume: float = Field(description="litres of transfused components still in the circulation")
    doses_24h: int = Field(description="doses of components given in the last 24 hours")
    last_drug: Drug = Field(description="given in the last six hours")
    earlier: tuple[EarlierResults, ...] = Field(description=f"the latest {SHOWN} earlier decisions, oldest first")


def observed(chart: Chart, earlier: Sequence[DicObservation] = ()) -> DicObservation:
    """What is seen of the one patient of a chart, after earlier observations."""
    return DicObservation(
        hours=chart.hours,
        hours_left=round(c.STEPS * c.STEP_HOURS) - chart.hours,
        cause=c.CAUSES[chart.cause[0]],
        cause_treated=bool(chart.treated[0]),
        bleeding=bool(chart.bleeding[0]),
        sofa=int(chart.sofa[0]),
        platelets=int(chart.platelets[0]),
        pt=float(chart.pt[0]),
        fibrinogen=float(chart.fibrinogen[0]),
        d_dimer=float(chart.d_dimer[0]),
        isth_score=int(chart.isth[0]),
        component_volume=float(chart.volume[0]),
        doses_24h=int(chart.doses[0]),
        last_drug=c.DRUGS[chart.drug[0]],
        earlier=tuple(map(_results, earlier[-SHOWN:])),
    )


def _results(seen: DicObservation) -> EarlierResults:
    return EarlierResults(**seen.model_dump(include=set(EarlierResults.model_fields)))


def chart_of(seen: DicObservation) -> Chart:
    """The chart of one patient, from what is seen."""
    return Chart(
        hours=seen.hours,
        cause=np.array([c.CAUSES.index(seen.cause)]),
        bleeding=np.array([seen.bleeding]),
        treated=np.array([seen.cause_treated]),
        sofa=np.array([seen.sofa]),
        platelets=np.array([float(seen.platelets)]),
        pt=np.array([seen.pt]),
        fibrinogen=np.array([seen.fibrinogen]),
        d_dimer=np.array([seen.d_dimer]),
        volume=np.array([seen.component_volume]),
        doses=np.array([seen.doses_24h]),
        drug=np.array([c.DRUGS.index(seen.last_drug)]),
    )
