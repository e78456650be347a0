"""What can be ordered at a visit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.core.environment import Action
from harness.envs.anticoagulation.doac import constants as c

DrugName = Literal[
    "none", "warfarin", "apixaban_5", "apixaban_2.5", "apixaban_10", "rivaroxaban_20", "rivaroxaban_15",
    "dabigatran_150", "dabigatran_110", "dabigatran_75", "edoxaban_60", "edoxaban_30",
]  # fmt: skip


class DoacAction(Action):
    """The anticoagulant until the next visit, in three months."""

    drug: DrugName = Field(
        description="none, warfarin (by its INR), or a direct oral anticoagulant with its single dose in mg: apixaban "
        "and dabigatran are taken twice a day, rivaroxaban and edoxaban once"
    )
    hold_days: int = Field(
        alias="hold",
        ge=0,
        le=c.LONGEST_HOLD,
        description="days that the drug is left out before the planned procedure; means nothing without one",
    )


def action_of(drug: int, hold: int) -> DoacAction:
    """The action of a place in `DRUGS` and days left out."""
    return DoacAction.model_validate({"drug": c.DRUGS[drug], "hold_days": hold})
