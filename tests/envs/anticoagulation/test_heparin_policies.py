"""Nomograms by their tables, and what policies are worth: good decisions must beat bad ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.core.seeds import stream
from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin import hindsight, policies
from harness.envs.anticoagulation.heparin.actions import orderable
from harness.envs.anticoagulation.heparin.infusion import Course, orders, run
from harness.envs.anticoagulation.heparin.patients import draw
from harness.envs.anticoagulation.heparin.posterior import KnownPatient, Posterior
from harness.envs.anticoagulation.heparin.setting import FULL, LABS
from harness.envs.anticoagulation.heparin.vector import FEATURES, Ward, features, numbered, orders_of

PATIENTS = {FULL: 300, LABS: 100}


def told(table, aptt, rate=18.0, weight=80.0):
    found = table(*(np.array([float(x)]) for x in (aptt, rate, weight)))
    return float(found.rate[0] - rate), float(found.bolus[0]), float(found.hold[0])


@pytest.mark.parametrize(
    ("aptt", "expected"),
    [
        (34, (4, 80, 0)),
        (35, (2, 40, 0)),
        (45, (2, 40, 0)),
        (46, (0, 0, 0)),
        (70, (0, 0, 0)),
        (71, (-2, 0, 0)),
        (90, (-2, 0, 0)),
        (91, (-3, 0, 1)),
        (150, (-3, 0, 1)),
    ],
)
def test_raschke_by_its_table(aptt, expected):
    assert told(policies.raschke_table, aptt) == expected


@pytest.mark.parametrize(
    ("aptt", "expected"),
    [  # 80 kg: 3 mL/h are 1.5 U/kg/h, 2 mL/h 1, 4 mL/h 2
        (49, (1, 60, 0)),
        (50, (1, 0, 0)),
        (59, (1, 0, 0)),
        (60, (0, 0, 0)),
        (85, (0, 0, 0)),
        (86, (-1, 0, 0)),
        (96, (-1, 0, 0.5)),
        (120, (-1, 0, 0.5)),
        (121, (-2, 0, 1)),
    ],
)
def test_cruickshank_by_its_table(aptt, expected):
    assert told(policies.cruickshank_table, aptt) == expected


def test_standard_care_gives_the_same_units_whatever_the_weight():
    patients = draw(range(50), FULL)
    given = policies.standard(Course(patients, FULL).chart())
    units = given.rate * patients.weight
    assert np.abs(units - 1_000).max() <= 2 * patients.weight.max()  # rates that can be ordered are 2 apart
    assert given.rate[patients.weight.argmin()] > given.rate[patients.weight.argmax()]
    assert told(policies.standard_table, 30, weight=100.0) == (2, 0, 0)


@pytest.mark.parametrize(
    ("anti_xa", "expected"),
    [
        (0.19, (1, 80, 0)),
        (0.2, (1, 40, 0)),
        (0.29, (1, 40, 0)),
        (0.3, (0, 0, 0)),
        (0.7, (0, 0, 0)),
        (0.71, (-1, 0, 0)),
        (0.8, (-1, 0, 0)),
        (0.81, (-2, 0, 0.5)),
        (0.99, (-2, 0, 0.5)),
        (1.0, (-3, 0, 1)),
    ],
)
def test_anti_xa_by_its_table(anti_xa, expected):
    assert told(policies.anti_xa_table, anti_xa) == expected


def test_anti_xa_starts_are_capped_in_units():
    light, heavy = (policies.anti_xa_start(np.array([weight])) for weight in (80.0, 140.0))
    assert (light.rate[0], light.bolus[0]) == (18, 80)
    assert (heavy.rate[0], heavy.bolus[0]) == (12, 60)
    assert told(policies.anti_xa_table, 0.1, weight=140.0) == (1, 60, 0)


def test_the_baselines_of_hemosim_by_their_rules():
    changes = [told(policies.proportional_table, x, rate=20.0)[0] for x in (0.1, 0.3, 0.5, 0.6, 0.71)]
    assert changes == [2, 1, 0, 0, -2]
    assert told(policies.proportional_table, 0.1, rate=30.0) == (0, 0, 0)
    changes = [told(policies.nemati_stand_in_table, x) for x in (44, 45, 59, 60, 100, 101, 120, 121)]
    assert changes == [(change, 0, 0) for change in (4, 2, 2, 0, 0, -2, -2, -4)]


def test_a_protocol_by_anti_xa_orders_nothing_else():
    patients = draw(range(9_000, 9_100), LABS)
    course = run(patients, LABS, policies.anti_xa)
    assert not course.samples.drawn[1:, 0].any()
    assert (course.samples.drawn[1:, 1].sum(axis=0) == course.tests).all()
    assert 3 <= course.tests.mean() <= 7


def test_wanted_rates_become_those_that_can_be_ordered():
    assert orderable(np.array([17.0, 3.0, 99.0]), np.zeros(3)).tolist() == [16, 0, 24]
    assert orderable(np.array([19.5, 30.0, 10.0, -1.0]), np.full(4, 18.0)).tolist() == [19, 22, 14, 0]
    assert orderable(np.array([60.0]), np.array([49.0])).tolist() == [c.MOST]


def test_protocols_draw_six_hours_after_a_change_and_act_on_a_result_once():
    course = Course(draw(range(200), LABS), LABS)
    acted, drawn = [], []
    while not course.over:
        chart = course.chart()
        given = policies.raschke(chart)
        value, at = chart.samples.latest()
        acts = (given.rate != chart.rate) | (given.bolus > 0) | (given.hold > 0)
        if chart.hour:
            assert (at > chart.changed)[acts].all()  # never twice on one result, nor on one from before a change
            acted.append(acts & (value > 0))
        drawn.append(given.tests[0])
        course.step(given)
    first = np.array(drawn).argmax(axis=0)
    assert (first == 6).all()
    assert 0.2 < np.array(acted).sum(axis=0).mean() < 8


# --------------------------------------------------------------------------- what they are worth


@cache
def patients(setting):
    return draw(range(100_000, 100_000 + PATIENTS[setting]), setting)


@cache
def within(setting, name):
    named = {
        "raschke": lambda: policies.raschke,
        "fixed": lambda: policies.fixed,
        "none": lambda: policies.none,
        "random": lambda: policies.random_orders(stream(0, "test")),
        "posterior": Posterior,
        "known": lambda: KnownPatient(patients(setting)),
    }
    if name == "hindsight":
        some = patients(setting)[np.arange(24)]
        return hindsight.followed(some, setting)
    return run(patients(setting), setting, named[name]())


def percent(setting, name):
    return 100 * within(setting, name).in_range().mean()


def test_the_nomogram_splits_aptts_as_in_the_letter():
    aptts = within(FULL, "raschke").samples.value[6::6, 0]
    split = [(aptts < 46).mean(), ((aptts >= 46) & (aptts <= 70)).mean(), (aptts > 70).mean()]
    assert split == pytest.approx([0.17, 0.65, 0.18], abs=0.05)
    assert (aptts[:4] >= 46).any(axis=0).mean() > 0.88


@pytest.mark.parametrize("setting", [FULL, LABS])
def test_the_nomogram_beats_chance_and_every_constant_and_is_beaten_by_who_knows(setting):
    raschke = within(setting, "raschke")
    assert percent(setting, "raschke") - percent(setting, "random") > 15
    for rate in (0, 8, 14, 16, 18, 20, 24):  # more is tried by `harness calibrate`
        for bolus in (0.0, 80.0):
            constant = run(patients(setting), setting, policies.constant(float(rate), bolus))
            assert constant.in_range().mean() < raschke.in_range().mean()
            assert constant.earned.mean() < raschke.earned.mean()
    assert percent(setting, "none") == 0
    assert percent(setting, "posterior") > percent(setting, "raschke") + 5
    assert percent(setting, "known") > 93
    best = 100 * within(setting, "hindsight").in_range().mean()
    assert best > max(93, percent(setting, "raschke") + 15)


def test_without_the_laboratory_a_constant_infusion_is_in_range_less_than_half_of_the_time():
    assert percent(LABS, "fixed") < 45
    assert 50 < percent(LABS, "raschke") < 68
    assert percent(LABS, "raschke") < percent(FULL, "raschke")


def test_a_dose_far_too_high_harms():
    far = run(patients(FULL), FULL, policies.constant(40.0, 80.0))
    assert far.earned.mean() < -80
    assert far.earned.mean() < within(FULL, "none").earned.mean()


def test_no_bolus_ends_an_episode():
    course = run(patients(FULL), FULL, policies.fixed)
    assert course.hour == c.HOURS
    assert not np.isnan(course.concentration).any()
    assert np.exp(course.log_aptt()[1]).mean() > 120  # it was a bolus all right


# --------------------------------------------------------------------------- plans and learners


@pytest.mark.parametrize("setting", [FULL, LABS])
def test_plans_earn_what_they_promise_and_more_than_chance_would_find(setting):
    some = patients(setting)[np.arange(6)]
    table = hindsight.table(some, setting)
    found = hindsight.plan(Course(some, setting), table)
    course = hindsight.followed(some, setting)
    assert course.earned == pytest.approx(found.value)
    assert found.value.mean() == pytest.approx(table.values[0, 0, 0].mean(), abs=0.5)  # the grid is fine enough
    for policy in (policies.raschke, policies.fixed, policies.random_orders(stream(1, "test"))):
        assert (run(some, setting, policy).earned <= found.value + 1e-9).all()


def test_a_plan_from_an_hour_later_finds_no_more_than_the_one_before_promised():
    """Patients whom the grid posterior has underdosed: plans without a bolus and a pause at once missed hours there."""
    who = draw([100_004, 100_007], LABS)
    course, believing, table = Course(who, LABS), Posterior(), hindsight.table(who, LABS)
    found, regrets = hindsight.plan(course, table).value, []
    while course.hour < 10:
        earned = course.step(believing(course.chart()))
        after = hindsight.plan(course, table).value
        regrets.append(found - earned - after)
        found = after
    assert np.min(regrets) > -0.3
    assert np.sum(regrets) > 1  # there was something to be regretted


def test_with_two_decisions_left_the_plan_is_as_good_as_trying_everything():
    """All 90 orders twice, exactly, for each of a few patients whom chance has treated until then."""
    short = []
    for seed in range(6):
        patient = draw([seed], FULL)
        course, chance = Course(patient, FULL), policies.random_orders(np.random.default_rng(seed))
        while course.hour < 36:
            course.step(chance(course.chart()))
        found = hindsight.plan(course, hindsight.table(patient, FULL)).value[0]
        short.append(best_by_trying(course) - found)
    assert short == pytest.approx([0.0] * 6, abs=1e-9)


def best_by_trying(course):
    """The best return from here, every sequence of orders at once as a batch of copies of the patient."""
    rates, value = course.rate, np.zeros(1)
    now = course.concentration[4 * course.hour]
    for start in range(course.hour, c.HOURS, c.STEP):
        step = [
            (i, rate, bolus, hold)
            for i, running in enumerate(rates)
            for rate in np.unique(hindsight._rates(np.array([running])))
            for bolus in c.BOLUSES
            for hold in (0.0, 0.5, 1.0)
        ]
        parent, rate, bolus, hold = (np.array(column) for column in zip(*step, strict=True))
        copies = course.patients[np.zeros(len(parent), dtype=int)]
        batch = Course(copies, FULL)
        batch.hour, batch.rate = start, rates[parent]
        batch.concentration[4 * start] = now[parent]
        earned = batch.step(orders(rate, bolus.astype(float), hold))
        value, rates, now = value[parent] + earned, batch.rate, batch.concentration[4 * batch.hour]
    return value.max()


@pytest.mark.parametrize("setting", [FULL, LABS])
def test_learners_see_and_do_numbers_and_play_the_same_patients(setting):
    ward = Ward(setting)
    seen = ward.reset(range(20))
    rng = np.random.default_rng(0)
    by_hand, total, over = Course(draw(range(20), setting), setting), np.zeros(20), False
    while not over:
        assert seen.shape == (20, len(FEATURES))
        assert np.isfinite(seen).all()
        assert np.abs(seen).max() < 20
        actions = rng.integers(len(ward.actions), size=20)
        by_hand.step(orders_of(by_hand.chart(), actions))
        seen, rewards, over = ward.step(actions)
        total += rewards
    assert total == pytest.approx(by_hand.earned)
    assert np.array_equal(seen, features(by_hand.chart()))
    with pytest.raises(UsageError, match="over; call reset"):
        ward.step(actions)
    ward.reset(range(3))
    with pytest.raises(UsageError, match=f"whole numbers from 0 to {len(numbered(setting)) - 1}"):
        ward.step(np.array([0, 1, 99]))
