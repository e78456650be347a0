"""What can be ordered at a visit: the models that agents fill in, and what they mean in mg and days."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from harness.core.environment import Action
from harness.envs.anticoagulation.warfarin import constants as c
from harness.mdp.tabular import FloatArray

DAYS_OF_WEEK = 7

Set = Literal["set_1.5", "set_2.5", "set_4", "set_5", "set_6", "set_7.5", "set_10"]
Change = Literal["down_20", "down_15", "down_10", "down_5", "same", "up_5", "up_10", "up_15", "up_20"]
Visit = Literal["3_days", "1_week", "2_weeks", "4_weeks"]

SETS: dict[str, float] = {f"set_{mg:g}": mg for mg in c.STARTING_DOSES}
CHANGES: dict[str, int] = {
    "same" if percent == 0 else f"{'up' if percent > 0 else 'down'}_{abs(percent)}": percent for percent in c.CHANGES
}
VISITS: dict[str, int] = dict(zip(("3_days", "1_week", "2_weeks", "4_weeks"), c.INTERVALS, strict=True))

_CHANGE_MEANING = "down_20 to up_20: the weekly dose is lowered or raised by so many percent; same: it is kept"
_HOLD = Field(
    alias="hold",
    ge=0,
    le=7,
    description="days from today on which no warfarin is taken before the new dose begins; 0: none is left out",
)
_VISIT = Field(alias="visit", description="when the patient comes back and the INR is measured again")


class MaintenanceAction(Action):
    """The dose until the next visit, and when that is."""

    dose: Change = Field(description=_CHANGE_MEANING)
    hold_days: int = _HOLD
    next_visit: Visit = _VISIT


class WarfarinAction(Action):
    """The dose until the next visit, and when that is."""

    dose: Literal[Set, Change] = Field(
        description="set_1.5 to set_10: so many mg a day, possible before day 7 of treatment and needed on day 0; "
        + _CHANGE_MEANING
    )
    hold_days: int = _HOLD
    next_visit: Visit = _VISIT


def new_weekly(weekly: FloatArray, percent: FloatArray | int) -> FloatArray:
    """Weekly doses (mg) after a change, rounded to half a small tablet."""
    return np.asarray(np.round(weekly * (1 + np.asarray(percent) / 100) / c.TABLET) * c.TABLET)


def weekly_mg(dose: str, weekly: float) -> float:
    """The weekly dose that a word of an action means for a patient who took `weekly` mg."""
    if dose in SETS:
        return SETS[dose] * DAYS_OF_WEEK
    return float(new_weekly(np.array(weekly), CHANGES[dose]))


def nearest(weekly: float, before: float, hold_days: float, visit_days: float, *, may_set: bool) -> WarfarinAction:
    """The action that comes nearest to what was ordered in mg and days; among equals the smallest change."""
    words = [*(SETS if may_set else ()), *(sorted(CHANGES, key=lambda w: abs(CHANGES[w])) if before > 0 else ())]
    dose = min(words, key=lambda word: abs(weekly_mg(word, before) - weekly))
    visit = min(VISITS, key=lambda word: abs(VISITS[word] - visit_days))
    return WarfarinAction(dose=dose, hold_days=int(np.clip(hold_days, 0, 7)), next_visit=visit)
