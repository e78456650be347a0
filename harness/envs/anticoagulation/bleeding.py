"""What kind of bleeding an event was, by the definitions of the ISTH for patients who have not had surgery."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from harness.core.errors import UsageError

HAEMOGLOBIN_FALL = 20.0
"""Fall of haemoglobin from which a bleeding is major, g/L; the definition gives 1.24 mmol/L as the same."""

UNITS = 2
"""Units of whole blood or red cells from which a bleeding is major."""


class Site(StrEnum):
    """Where it bleeds."""

    INTRACRANIAL = "intracranial"
    INTRASPINAL = "intraspinal"
    INTRAOCULAR = "intraocular"
    RETROPERITONEAL = "retroperitoneal"
    INTRA_ARTICULAR = "intra-articular"
    PERICARDIAL = "pericardial"
    INTRAMUSCULAR = "intramuscular"
    GASTROINTESTINAL = "gastrointestinal"
    UROGENITAL = "urogenital"
    NOSE = "nose"
    SKIN = "skin"
    OTHER = "other"


CRITICAL = frozenset(
    {
        Site.INTRACRANIAL,
        Site.INTRASPINAL,
        Site.INTRAOCULAR,
        Site.RETROPERITONEAL,
        Site.INTRA_ARTICULAR,
        Site.PERICARDIAL,
    }
)
"""Critical areas; a muscle is one only with a compartment syndrome."""


class Severity(StrEnum):
    """What a bleeding counts as."""

    MAJOR = "major"
    CLINICALLY_RELEVANT = "clinically relevant non-major"
    MINOR = "minor"


@dataclass(frozen=True)
class Bleeding:
    """One event.

    Attributes
    ----------
    site : Site
    overt : bool
        Seen, or shown by imaging or at surgery; a fall of haemoglobin alone is no overt bleeding.
    symptomatic : bool
    fatal : bool
    compartment_syndrome : bool
    haemoglobin_fall : float
        g/L; 0 where there was none or none is known.
    units : int
        Whole blood or red cells transfused.
    intervention : bool
        A health professional treated it.
    more_care : bool
        It led to hospital, or to a higher level of care.
    seen_face_to_face : bool
        It led to an evaluation face to face, not only by telephone or in writing.
    """

    site: Site
    overt: bool = True
    symptomatic: bool = True
    fatal: bool = False
    compartment_syndrome: bool = False
    haemoglobin_fall: float = 0.0
    units: int = 0
    intervention: bool = False
    more_care: bool = False
    seen_face_to_face: bool = False


def severity(event: Bleeding) -> Severity | None:
    """What a bleeding counts as; None for one that is not overt.

    Major: fatal; or symptomatic in a critical area or organ; or with a fall of haemoglobin of 20 g/L or more, or two or
    more units transfused. Clinically relevant non-major: none of these, but a medical intervention, hospital or more
    care, or an evaluation face to face.

    Raises
    ------
    UsageError
        If the fall of haemoglobin or the units are negative or no number.

    References
    ----------
    Schulman S, Kearon C. Definition of major bleeding in clinical investigations of antihemostatic medicinal products
    in non-surgical patients. J Thromb Haemost 2005;3:692-694.

    Kaatz S, Ahmad D, Spyropoulos AC, Schulman S. Definition of clinically relevant non-major bleeding in studies of
    anticoagulants in atrial fibrillation and venous thromboembolic disease in non-surgical patients. J Thromb Haemost
    2015;13:2119-2126.

    Examples
    --------
    >>> severity(Bleeding(Site.GASTROINTESTINAL, haemoglobin_fall=20.0)).value
    'major'
    """
    if not (math.isfinite(event.haemoglobin_fall) and event.haemoglobin_fall >= 0 and event.units >= 0):
        raise UsageError(
            f"A bleeding has a fall of haemoglobin of {event.haemoglobin_fall:g} g/L and {event.units} units; expected "
            "numbers from 0 up, 0 where nothing is known."
        )
    if not event.overt:
        return None
    critical = event.site in CRITICAL or (event.site is Site.INTRAMUSCULAR and event.compartment_syndrome)
    lost = event.haemoglobin_fall >= HAEMOGLOBIN_FALL or event.units >= UNITS
    if event.fatal or (critical and event.symptomatic) or lost:
        return Severity.MAJOR
    if event.intervention or event.more_care or event.seen_face_to_face:
        return Severity.CLINICALLY_RELEVANT
    return Severity.MINOR
