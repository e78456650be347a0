"""Labels and guidelines: each rule on patients just inside and just outside of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac.policies import PREFERENCE, held, permitted
from harness.envs.anticoagulation.doac.rules import RULES, broken, label_drug, reasons
from harness.envs.anticoagulation.doac.status import COMEDICATIONS
from tests.envs.anticoagulation.doac.people import person, place


def names(status, drug, hold=0):
    return {rule.name for rule in reasons(status, place(drug), hold)}


def doses(status):
    return {c.MOLECULES[m]: c.DRUGS[drug] for m, drug in enumerate(label_drug(status)[0])}


@pytest.mark.parametrize(
    ("who", "drug"),
    [
        ({}, "apixaban_5"),
        ({"age": 80.0}, "apixaban_5"),
        ({"age": 80.0, "weight": 60.0}, "apixaban_2.5"),
        ({"age": 79.0, "weight": 60.0}, "apixaban_5"),
        ({"age": 80.0, "weight": 60.5, "creatinine": 1.49}, "apixaban_5"),
        ({"creatinine": 1.5, "weight": 60.0}, "apixaban_2.5"),
        ({"crcl": 12.0}, "apixaban_5"),
        ({"beside": "ketoconazole"}, "apixaban_2.5"),
        ({"beside": "clarithromycin"}, "apixaban_5"),
        ({"crcl": 50.1}, "rivaroxaban_20"),
        ({"crcl": 50.0}, "rivaroxaban_15"),
        ({"crcl": 30.1}, "dabigatran_150"),
        ({"crcl": 30.0}, "dabigatran_75"),
        ({"crcl": 40.0, "beside": "dronedarone"}, "dabigatran_75"),
        ({"crcl": 40.0, "beside": "verapamil"}, "dabigatran_150"),
        ({"crcl": 50.1}, "edoxaban_60"),
        ({"crcl": 50.0}, "edoxaban_30"),
    ],
)
def test_the_dose_is_the_labels(who, drug):
    status = person(**who)
    assert doses(status)[drug.split("_")[0]] == drug
    assert "label-dose" not in names(status, drug)
    others = [d for d in c.DRUGS if d.startswith(drug.split("_")[0]) and d != drug]
    assert all("label-dose" in names(status, other) for other in others)


@pytest.mark.parametrize(
    ("who", "drug", "rule"),
    [
        ({"valve": 2}, "apixaban_5", "valve"),
        ({"valve": 1}, "rivaroxaban_20", "valve"),
        ({"liver": 2}, "apixaban_5", "liver"),
        ({"liver": 1}, "edoxaban_60", "liver"),
        ({"crcl": 14.9}, "dabigatran_75", "kidneys"),
        ({"crcl": 14.9}, "edoxaban_30", "kidneys"),
        ({"crcl": 95.1}, "edoxaban_60", "kidneys"),
        ({"beside": "rifampicin"}, "dabigatran_150", "inducer"),
        ({"beside": "carbamazepine"}, "apixaban_5", "inducer"),
        ({"beside": "ketoconazole"}, "rivaroxaban_20", "strong-inhibitor"),
        ({"beside": "ketoconazole", "age": 80.0, "weight": 60.0}, "apixaban_2.5", "strong-inhibitor"),
        ({"beside": "verapamil", "crcl": 79.9}, "rivaroxaban_20", "moderate-inhibitor"),
        ({"beside": "amiodarone", "crcl": 29.9}, "dabigatran_75", "p-gp-inhibitor"),
        ({"bleeding": 2}, "warfarin", "active-bleeding"),
        ({}, "none", "indicated"),
        ({"hypertension": False, "age": 60.0}, "apixaban_5", "not-indicated"),
        ({"hypertension": False, "age": 60.0, "female": True}, "apixaban_5", "not-indicated"),
        ({}, "warfarin", "doac-preferred"),
    ],
)
def test_a_rule_is_broken(who, drug, rule):
    assert rule in names(person(**who), drug)


@pytest.mark.parametrize(
    ("who", "drug"),
    [
        ({}, "apixaban_5"),
        ({"valve": 2}, "warfarin"),
        ({"valve": 1, "hypertension": False, "age": 50.0}, "warfarin"),
        ({"liver": 1}, "apixaban_5"),
        ({"liver": 2}, "warfarin"),
        ({"crcl": 95.0}, "edoxaban_60"),
        ({"crcl": 15.0}, "dabigatran_75"),
        ({"beside": "rifampicin"}, "warfarin"),
        ({"beside": "ketoconazole"}, "apixaban_2.5"),
        ({"beside": "verapamil", "crcl": 85.0}, "rivaroxaban_20"),
        ({"beside": "amiodarone", "crcl": 31.0}, "dabigatran_150"),
        ({"bleeding": 2}, "none"),
        ({"bleeding": 1}, "apixaban_5"),
        ({"hypertension": False, "age": 60.0}, "none"),
        ({"hypertension": False}, "none"),  # one point: either is right
        ({"hypertension": False}, "apixaban_5"),
    ],
)
def test_no_rule_is_broken(who, drug):
    assert names(person(**who), drug) == set()


@pytest.mark.parametrize(
    ("who", "drug", "right"),
    [
        ({"procedure": 1}, "apixaban_5", {1, 2}),
        ({"procedure": 2}, "apixaban_5", {2, 3}),
        ({"procedure": 2, "crcl": 50.0}, "dabigatran_150", {2, 3}),
        ({"procedure": 1, "crcl": 49.9}, "dabigatran_150", {2, 3}),
        ({"procedure": 2, "crcl": 49.9}, "dabigatran_150", {4, 5}),
        ({"procedure": 1, "valve": 2}, "warfarin", {5}),
        ({"procedure": 0}, "apixaban_5", {0, 1, 2, 3, 4, 5}),
    ],
)
def test_a_drug_is_left_out_long_enough_and_not_too_long(who, drug, right):
    status = person(**who)
    assert {hold for hold in range(6) if not names(status, drug, hold)} == right


def test_a_dose_that_kidneys_forbid_is_counted_once():
    assert names(person(crcl=10.0), "dabigatran_150") == {"kidneys"}


def test_every_rule_says_why_in_one_line():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.reason and "\n" not in rule.reason for rule in RULES)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_for_every_patient_some_order_is_right_and_the_label_finds_it(data):
    draw = data.draw
    status = person(
        crcl=draw(st.floats(5, 160)),
        beside=draw(st.sampled_from(COMEDICATIONS)),
        age=float(draw(st.integers(40, 95))),
        weight=draw(st.floats(36, 150)),
        female=draw(st.booleans()),
        stroke=draw(st.booleans()),
        hypertension=draw(st.booleans()),
        liver=draw(st.integers(0, 2)),
        valve=draw(st.integers(0, 2)),
        procedure=draw(st.integers(0, 2)),
        bleeding=draw(st.integers(0, 2)),
    )
    taken = np.array([draw(st.integers(0, len(c.DRUGS) - 1))])
    drug = permitted(status, taken, [c.MOLECULES.index(name) for name in PREFERENCE])
    assert not broken(status)[0, drug[0], held(status, drug)[0]]
