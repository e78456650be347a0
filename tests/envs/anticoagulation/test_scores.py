"""CHA2DS2-VASc, CHADS2 and HAS-BLED of patients scored by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.envs.anticoagulation.scores import cha2ds2_vasc, chads2, has_bled

NOBODY = dict.fromkeys(("female", "heart_failure", "hypertension", "diabetes", "stroke", "vascular_disease"), False)
HEALTHY = {"age": 50, "systolic": 120, "creatinine": 1.0} | dict.fromkeys(
    ("liver_disease", "stroke", "bleeding", "labile_inr", "antiplatelet_or_nsaid", "alcohol"), False
)


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"age": 64}, 0),
        ({"age": 65}, 1),
        ({"age": 74}, 1),
        ({"age": 75}, 2),
        ({"age": 50, "female": True}, 1),
        ({"age": 50, "stroke": True}, 2),
        ({"age": 50, "heart_failure": True}, 1),
        ({"age": 50, "hypertension": True, "diabetes": True, "vascular_disease": True}, 3),
        (dict.fromkeys(NOBODY, True) | {"age": 80}, 9),
    ],
)
def test_cha2ds2_vasc_counts_each_component(changes, score):
    assert cha2ds2_vasc(**NOBODY | changes) == score


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({}, 0),
        ({"age": 65}, 0),
        ({"age": 66}, 1),
        ({"systolic": 160}, 0),
        ({"systolic": 161}, 1),
        ({"creatinine": 2.25}, 0),
        ({"creatinine": 2.26}, 1),
        ({"dialysis_or_transplant": True}, 1),
        ({"liver_disease": True, "creatinine": 3.0}, 2),
        ({"stroke": True, "bleeding": True, "labile_inr": True}, 3),
        ({"antiplatelet_or_nsaid": True, "alcohol": True}, 2),
        (dict.fromkeys(HEALTHY, True) | {"age": 80, "systolic": 180, "creatinine": 3.0}, 9),
    ],
)
def test_has_bled_counts_each_component(changes, score):
    assert has_bled(**HEALTHY | changes) == score


def test_chads2_knows_neither_sex_nor_vessels_nor_middle_age():
    assert chads2(age=74, heart_failure=True, hypertension=False, diabetes=False, stroke=False) == 1
    assert chads2(age=75, heart_failure=True, hypertension=True, diabetes=True, stroke=True) == 6


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.integers(40, 95))
def test_scores_of_arrays_are_those_of_each_patient_and_never_fall_with_age(present, age):
    who = dict(zip(NOBODY, present, strict=True))
    ages = np.arange(40, 96)
    found = cha2ds2_vasc(age=ages, **who)
    assert found[age - 40] == cha2ds2_vasc(age=age, **who)
    assert (np.diff(found) >= 0).all()
