"""The same quantities in other units that clinicians use: one table, its factors computed from what they rest on.

A number keeps the decimals that it was shown with, as far as they say the same: converted back and rounded, it is the
number that was shown.

Sources: standard atomic weights, abridged (Prohaska et al., Pure Appl Chem 2022;94:573); mmHg, °F and lb by NIST
Special Publication 811 (2008), appendix B.8. Laboratories in the United States report mg/dL where others report mmol/L
or µmol/L; urea nitrogen in mg/dL is then urea in mmol/L, two nitrogens each.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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

AMBIGUOUS = ("L", "h", "min", "in")
"""Units that do not stand alone at the end of a name: they are more often the end of another unit, or a word."""

PARTS = ("per", "g", "mg", "ug", "mcg", "ng", "mmol", "umol", "nmol", "meq", "u", "iu", "units", "ml", "dl", "l", "kg")
"""A name that goes on like this before its unit has another unit, of which that is the end."""

ALSO_CALLED: Mapping[str, str] = {"bun": "urea nitrogen"}


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


def _of(substance: str) -> Conversion:
    """From mg/dL to mmol/L or µmol/L: 1 mg/dL is 10 mg/L."""
    millimolar = 10.0 / molar_mass(FORMULA[substance])
    micro = substance in MICROMOLAR
    return Conversion("mg/dL", "µmol/L" if micro else "mmol/L", millimolar * (1000.0 if micro else 1.0))


def conversion(unit: str, of: str | None = None) -> Conversion | None:
    """How a unit is converted, for a substance if it depends on that; None where no other is in use.

    >>> conversion("mg/dL", "creatinine").other, round(conversion("mg/dL", "creatinine").factor, 1)
    ('µmol/L', 88.4)
    """
    candidates = [*OF_ANYTHING, *([_of(of)] if of is not None and of in FORMULA else [])]
    return next((c for c in (*candidates, *(c.back for c in candidates)) if c.unit == unit), None)


def converted(shown: str, by: Conversion) -> str:
    """A number as it is shown, in the other unit, with as many decimals as it takes to say the same.

    Raises
    ------
    ValueError
        If the text is no plain number.

    >>> converted("0.47", Conversion("µg/kg/min", "µg/kg/h", 60.0))
    '28.2'
    """
    found = re.fullmatch(r"\s*[-+]?\d+(?:\.(\d+))?", shown)
    if found is None:
        raise ValueError(f"'{shown}' is no number that could stand in another unit")
    decimals = max(math.ceil(round(len(found[1] or "") - math.log10(by.factor), 9)), 0)
    value = round(by.factor * float(shown) + by.offset, decimals)
    return f"{value + 0.0:.{decimals}f}"


def of_features(features: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers whose names end with their unit ('lactate_mmol_per_l'), in the other unit and named for it.

    >>> of_features({"map_mmhg": 72, "lactate_mmol_per_l": 1.8, "age": 61, "creatinine_mg_dl": None})
    {'map_kpa': 9.6, 'lactate_mg_per_dl': 16.2, 'age': 61, 'creatinine_umol_l': None}
    """
    return dict(_of_feature(name, value) for name, value in features.items())


def _of_feature(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        return name, value
    for unit, written, style in _written():
        quantity = name[: -len(written) - 1]
        if not name.lower().endswith(f"_{written}") or quantity.lower().rpartition("_")[2] in PARTS:
            continue
        by = conversion(unit, _substance(quantity))
        if by is not None:
            return f"{quantity}_{_slug(by.other, style)}", None if value is None else _number(value, by)
    return name, value


def _number(value: float, by: Conversion) -> float:
    if "e" in str(value):  # too large or too small to be written plainly
        return by.factor * value + by.offset
    text = converted(str(value), by)
    return float(text) if "." in text else int(text)


def _substance(quantity: str) -> str | None:
    words = quantity.lower().replace("_", " ")
    names = {**{name: name for name in FORMULA}, **ALSO_CALLED}
    return next((names[name] for name in sorted(names, key=len, reverse=True) if name in words), None)


def _written() -> Iterator[tuple[str, str, str]]:
    """Every unit, how it is written at the end of a name, and in which style; the longest first."""
    units = {u for c in (*OF_ANYTHING, *map(_of, FORMULA)) for u in (c.unit, c.other)} - set(AMBIGUOUS)
    found = {(unit, _slug(unit, style), style) for unit in units for style in ("_per_", "_")}
    return iter(sorted(found, key=lambda f: (-len(f[1]), f)))


def _slug(unit: str, style: str) -> str:
    words = {"°C": "celsius", "°F": "fahrenheit"}
    return words.get(unit, unit.lower().replace("µ", "u").replace("/", style))
