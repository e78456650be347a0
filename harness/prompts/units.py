"""Numbers shown in other units that clinicians use (`harness.core.units` has the table).

A number keeps the decimals that it was shown with, as far as they say the same: converted back and rounded, it is the
number that was shown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.units import FORMULA, OF_ANYTHING, Conversion, conversion, of_substance

AMBIGUOUS = ("L", "h", "min", "in")
"""Units that do not stand alone at the end of a name: they are more often the end of another unit, or a word."""

PARTS = ("per", "g", "mg", "ug", "mcg", "ng", "mmol", "umol", "nmol", "meq", "u", "iu", "units", "ml", "dl", "l", "kg")
"""A name that goes on like this before its unit has another unit, of which that is the end."""

ALSO_CALLED: Mapping[str, str] = {"bun": "urea nitrogen"}


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
    units = {u for c in (*OF_ANYTHING, *map(of_substance, FORMULA)) for u in (c.unit, c.other)} - set(AMBIGUOUS)
    found = {(unit, _slug(unit, style), style) for unit in units for style in ("_per_", "_")}
    return iter(sorted(found, key=lambda f: (-len(f[1]), f)))


def _slug(unit: str, style: str) -> str:
    words = {"°C": "celsius", "°F": "fahrenheit"}
    return words.get(unit, unit.lower().replace("µ", "u").replace("/", style))
