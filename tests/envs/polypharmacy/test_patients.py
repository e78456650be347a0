"""A seed makes one patient, with as many drugs and problems as the task asks for and a reason told for each drug."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import HarnessError, UsageError
from harness.envs.polypharmacy import body, prescribing
from harness.envs.polypharmacy.criteria import criteria_met
from harness.envs.polypharmacy.patients import TASKS, draws, patient, severe_pairs
from harness.envs.polypharmacy.tables import load

TABLES = load()

seeds = st.integers(0, 2**32)
tasks = st.sampled_from(list(TASKS.values()))


def ckd_epi(age, sex, creatinine):
    """Estimated GFR, mL/min/1.73 m2 (Inker 2021), written out once more."""
    kappa, alpha = (0.7, -0.241) if sex == "f" else (0.9, -0.302)
    ratio = creatinine / kappa
    found = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age
    return found * 1.012 if sex == "f" else found


@settings(max_examples=150, deadline=None)
@given(seeds, tasks)
def test_a_patient_is_whole_and_has_the_problems_of_the_task(seed, task):
    found = patient(seed, task)
    drugs = [taken.drug for taken in found.medications]
    assert task.fewest_drugs <= len(drugs) <= task.most_drugs
    assert len(set(drugs)) == len(drugs)
    assert len(severe_pairs(found, TABLES)) >= task.severe_pairs
    assert len(criteria_met(found, found.medications, TABLES)) >= task.criteria
    assert sum(taken.reason is None for taken in found.medications) >= task.needless
    assert not task.critical or any(TABLES.drugs[drug].critical for drug in drugs)
    fills = {(row.condition, row.role, row.drug) for row in TABLES.indications}
    causes = {(trigger, row.drug) for row in TABLES.cascades for trigger in TABLES.members(row.trigger)}
    for taken in found.medications:
        assert 0 < taken.dose_mg <= TABLES.drugs[taken.drug].max_mg
        assert taken.days >= 1
        if taken.reason is not None:
            assert taken.cascade_of is None
            assert taken.reason[0] in found.conditions
            assert (*taken.reason, taken.drug) in fills
        elif taken.cascade_of is not None:
            assert taken.cascade_of in drugs
            assert (taken.cascade_of, taken.drug) in causes
    assert type(found).model_validate(found.model_dump()) == found


@settings(max_examples=30, deadline=None)
@given(seeds, tasks)
def test_a_seed_makes_the_same_patient_again(seed, task):
    assert patient(seed, task) == patient(seed, task)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_person_does_not_depend_on_the_task(seed):
    people = [patient(seed, task) for task in TASKS.values()]
    for field in ("age", "sex", "height_cm", "weight_kg", "liver"):
        assert len({getattr(one, field) for one in people}) == 1


def test_streams_do_not_disturb_one_another(monkeypatch):
    """Prescribers who consume more randomness change no disease and no kidney."""
    before = [next(draws(seed, 0.0, TABLES)) for seed in range(20)]
    accumulate = prescribing.accumulate

    def wasteful(rng, *known):
        rng.random(1000)
        return accumulate(rng, *known)

    monkeypatch.setattr(prescribing, "accumulate", wasteful)
    after = [next(draws(seed, 0.0, TABLES)) for seed in range(20)]
    for one, other in zip(before, after, strict=True):
        assert one.model_copy(update={"medications": ()}) == other.model_copy(update={"medications": ()})
    assert any(one.medications != other.medications for one, other in zip(before, after, strict=True))


def test_seeds_make_different_patients():
    assert len({patient(seed, TASKS["complex-tradeoff"]).model_dump_json() for seed in range(50)}) == 50


@settings(max_examples=200, deadline=None)
@given(seeds, st.booleans())
def test_creatinine_tells_whether_there_is_chronic_kidney_disease(seed, ckd):
    rng = np.random.default_rng(seed)
    person = body.draw(rng)
    gfr = ckd_epi(person.age, person.sex, body.draw_creatinine(rng, person, ckd))
    assert (gfr < 60.5) if ckd else (gfr > 59.5)  # creatinine is rounded to 0.01 mg/dL


def test_clearance_is_that_of_cockcroft_and_gault():
    found = patient(1, TASKS["easy-screening"])
    expected = (140 - found.age) * found.weight_kg / (72 * found.creatinine_mg_dl)
    expected *= 0.85 if found.sex == "f" else 1
    assert found.crcl_ml_min == pytest.approx(expected, abs=0.05)


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="seed is -1"):
        patient(-1, TASKS["easy-screening"])


def test_a_task_that_no_patient_fits_is_refused(monkeypatch):
    monkeypatch.setattr("harness.envs.polypharmacy.patients.TRIES", 3)
    impossible = TASKS["easy-screening"].model_copy(update={"criteria": 100})
    with pytest.raises(HarnessError, match="No patient for task 'easy-screening' was found in 3 draws"):
        patient(0, impossible)
