"""What can be ordered: finite choices with names, which a model can be held to, of the package's spaces.

Continuous entries of its spaces are offered in steps: warfarin 0.5 mg, heparin 0.25 U/kg/h up to 3 and then 0.5 up to
30 (its space, 0 to 2,500 U/h, goes higher in patients below 83 kg).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from harness.core.environment import Action
from harness.envs.hemosim.observations import Drug

Milligrams = Literal[
    "0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5", "5.5", "6", "6.5", "7", "7.5",
    "8", "8.5", "9", "9.5", "10", "10.5", "11", "11.5", "12", "12.5", "13", "13.5", "14", "14.5", "15",
]  # fmt: skip
Rate = Literal[
    "0", "0.25", "0.5", "0.75", "1", "1.25", "1.5", "1.75", "2", "2.25", "2.5", "2.75", "3", "3.5", "4", "4.5", "5",
    "5.5", "6", "6.5", "7", "7.5", "8", "8.5", "9", "9.5", "10", "10.5", "11", "11.5", "12", "12.5", "13", "13.5",
    "14", "14.5", "15", "15.5", "16", "16.5", "17", "17.5", "18", "18.5", "19", "19.5", "20", "20.5", "21", "21.5",
    "22", "22.5", "23", "23.5", "24", "24.5", "25", "25.5", "26", "26.5", "27", "27.5", "28", "28.5", "29", "29.5",
    "30",
]  # fmt: skip
YesNo = Literal["no", "yes"]


def _written(value: Any) -> Any:
    """A number as the choices are written, where somebody gives one."""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


class WarfarinDose(Action):
    """Today's dose of warfarin."""

    dose_mg: Annotated[Milligrams, BeforeValidator(_written)] = Field(alias="mg", description="racemic warfarin, mg")


class HeparinOrder(Action):
    """Heparin for the next 6 hours."""

    rate: Annotated[Rate, BeforeValidator(_written)] = Field(
        description="infusion, U/kg/h; at most 2,500 U/h are given"
    )
    bolus: YesNo = Field(description="yes: 80 U/kg at once")


class HeparinLabOrder(HeparinOrder):
    """Heparin for the next 6 hours, and what is drawn at their end."""

    order_aptt: YesNo = Field(alias="aptt", description="yes: an aPTT is drawn; costs 0.1")
    order_anti_xa: YesNo = Field(alias="anti_xa", description="yes: anti-Xa is drawn; costs 0.2")
    order_platelets: YesNo = Field(alias="platelets", description="yes: platelets are counted; costs 0.1")


class DoacChoice(Action):
    """The drug and its dose for the next 30 days."""

    drug: Drug = Field(description="another one than the patient is on costs 5")
    dose: Literal["low", "standard", "high"] = Field(
        description="low: rivaroxaban 15, dabigatran 110, apixaban 2.5 mg; standard: 20, 150, 5 mg; high: the same as "
        "standard, with more bleeding"
    )


class DicTreatment(Action):
    """What is given over the next 4 hours."""

    platelets: Literal["none", "1_unit", "2_units", "4_units"] = Field(description="platelet concentrate")
    ffp: Literal["none", "2_units", "4_units", "6_units"] = Field(description="fresh frozen plasma")
    cryoprecipitate: Literal["none", "5_units", "10_units"] = Field(alias="cryo", description="cryoprecipitate")
    heparin: Literal["none", "low", "therapeutic"] = Field(description="500 and 1,000 U/h")
