"""A criterion is met when everything that its row states holds at once."""

from __future__ import annotations

import pytest

from harness.envs.polypharmacy.chart import Patient, Prescription
from harness.envs.polypharmacy.criteria import avoided_for_organs, criteria_met, dose_limit, fits
from harness.envs.polypharmacy.tables import load

TABLES = load()


def taken(drug, dose=None, days=365):
    return Prescription(drug=drug, dose_mg=dose or TABLES.drugs[drug].usual_mg, days=days, prescriber="family-medicine")


def somebody(*drugs, conditions=(), sex="f", crcl=80.0, liver="normal"):
    return Patient(
        seed=0,
        age=80,
        sex=sex,
        height_cm=165,
        weight_kg=65,
        conditions=conditions,
        creatinine_mg_dl=0.9,
        crcl_ml_min=crcl,
        liver=liver,
        medications=tuple(drug if isinstance(drug, Prescription) else taken(drug) for drug in drugs),
    )


def met(*drugs, **state):
    patient = somebody(*drugs, **state)
    return dict(criteria_met(patient, patient.medications, TABLES))


def test_a_drug_to_be_avoided_meets_its_criterion_whoever_takes_it():
    assert met("diphenhydramine") == {"antihistamines-first": ("diphenhydramine",)}
    assert met("acetaminophen") == {}


def test_a_condition_must_be_there():
    assert "hf-nsaid" in met("celecoxib", conditions=("heart-failure",))
    assert "hf-nsaid" not in met("celecoxib", conditions=("hypertension",))


def test_a_condition_may_lift_a_criterion():
    assert "antipsychotics" in met("quetiapine")
    assert "antipsychotics" not in met("quetiapine", conditions=("bipolar-disorder",))


def test_a_protective_drug_lifts_a_criterion():
    assert "nsaid-chronic" in met("naproxen")
    assert "nsaid-chronic" not in met("naproxen", "pantoprazole")
    assert "ppi-long" in met("pantoprazole")
    assert "ppi-long" not in met("naproxen", "pantoprazole")


def test_kidneys_and_dose_count_together():
    high, low = taken("gabapentin", 1800), taken("gabapentin", 900)
    assert "gabapentin-renal" in met(high, crcl=45)
    assert "gabapentin-renal" not in met(low, crcl=45)
    assert "gabapentin-renal" not in met(high, crcl=60)
    assert "digoxin-dose" in met(taken("digoxin", 0.126))
    assert "digoxin-dose" not in met(taken("digoxin", 0.125))


def test_a_clearance_may_be_too_high():
    assert "edoxaban-high-clearance" not in met("edoxaban", crcl=95)
    assert met("edoxaban", crcl=95.1) == {"edoxaban-high-clearance": ("edoxaban",)}
    assert fits("edoxaban", somebody(crcl=95), (), TABLES)
    assert not fits("edoxaban", somebody(crcl=96), (), TABLES)


@pytest.mark.parametrize(
    ("drugs", "condition", "criteria"),
    [
        (("haloperidol",), "parkinsons-disease", {"parkinson-antidopaminergics", "antipsychotics"}),
        (("haloperidol", "carbidopa/levodopa"), "parkinsons-disease", {"antipsychotics"}),  # and the interaction
        (("haloperidol",), "dementia", {"dementia-antipsychotics"}),
        (("olanzapine",), "delirium", {"antipsychotics", "delirium-antipsychotics"}),
        (("olanzapine",), "falls", {"antipsychotics", "falls-antipsychotics"}),
        (("amitriptyline",), "falls", {"anticholinergic-antidepressants", "falls-antidepressants"}),
        (("oxybutynin",), "falls", {"falls-anticholinergics"}),
    ],
)
def test_one_fact_counts_once(drugs, condition, criteria):
    assert set(met(*drugs, conditions=(condition,))) == criteria


def test_sodium_counts_once_of_desmopressin():
    assert set(met(taken("desmopressin", days=10))) == {"desmopressin"}
    assert set(met(taken("sertraline", days=10))) == {"hyponatraemia-start"}


def test_days_count_from_above_and_from_below():
    assert "nsaid-chronic" not in met(taken("naproxen", days=14))
    assert "nsaid-chronic" in met(taken("naproxen", days=15))
    assert "warfarin-start" in met(taken("warfarin", days=90))
    assert "warfarin-start" not in met(taken("warfarin", days=91))


def test_a_criterion_for_one_sex_is_not_met_by_the_other():
    assert "incontinence-alpha1" in met("doxazosin", conditions=("overactive-bladder",), sex="f")
    assert "incontinence-alpha1" not in met("doxazosin", conditions=("overactive-bladder",), sex="m")


def test_three_drugs_for_the_brain_count_and_two_do_not():
    assert "cns-active-three" not in met("sertraline", "gabapentin")
    assert met("sertraline", "gabapentin", "zolpidem")["cns-active-three"] == ("sertraline", "gabapentin", "zolpidem")


@pytest.mark.parametrize(
    ("drug", "crcl", "liver", "highest"),
    [
        ("digoxin", 80, "normal", 0.25),
        ("digoxin", 50, "normal", 0.25),
        ("digoxin", 49, "normal", 0.125),
        ("metformin", 40, "normal", 1000),
        ("metformin", 30, "normal", 1000),
        ("metformin", 29, "normal", 0),
        ("metformin", 80, "moderate", 0),
        ("metformin", 80, "mild", 2000),
        ("amlodipine", 80, "mild", 10),
        ("amlodipine", 80, "moderate", 2.5),
    ],
)
def test_the_highest_dose_is_that_of_kidneys_and_liver(drug, crcl, liver, highest):
    row, patient = TABLES.drugs[drug], somebody(crcl=crcl, liver=liver)
    assert (0 if avoided_for_organs(row, patient) else dose_limit(row, patient)) == highest


def test_a_substitute_fits_unless_something_forbids_it():
    patient = somebody("ibuprofen", conditions=("osteoarthritis", "heart-failure"))
    assert fits("acetaminophen", patient, patient.medications, TABLES)
    assert not fits("celecoxib", patient, patient.medications, TABLES)
    assert not fits("ibuprofen", patient, patient.medications, TABLES)
    assert not fits("duloxetine", somebody(crcl=25), (), TABLES)
    assert not fits("acetaminophen", somebody("acetaminophen"), (taken("acetaminophen"),), TABLES)
    assert fits("pantoprazole", somebody(), (), TABLES)
    brain = taken("sertraline"), taken("gabapentin")
    assert fits("lamotrigine", somebody(), brain[:1], TABLES)
    assert not fits("lamotrigine", somebody(), brain, TABLES)  # would be the third drug for the brain
