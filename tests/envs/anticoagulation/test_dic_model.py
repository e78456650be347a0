"""Six hours of a patient with DIC, and patients from their seeds."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.seeds import stream
from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic import policies
from harness.envs.anticoagulation.dic.actions import ACTIONS, CAUSE, CRYO, INDEX, PLASMA, PLATELETS, DicAction
from harness.envs.anticoagulation.dic.course import Course, run
from harness.envs.anticoagulation.dic.model import State, prothrombin_time, step, survival
from harness.envs.anticoagulation.dic.patients import draw
from harness.envs.anticoagulation.isth_dic import overt

SEEDS = range(100_000, 100_600)


@pytest.fixture(scope="module")
def patients():
    return draw(SEEDS)


def of(patients, bleeding=None, **values):
    """States of all patients, some values set."""
    n = len(patients)
    made = {name: np.full(n, value) for name, value in values.items()}
    if bleeding is not None:
        made["bleeding"] = np.full(n, bleeding)
    return replace(patients.arrival, **made)


def ordered(state, action=0):
    return step(state, np.full(len(state), action))


# --------------------------------------------------------------------------- patients


def test_a_batch_is_its_patients_one_by_one(patients):
    course = run(patients, policies.guideline)
    for i in (0, 7, 423):
        alone = run(draw([SEEDS[i]]), policies.guideline)
        assert alone.returns[0] == pytest.approx(course.returns[i], abs=1e-12)
        assert alone.units[0] == pytest.approx(course.units[i])


def test_laboratory_errors_are_drawn_apart_from_the_patient():
    one = draw([5])
    assert stream(5, "laboratory").standard_normal() * c.LAB_CV["platelets"] + 1 == pytest.approx(one.error[0, 0, 0])
    assert stream(5, "patient").random(4 + c.STEPS)[4:].tolist() == one.chance[0].tolist()
    noisier = replace(one, error=one.error * 1.5)
    same = [run(p, policies.constant(CAUSE + PLASMA)) for p in (one, noisier)]
    assert same[0].returns[0] == same[1].returns[0]


def test_half_of_the_patients_bleed_and_many_have_overt_dic(patients):
    chart = Course(patients).chart()
    assert 0.45 < chart.bleeding.mean() < 0.60
    assert 0.45 < overt(chart.isth).mean() < 0.65
    shares = np.bincount(chart.cause, minlength=5) / len(patients)
    np.testing.assert_allclose(shares, c.SHARE, atol=0.06)


# --------------------------------------------------------------------------- six hours


def test_without_disease_or_treatment_values_return_to_normal_and_organs_heal(patients):
    well = of(patients, bleeding=False, drive=0.0, lysis=0.0)
    state = well
    for _ in range(400):
        state = ordered(state).bleed(np.ones(len(well)))
    np.testing.assert_allclose(state.platelets, c.PLATELETS_NORMAL, rtol=1e-3)
    np.testing.assert_allclose(state.fibrinogen, c.FIBRINOGEN_NORMAL, rtol=1e-3)
    assert (state.organs < well.organs / 1_000).all()
    assert (state.d_dimer < 1e-6).all()


def test_a_step_is_the_solution_of_the_differential_equation(patients):
    """Platelets by small Euler steps: (normal - P) / hours - (consumed + bled) P."""
    state = of(patients, bleeding=True, drive=1.5)
    p = state.platelets + 0.0
    for _ in range(60_000):
        lost = c.CONSUMED[0] * 1.5 + c.BLED[0]
        p += c.STEP_HOURS / 60_000 * ((c.PLATELETS_NORMAL - p) / c.PLATELETS_HOURS - lost * p)
    np.testing.assert_allclose(ordered(state).after.platelets, p, rtol=1e-5)


def test_components_raise_what_they_hold_by_as_much_as_consumption_leaves(patients):
    state = of(patients, bleeding=True, drive=1.0)
    plain = ordered(state).after
    some = {
        name: ordered(state, place).after
        for name, place in (("platelets", PLATELETS), ("plasma", PLASMA), ("cryo", CRYO))
    }
    assert 0 < (some["platelets"].platelets - plain.platelets).max() < c.PLATELET_RISE / 1.6
    assert ((some["cryo"].fibrinogen - plain.fibrinogen) > (some["plasma"].fibrinogen - plain.fibrinogen)).all()
    assert (prothrombin_time(some["plasma"].factors) < prothrombin_time(plain.factors)).all()
    np.testing.assert_array_equal(some["platelets"].fibrinogen, plain.fibrinogen)


def test_low_values_make_bleeding_begin_and_last(patients):
    for bleeding in (False, True):
        good = ordered(of(patients, bleeding=bleeding, platelets=200.0, fibrinogen=3.5, factors=95.0)).bleeds
        for low in ({"platelets": 10.0}, {"fibrinogen": 0.5}, {"factors": 20.0}):
            values = {"platelets": 200.0, "fibrinogen": 3.5, "factors": 95.0} | low
            assert (ordered(of(patients, bleeding=bleeding, **values)).bleeds > good).all()


def test_heparin_makes_bleeding_begin_and_last_and_spares_organs(patients):
    therapeutic, prophylactic = policies.THERAPEUTIC, policies.PROPHYLACTIC
    for bleeding in (False, True):
        state = of(patients, bleeding=bleeding)
        found = [ordered(state, drug) for drug in (0, prophylactic, therapeutic)]
        assert (found[2].bleeds > found[1].bleeds).all()
        assert (found[1].after.organs < found[0].after.organs).all()
    cancer = of(patients, cause=c.CAUSES.index("cancer"))
    sepsis = of(patients, cause=c.CAUSES.index("sepsis"))
    spared = [(ordered(s).after.organs - ordered(s, therapeutic).after.organs).mean() for s in (cancer, sepsis)]
    assert spared[0] > 2 * spared[1]


def test_tranexamic_acid_helps_early_after_injury_and_harms_in_sepsis(patients):
    trauma = of(patients, bleeding=True, cause=c.CAUSES.index("trauma"), lysis=1.0)
    with_txa, without = ordered(trauma, policies.TXA), ordered(trauma)
    assert (with_txa.bleeds < without.bleeds).all()
    assert (with_txa.after.fibrinogen > without.after.fibrinogen).all()
    np.testing.assert_allclose(with_txa.after.organs, without.after.organs)
    sepsis = of(patients, bleeding=False, cause=c.CAUSES.index("sepsis"), lysis=0.0)
    assert (ordered(sepsis, policies.TXA).after.organs > ordered(sepsis).after.organs).all()


def test_components_without_bleeding_harm_organs_and_too_much_volume_overloads(patients):
    quiet, bleeding = of(patients, bleeding=False), of(patients, bleeding=True)
    assert (ordered(quiet, CRYO).after.organs > ordered(quiet).after.organs).all()
    np.testing.assert_allclose(ordered(bleeding, CRYO).after.organs, ordered(bleeding).after.organs)
    assert (ordered(quiet, PLASMA).overload == 0).all()
    full = of(patients, bleeding=False, volume=2.0)
    assert (ordered(full, PLASMA).overload > ordered(full).overload).all()


def test_treating_the_cause_ends_the_drive_once_and_costs_nothing(patients):
    left, treated = ordered(patients.arrival, 0), ordered(patients.arrival, CAUSE)
    assert (treated.after.drive <= left.after.drive).all()
    assert treated.after.drive.mean() < 0.93 * left.after.drive.mean()
    np.testing.assert_array_equal(left.reward, treated.reward)
    again = ordered(treated.bleed(np.ones(len(patients))), CAUSE)
    not_again = ordered(treated.bleed(np.ones(len(patients))), 0)
    for f in fields(State):
        np.testing.assert_array_equal(getattr(again.after, f.name), getattr(not_again.after, f.name))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(ACTIONS) - 1), min_size=c.STEPS, max_size=c.STEPS), st.integers(0, 9_000))
def test_any_orders_keep_every_value_possible(orders, seed):
    course = Course(draw(range(seed, seed + 20)))
    for place in orders:
        chart = course.chart()
        course.order(np.full(20, place))
        s = course.state
        assert (chart.isth >= 0).all()
        assert min(s.platelets.min(), s.fibrinogen.min(), s.factors.min(), s.d_dimer.min(), s.volume.min()) > -1e-12
        assert ((s.organs >= 0) & (s.organs <= 1)).all()
        assert ((s.alive > 0) & (s.alive <= 1)).all()
    assert ((survival(course.state) >= 0) & (survival(course.state) <= course.state.alive)).all()
    expected = 1 - course.deaths - 0.1 * course.bleeding_days - 0.01 * course.units - 0.3 * course.overloads
    np.testing.assert_allclose(course.returns, expected, atol=1e-12)  # what `spec.score` says a value is


# --------------------------------------------------------------------------- rules on arrays


def test_the_guideline_gives_components_for_bleeding_and_heparin_without(patients):
    chart = Course(patients).chart()
    chart = replace(
        chart,
        cause=np.array([0, 0, 1, 4, 4, 0, 0]),
        treated=np.zeros(7, dtype=np.bool_),
        bleeding=np.array([True, True, True, False, False, False, False]),
        platelets=np.array([49.0, 50.0, 200.0, 60.0, 40.0, 19.0, 25.0]),
        pt=np.array([18.8, 18.7, 12.5, 20.0, 20.0, 20.0, 20.0]),
        fibrinogen=np.array([1.4, 1.5, 3.0, 0.5, 0.5, 0.5, 0.5]),
    )
    found = [ACTIONS[place] for place in policies.guideline(chart)]
    assert [(a.transfuse, a.drug) for a in found] == [
        ("platelets_plasma_cryo", "none"),
        ("none", "none"),
        ("none", "txa"),
        ("none", "heparin_therapeutic"),
        ("none", "heparin_prophylactic"),
        ("platelets", "none"),
        ("none", "none"),
    ]
    later = ACTIONS[policies.guideline(replace(chart, hours=6))[2]]
    assert later.drug == "none"
    labs = [ACTIONS[place] for place in policies.lab_threshold(chart)]
    assert labs[3].transfuse == "plasma_cryo"
    assert {(a.drug, a.treat_cause) for a in (*labs, *found[:2])} == {("none", "yes")}
    again = replace(chart, treated=np.ones(7, dtype=np.bool_))
    assert {ACTIONS[place].treat_cause for place in policies.guideline(again)} == {"no"}


def test_every_action_has_its_place():
    assert len(ACTIONS) == len(INDEX) == 64
    assert INDEX[DicAction(transfuse="platelets_cryo", drug="txa", treat_cause="yes")] == CAUSE + PLATELETS + CRYO + 8


def test_results_are_those_of_an_hour_before(patients):
    course = Course(replace(patients, error=np.ones_like(patients.error)))
    before = course.state.platelets
    course.order(np.full(len(patients), CAUSE + PLATELETS))
    after = course.state.platelets
    np.testing.assert_allclose(course.chart().platelets, before + 5 / 6 * (after - before), atol=0.5)
