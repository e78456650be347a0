"""Bleedings classified by hand: each criterion alone, and just short of it."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.envs.anticoagulation.bleeding import CRITICAL, Bleeding, Severity, Site, severity

MAJOR, RELEVANT, MINOR = Severity.MAJOR, Severity.CLINICALLY_RELEVANT, Severity.MINOR


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Bleeding(Site.SKIN), MINOR),
        (Bleeding(Site.NOSE, intervention=True), RELEVANT),
        (Bleeding(Site.NOSE, more_care=True), RELEVANT),
        (Bleeding(Site.UROGENITAL, seen_face_to_face=True), RELEVANT),
        (Bleeding(Site.GASTROINTESTINAL, haemoglobin_fall=19.9, seen_face_to_face=True), RELEVANT),
        (Bleeding(Site.GASTROINTESTINAL, haemoglobin_fall=20.0), MAJOR),
        (Bleeding(Site.GASTROINTESTINAL, units=1), MINOR),
        (Bleeding(Site.GASTROINTESTINAL, units=2), MAJOR),
        (Bleeding(Site.OTHER, fatal=True), MAJOR),
        (Bleeding(Site.INTRACRANIAL), MAJOR),
        (Bleeding(Site.INTRACRANIAL, symptomatic=False), MINOR),
        (Bleeding(Site.INTRACRANIAL, symptomatic=False, more_care=True), RELEVANT),
        (Bleeding(Site.INTRAMUSCULAR), MINOR),
        (Bleeding(Site.INTRAMUSCULAR, compartment_syndrome=True), MAJOR),
        (Bleeding(Site.OTHER, overt=False, haemoglobin_fall=30.0), None),
    ],
)
def test_a_bleeding_counts_as_the_definitions_say(event, expected):
    assert severity(event) is expected


def test_every_critical_area_is_major_when_symptomatic():
    assert {site for site in Site if severity(Bleeding(site)) is MAJOR} == CRITICAL
    assert len(CRITICAL) == 6


@pytest.mark.parametrize("changes", [{"haemoglobin_fall": -1.0}, {"haemoglobin_fall": float("nan")}, {"units": -2}])
def test_what_is_no_amount_is_refused(changes):
    with pytest.raises(UsageError, match="expected numbers from 0 up"):
        severity(Bleeding(Site.SKIN, **changes))
