"""Between the package's normalised vectors and clinical units: `_get_obs` of each of its environments, turned round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from harness.core.environment import Observation
from harness.envs.hemosim.observations import Cyp2c9, Drug, Vkorc1

Vector = NDArray[np.float32]

NONE_YET = -1.0
"""What the package shows of a laboratory value that was never reported."""


@dataclass(frozen=True)
class Entry:
    """One entry of a vector: value = low + span * entry.

    Attributes
    ----------
    field : str
        What it is called in clinical units.
    low, span : float
    whole : bool
        It counts something.
    names : tuple of str
        It is a place in this list, of which `span` is the last.
    may_lack : bool
        `NONE_YET` means that there is none.
    """

    field: str
    low: float
    span: float
    whole: bool = False
    names: tuple[str, ...] = ()
    may_lack: bool = False

    def value(self, entry: float) -> float | int | str | None:
        """In clinical units."""
        if self.may_lack and entry == NONE_YET:
            return None
        found = self.low + self.span * entry
        if self.names:
            return self.names[round(found)]
        return round(found) if self.whole else found

    def entry(self, value: Any) -> float:
        """As the package has it."""
        if value is None:
            return NONE_YET
        number = self.names.index(value) if self.names else float(value)
        return (number - self.low) / self.span


def _named(field: str, choices: Any) -> Entry:
    names = get_args(choices)
    return Entry(field, 0.0, len(names) - 1, names=names)


WARFARIN = (
    Entry("inr", 0.0, 6.0),
    Entry("s_warfarin", 0.0, 5.0),
    Entry("r_warfarin", 0.0, 5.0),
    Entry("age", 20.0, 75.0),
    Entry("weight", 40.0, 110.0),
    _named("cyp2c9", Cyp2c9),
    _named("vkorc1", Vkorc1),
    Entry("day", 0.0, 90.0, whole=True),
)
HEPARIN = (
    Entry("aptt", 20.0, 180.0),
    Entry("heparin", 0.0, 1.0),
    Entry("weight", 40.0, 140.0),
    Entry("renal_function", 0.0, 1.0),
    Entry("platelets", 0.0, 400.0),
    Entry("hours", 0.0, 120.0),
)
HEPARIN_POMDP = (
    Entry("aptt", 20.0, 180.0, may_lack=True),
    Entry("aptt_hours", 0.0, 12.0),
    Entry("anti_xa", 0.0, 1.0, may_lack=True),
    Entry("anti_xa_hours", 0.0, 12.0),
    Entry("platelets", 0.0, 400.0, may_lack=True),
    Entry("platelets_hours", 0.0, 12.0),
    Entry("aptt_pending", 0.0, 1.0, whole=True),
    Entry("weight", 40.0, 140.0),
    Entry("renal_function", 0.0, 1.0),
    Entry("hours", 0.0, 120.0),
)
DOAC = (
    Entry("concentration", 0.0, 0.5),
    Entry("crcl", 0.0, 130.0),
    Entry("age", 40.0, 55.0),
    Entry("weight", 45.0, 105.0),
    Entry("cha2ds2_vasc", 0.0, 9.0, whole=True),
    Entry("has_bled", 0.0, 9.0, whole=True),
    Entry("day", 0.0, 365.0, whole=True),
    _named("drug", Drug),
)
DIC = (
    Entry("isth_score", 0.0, 8.0, whole=True),
    Entry("platelets", 0.0, 300.0),
    Entry("fibrinogen", 0.0, 400.0),
    Entry("pt", 10.0, 30.0),
    Entry("d_dimer", 0.0, 20.0),
    Entry("organ_function", 0.0, 1.0),
    Entry("hours", 0.0, 168.0),
    Entry("hemorrhage", 0.0, 1.0),
)


def in_units(entries: Sequence[Entry], vector: Vector) -> dict[str, Any]:
    """A vector of the package, shape (n,), by field in clinical units."""
    return {entry.field: entry.value(float(x)) for entry, x in zip(entries, vector, strict=True)}


def normalised(entries: Sequence[Entry], observation: Observation | Mapping[str, Any]) -> Vector:
    """The vector of the package again, shape (n,)."""
    values = observation if isinstance(observation, Mapping) else observation.model_dump()
    return np.array([entry.entry(values[entry.field]) for entry in entries], dtype=np.float32)
