"""The same quantities in other units that clinicians use: one table, its factors computed from what they rest on.

Sources: standard atomic weights, abridged (Prohaska et al., Pure Appl Chem 2022;94:573); mmHg, °F and lb by NIST
Special Publication 811 (2008), appendix B.8. Laboratories in the United States report mg/dL where others report mmol/L
or µmol/L; urea nitrogen in mg/dL is then urea in mmol/L, two nitrogens each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ATOMIC_WEIGHT: Mapping[str, float] = {
    "H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "Mg": 24.305, "P": 30.974, "Ca": 40.078
}  # fmt: skip
"""g/mol."""

FORMULA: Mapping[str, str] = {
    "glucose": "C6H12O6", "lactate": "C3H6O3", "creatinine": "C4H7N3O", "bilirubin": "C33H36N4O6", "urea": "CH4N2O",
    "urea nitrogen": "N2", "uric acid": "C5H4N4O3", "cholesterol": "C27H46O", "calcium": "Ca", "magnesium": "Mg",
    "phosphate": "P",
}  # fmt: skip
"""Of what a laboratory weighs; lactate as lactic acid, phosphate as phosphorus."""

MICROMOLAR = ("creatinine", "bilirubin", "uric acid")
"""Reported in µmol/L; the others in mmol/L."""


@dataclass(frozen=True)
class Conversion:
    """From one unit to another: `other = factor * value + offset`."""

    unit: str
    other: str
    factor: float
    offset: float = 0.0

    @property
    def back(self) -> Conversion:
        """From the other to the one."""
        return Conversion(self.other, self.unit, 1.0 / self.factor, -self.offset / self.factor)


OF_ANYTHING = (
    Conversion("mmHg", "kPa", 0.1333224),
    Conversion("°C", "°F", 1.8, 32.0),
    Conversion("kg", "lb", 1.0 / 0.45359237),
    Conversion("cm", "in", 1.0 / 2.54),
    Conversion("hours", "minutes", 60.0),
    Conversion("h", "min", 60.0),
    Conversion("mL", "L", 1.0 / 1000.0),
    Conversion("g/dL", "g/L", 10.0),
    Conversion("µg/kg/min", "µg/kg/h", 60.0),
    Conversion("mg/day", "mg/week", 7.0),
)
"""Whatever is measured. Vasopressors by the hour are in use too, e.g. in the Health Gym's data (Kuo et al., Sci Data
2022;9:693)."""


def molar_mass(formula: str) -> float:
    """Grams of a mole.

    >>> round(molar_mass("C6H12O6"), 2)
    180.16
    """
    return sum(ATOMIC_WEIGHT[element] * int(n or 1) for element, n in re.findall(r"([A-Z][a-z]?)(\d*)", formula))


def of_substance(substance: str) -> Conversion:
    """From mg/dL to mmol/L or µmol/L: 1 mg/dL is 10 mg/L."""
    millimolar = 10.0 / molar_mass(FORMULA[substance])
    micro = substance in MICROMOLAR
    return Conversion("mg/dL", "µmol/L" if micro else "mmol/L", millimolar * (1000.0 if micro else 1.0))


def conversion(unit: str, of: str | None = None) -> Conversion | None:
    """How a unit is converted, for a substance if it depends on that; None where no other is in use.

    >>> conversion("mg/dL", "creatinine").other, round(conversion("mg/dL", "creatinine").factor, 1)
    ('µmol/L', 88.4)
    """
    return next(iter(conversions(unit, of)), None)


def conversions(unit: str, of: str | None = None) -> list[Conversion]:
    """All ways in which a unit is converted, for a substance if it depends on that.

    >>> [c.other for c in conversions("mmHg")], [c.other for c in conversions("h")]
    (['kPa'], ['min'])
    """
    candidates = [*OF_ANYTHING, *([of_substance(of)] if of is not None and of in FORMULA else [])]
    return [c for c in (*candidates, *(c.back for c in candidates)) if c.unit == unit]
