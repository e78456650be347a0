"""What a bleeding that came about is like: its site, what was lost, and what it counts as by the ISTH's definitions."""

from __future__ import annotations

from harness.envs.anticoagulation.bleeding import HAEMOGLOBIN_FALL, Bleeding, Site
from harness.envs.anticoagulation.doac import constants as c
from harness.mdp.tabular import FloatArray

ELSEWHERE = (Site.GASTROINTESTINAL, Site.GASTROINTESTINAL, Site.GASTROINTESTINAL, Site.UROGENITAL, Site.OTHER)
MOST_LOST, MOST_UNITS = 40.0, 4
"""Sites of major bleedings outside the skull; g/L that haemoglobin falls by more than the least, and units. Chosen:
more than half are gastrointestinal in all four trials."""

NON_MAJOR = (Site.NOSE, Site.NOSE, Site.SKIN, Site.GASTROINTESTINAL, Site.UROGENITAL)
LEAST_LOST = 10.0
"""The same of bleedings that are not major: a haemoglobin that falls by less than this, and no transfusion. Chosen."""


def major(u: FloatArray, drug: str) -> Bleeding:
    """A major bleeding on a drug; `u` has three uniform numbers."""
    share = c.INTRACRANIAL[drug.split("_")[0]]
    if u[0] < share:
        return Bleeding(Site.INTRACRANIAL, more_care=True, seen_face_to_face=True)
    site = ELSEWHERE[int((u[0] - share) / (1 - share) * len(ELSEWHERE))]
    fall = round(HAEMOGLOBIN_FALL + MOST_LOST * float(u[1]))
    units = int(u[2] * (MOST_UNITS + 1))
    return Bleeding(site, haemoglobin_fall=fall, units=units, more_care=True, seen_face_to_face=True)


def non_major(u: FloatArray) -> Bleeding:
    """A clinically relevant bleeding that is not major; `u` has three uniform numbers."""
    site = NON_MAJOR[int(u[0] * len(NON_MAJOR))]
    return Bleeding(site, haemoglobin_fall=round(LEAST_LOST * float(u[1])), intervention=True, seen_face_to_face=True)
