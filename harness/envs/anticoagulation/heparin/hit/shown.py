"""What is seen of a patient on a day, what can be done, and the chart that an observation amounts to."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from harness.core.environment import Action, Observation
from harness.envs.anticoagulation.four_ts import OtherCause, Sequelae
from harness.envs.anticoagulation.heparin.hit.course import Chart, Therapy

Given = Literal["heparin", "stop", "alternative"]
Seen = Literal["none", "suspected", "confirmed"]
Causes = Literal["definite", "possible", "none"]


class HitAction(Action):
    """What is given until tomorrow."""

    therapy: Given = Field(
        description="heparin: go on, or begin again; alternative: no heparin but another anticoagulant, such as "
        "argatroban; stop: no anticoagulant"
    )


class HitObservation(Observation):
    """What is known of a patient on a day."""

    day: int = Field(description="days since the first day of heparin, which is day 0")
    days_left: int = Field(description="days until the end of the episode")
    platelets: tuple[int, ...] = Field(description="count of every day from day 0 to today, 10^9/L")
    therapies: tuple[Given, ...] = Field(description="what was given on every day before today")
    thrombosis: Seen = Field(description="a new thrombosis since day 0")
    other_causes: Causes = Field(description="another cause for a low count, such as sepsis or another drug")
    earlier_heparin: int | None = Field(description="days from the last heparin before to day 0; None: never")


def observed(chart: Chart, days: int) -> HitObservation:
    """What is seen of the one patient of a chart."""
    exposure = float(chart.exposure[0])
    return HitObservation(
        day=chart.day,
        days_left=days - chart.day,
        platelets=tuple(int(count) for count in chart.counts[:, 0]),
        therapies=tuple(word(Therapy(int(given))) for given in chart.therapy[:, 0]),
        thrombosis=("none", "suspected", "confirmed")[int(chart.sequelae[0])],
        other_causes=("definite", "possible", "none")[int(chart.other[0])],
        earlier_heparin=int(exposure) if np.isfinite(exposure) else None,
    )


def chart_of(observation: HitObservation) -> Chart:
    """The chart of one patient: an observation has all of it."""
    given = [Therapy[name.upper()] for name in observation.therapies]
    exposure = np.inf if observation.earlier_heparin is None else observation.earlier_heparin
    return Chart(
        day=observation.day,
        counts=np.array(observation.platelets)[:, None],
        therapy=np.array(given, dtype=np.int64).reshape(-1, 1),
        sequelae=np.array([Sequelae[observation.thrombosis.upper()]]),
        other=np.array([OtherCause[observation.other_causes.upper()]]),
        exposure=np.array([float(exposure)]),
    )


def word(therapy: Therapy) -> Given:
    """A therapy as actions and observations call it."""
    words: tuple[Given, ...] = ("heparin", "stop", "alternative")
    return words[therapy]
