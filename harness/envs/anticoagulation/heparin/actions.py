"""What can be ordered: the models that agents fill in, and what they mean in U/kg and hours."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from harness.core.environment import Action
from harness.envs.anticoagulation.heparin import constants as c
from harness.mdp.tabular import FloatArray

Rate = Literal[
    "stop", "set_8", "set_10", "set_12", "set_14", "set_16", "set_18", "set_20", "set_24",
    "down_4", "down_3", "down_2", "down_1", "same", "up_1", "up_2", "up_3", "up_4",
]  # fmt: skip
Bolus = Literal["none", "40", "60", "80"]
Hold = Literal["none", "30_min", "60_min"]
Labs = Literal["none", "aptt", "anti_xa", "both"]

SETS: dict[str, int] = {f"set_{rate}": rate for rate in c.SETS}
CHANGES: dict[str, int] = {
    "same" if step == 0 else f"{'up' if step > 0 else 'down'}_{abs(step)}": step for step in c.CHANGES
}
BOLUSES: dict[str, int] = {"none" if dose == 0 else str(dose): dose for dose in c.BOLUSES}
HOLDS: dict[str, float] = {"none" if minutes == 0 else f"{minutes}_min": minutes / 60 for minutes in c.HOLDS}
STOP = "stop"


class HeparinAction(Action):
    """The infusion from now on."""

    rate: Rate = Field(
        description="set_8 to set_24: begin at so many U/kg/h, where nothing runs; down_4 to up_4: change the running "
        "rate by so many U/kg/h; same: keep it; stop: no infusion"
    )
    bolus: Bolus = Field(description="heparin given at once, U/kg")
    hold: Hold = Field(description="how long the infusion pauses before the new rate begins")


class HeparinLabsAction(HeparinAction):
    """The infusion from now on, and what is drawn now."""

    labs: Labs = Field(description="blood drawn now: aptt, anti_xa, both or none; the result comes later")


def new_rate(word: str, rate: float) -> float:
    """The rate (U/kg/h) that a word of an action means where `rate` runs."""
    if word == STOP:
        return 0.0
    return float(SETS[word]) if word in SETS else float(np.clip(rate + CHANGES[word], 0.0, c.MOST))


def orderable(wanted: FloatArray, rate: FloatArray) -> FloatArray:
    """The rates that can be ordered and come nearest to those wanted, U/kg/h, where `rate` runs; of two the lower.

    Protocols in units per hour are rounded to it.
    """
    begun = np.array((0, *c.SETS), dtype=np.float64)
    first = begun[np.abs(np.asarray(wanted)[..., None] - begun).argmin(axis=-1)]
    change = np.clip(np.ceil(wanted - rate - 0.5), min(c.CHANGES), max(c.CHANGES))
    later = np.where(wanted <= 0, 0.0, np.clip(rate + change, 0.0, c.MOST))
    return np.where(rate == 0, first, later)


def rate_word(wanted: float, rate: float) -> str:
    """The word that orders a rate which can be ordered."""
    if wanted == 0:
        return STOP
    if rate == 0:
        return f"set_{wanted:g}"
    return next(word for word, step in CHANGES.items() if np.clip(rate + step, 0.0, c.MOST) == wanted)
