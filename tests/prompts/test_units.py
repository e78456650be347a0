"""Other units say the same: factors are those in print, and every number converted back is the one that was shown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.core.units import FORMULA, OF_ANYTHING, conversion
from harness.llm.registry import ReplyFormat
from harness.prompts.loader import load
from harness.prompts.render import render
from harness.prompts.units import converted, of_features
from harness.prompts.variants import Variant

PRINTED = {
    "glucose": 0.0555, "lactate": 0.111, "creatinine": 88.4, "bilirubin": 17.1, "urea nitrogen": 0.357, "urea": 0.1665,
    "uric acid": 59.48, "cholesterol": 0.0259, "calcium": 0.25, "magnesium": 0.411, "phosphate": 0.323,
}  # fmt: skip
"""From mg/dL, as tables of SI conversion factors print them."""

ALL = [*OF_ANYTHING, *(c.back for c in OF_ANYTHING), *(conversion("mg/dL", s) for s in FORMULA)]


@pytest.mark.parametrize(("substance", "factor"), PRINTED.items())
def test_factors_of_substances_are_those_in_print(substance, factor):
    found = conversion("mg/dL", substance)
    assert found.factor == pytest.approx(factor, rel=0.004)
    assert conversion(found.other, substance).factor == pytest.approx(1 / found.factor)
    assert set(PRINTED) == set(FORMULA)


def test_a_unit_without_another_is_left_alone():
    assert conversion("mg/dL") is None  # of what?
    assert conversion("mg/dL", "kryptonite") is None
    assert conversion("points") is None


def test_known_quantities():
    shown = [
        ("1.2", "mg/dL", "creatinine", "106"), ("180", "mg/dL", "glucose", "9.99"),
        ("2.0", "mmol/L", "lactate", "18.0"), ("37.0", "°C", None, "98.6"), ("98.6", "°F", None, "37.00"),
        ("70", "kg", None, "154"), ("65", "mmHg", None, "8.7"), ("4", "hours", None, "240"),
        ("0.47", "µg/kg/min", None, "28.2"), ("8.1", "g/dL", None, "81"), ("81", "g/L", None, "8.1"),
        ("1500", "mL", None, "1.500"), ("-0.5", "°C", None, "31.1"), ("0.0", "µg/kg/min", None, "0"),
    ]  # fmt: skip
    for number, unit, of, expected in shown:
        assert converted(number, conversion(unit, of)) == expected


@given(st.sampled_from(ALL), st.integers(0, 4), st.floats(-1e5, 1e5, allow_nan=False).map(lambda x: x + 0.0))
def test_converted_back_it_is_the_number_that_was_shown(by, decimals, value):
    shown = f"{value:.{decimals}f}"
    other = converted(shown, by)
    back = (float(other) - by.offset) / by.factor
    assert round(back, decimals) == pytest.approx(float(shown), abs=10.0**-decimals * 1e-6)


def test_features_are_renamed_with_their_unit_and_others_stay():
    given_ = {"serum_creatinine_mg_per_dl": 1.3, "BUN_mg_dl": 20, "temperature_celsius": 38.5, "sofa": 9, "sex": "f",
              "weight_kg": None, "drug_mg_per_dl": 3.0, "mmol_per_l": 2.0, "glucose_mmol_l": 1e-07,
              "sodium_mmol_l": 140, "dose_ug_per_kg": 2, "beats_per_min": 80, "vancomycin_ug_ml": 12,
              "stay_hours": 4.0}  # fmt: skip
    found = of_features(given_)
    assert found == {
        "serum_creatinine_umol_per_l": 115, "BUN_mmol_l": 7.1, "temperature_fahrenheit": 101.3, "sofa": 9, "sex": "f",
        "weight_lb": None, "drug_mg_per_dl": 3.0, "mmol_per_l": 2.0, "glucose_mg_dl": pytest.approx(1.8e-6, rel=0.01),
        "sodium_mmol_l": 140, "dose_ug_per_kg": 2, "beats_per_min": 80, "vancomycin_ug_ml": 12, "stay_minutes": 240,
    }  # fmt: skip
    assert given_["sofa"] == 9


def numbers(text):
    return re.findall(r"(?<![\w.])[-+]?\d+(?:\.\d+)?", text)


@pytest.mark.parametrize("style", ["direct", "reasoned", "few_shot", "direct_reworded", "reasoned_reworded"])
def test_every_dose_of_icu_sepsis_comes_back_and_nothing_else_changes(sepsis, style):
    prompt = load("icu-sepsis", style)
    other = replace(prompt, variant=Variant.UNITS)
    for state in sepsis.mdp.decision_states:
        seen = sepsis.observe(int(state))
        (system, patient), (system_other, patient_other) = (
            [m.content for m in render(sepsis, p, ReplyFormat.JSON, seen)] for p in (prompt, other)
        )
        before, after = numbers(patient), numbers(patient_other)
        changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert len(changed) <= 1
        dose = f"{seen.vasopressor_dose:.2f}"
        position = before.index(dose, 2)
        assert f"{float(after[position]) / 60:.2f}" == dose
        assert patient_other.replace(after[position], dose, 1) == patient or dose in "0.00 0.01"
    assert "240 minutes" in system_other
    assert "µg/kg/h" in system_other
    assert "µg/kg/min" not in system_other
    assert "hours" not in system_other
    assert system_other.replace("240 minutes", "4 hours").replace("µg/kg/h", "µg/kg/min") == system


def test_a_number_that_is_none_is_a_sentence(tmp_path, sepsis):
    prompt = replace(load("icu-sepsis", "direct"), observation='{{ "x" | number("%s", "kg") }}', variant=Variant.UNITS)
    with pytest.raises(UsageError, match="'x' is no number that could stand in another unit"):
        render(sepsis, prompt, ReplyFormat.JSON, sepsis.observe(1))
