"""Kinetics against their differential equation, patients and laboratory from their streams."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin import laboratory, model, policies
from harness.envs.anticoagulation.heparin.infusion import Course, orders, run
from harness.envs.anticoagulation.heparin.patients import draw, pharmacology
from harness.envs.anticoagulation.heparin.setting import FULL, LABS

SEEDS = range(100_000, 100_300)
TYPICAL = pharmacology(np.array([c.REFERENCE_WEIGHT]), np.zeros((1, 4)))


def slope_of(concentration, gain, k):
    saturable = (1 - c.LINEAR) / (1 + concentration / c.HALF_SATURATION)
    return gain - k * (c.LINEAR + saturable) * concentration


@pytest.mark.parametrize(("start", "gain", "k"), [(1.4, 0.3, 1.55), (0.0, 0.3, 1.55), (1.4, 0.0, 4.0), (0.3, 0.8, 0.7)])
def test_steps_of_a_quarter_follow_the_differential_equation(start, gain, k):
    exact = solve_ivp(lambda t, x: slope_of(x, gain, k), (0, 6), [start], t_eval=np.arange(25) / 4, rtol=1e-10)
    now, worst = np.array([start]), 0.0
    for quarter in range(1, 25):
        now = model.after(now, np.array([gain]), np.array([k]))
        worst = max(worst, abs(now[0] - exact.y[0, quarter]))
    assert worst < 0.005 * max(start, exact.y[0].max())


@pytest.mark.parametrize("dose", [25.0, 100.0, 400.0])
def test_half_lives_are_the_integral_of_the_elimination(dose):
    start, k = dose / TYPICAL.volume[0], TYPICAL.elimination[0]
    expected = quad(lambda x: -1 / slope_of(x, 0.0, k), start / 2, start)[0]
    assert model.half_life(dose, TYPICAL)[0] == pytest.approx(expected, rel=1e-9)


def test_a_bolus_halves_within_published_times_and_more_slowly_the_larger_it_is():
    halves = [model.half_life(dose, TYPICAL)[0] for dose in (25.0, 50.0, 100.0, 400.0)]
    assert halves == sorted(halves)
    assert 0.5 <= halves[0] <= halves[2] <= 1.6


def test_more_heparin_is_a_longer_aptt_up_to_a_lethal_one():
    patients = draw(SEEDS, FULL)
    aptts = [np.median(run(patients, FULL, policies.constant(rate)).log_aptt()[-1]) for rate in (0, 8, 16, 24, 40)]
    assert aptts == sorted(aptts)
    assert aptts[0] == pytest.approx(np.log(29), abs=0.03)
    assert aptts[-1] > np.log(200)


def test_rewards_change_at_the_seconds_that_are_named():
    def at(seconds, hour=30):
        return float(model.reward(np.log(np.array([seconds])), hour)[0])

    assert [at(s) for s in (45.4, 45.6, 70.4, 70.6, 90.4, 90.6, 120.4, 120.6)] == [-0.5, 1, 1, 0, 0, -1, -1, -3]
    assert at(30, hour=20) == 0  # below costs only after a day
    assert [at(s, hour=2) for s in (30, 46, 400)] == [0, 1, 1]  # loading
    assert at(400, hour=6) == -3


# --------------------------------------------------------------------------- patients and streams


def test_a_batch_is_its_patients_one_by_one():
    for setting in (FULL, LABS):
        together = run(draw(SEEDS[:5], setting), setting, policies.raschke)
        for i, seed in enumerate(SEEDS[:5]):
            alone = run(draw([seed], setting), setting, policies.raschke)
            assert np.array_equal(alone.concentration[:, 0], together.concentration[:, i])
            assert np.array_equal(alone.samples.value[..., 0], together.samples.value[..., i], equal_nan=True)
            assert alone.earned[0] == together.earned[i]


def test_drawing_blood_changes_no_patient_and_no_later_sample():
    patients = draw(SEEDS, LABS)
    rng = np.random.default_rng(1)
    quiet, drawn = Course(patients, LABS), Course(patients, LABS)
    everything = Course(patients, LABS)
    for hour in range(c.HOURS):
        given = orders(np.full(len(patients), 18.0), 80.0 * (hour == 0))
        quiet.step(given)
        for course, tests in ((drawn, rng.random(given.tests.shape) < 0.3), (everything, np.ones_like(given.tests))):
            course.step(type(given)(given.rate, given.bolus, given.hold, tests))
    assert np.array_equal(quiet.concentration, drawn.concentration)
    both = drawn.samples.drawn
    assert np.array_equal(drawn.samples.value[both], everything.samples.value[both], equal_nan=True)
    assert quiet.earned.mean() - drawn.earned.mean() == pytest.approx(c.LAB_COST * 2 * 0.3 * c.HOURS, rel=0.05)


def test_patients_are_as_spread_as_the_constants_say():
    patients = draw(range(4_000), FULL)
    found = patients.pharmacology
    sized = patients.weight / c.REFERENCE_WEIGHT
    assert np.std(np.log(found.slope)) == pytest.approx(c.SD_LOG_SLOPE, rel=0.05)
    assert np.std(np.log(found.elimination / sized**c.ELIMINATION_EXPONENT)) == pytest.approx(0.30, rel=0.05)
    drift = np.log(patients.elimination / found.elimination / model.acute(np.arange(c.HOURS))[:, None])
    assert drift.std(axis=1) == pytest.approx(np.full(c.HOURS, c.DRIFT_SD), rel=0.06)
    after_12_hours = np.corrcoef(drift[0], drift[12])[0, 1]
    assert after_12_hours == pytest.approx(np.exp(-1), abs=0.05)
    assert patients.weight.mean() == pytest.approx(c.WEIGHT_MEAN, abs=1)


# --------------------------------------------------------------------------- laboratory


def test_results_come_late_some_never_and_some_from_the_wrong_arm():
    patients = draw(range(1_000), LABS)
    course = run(patients, LABS, lambda chart: _everything(chart))
    samples, drawn = course.samples, np.arange(1, c.HOURS)
    delay = samples.known_at[1 : c.HOURS] - drawn[:, None, None]
    assert delay.min() == 1
    assert (delay[:, 0] == 1).mean() == pytest.approx(0.5, abs=0.02)  # the median is an hour
    assert (delay[:, 1] <= 2).mean() == pytest.approx(0.5, abs=0.02)
    assert np.isnan(samples.value[1 : c.HOURS]).mean() == pytest.approx(c.LOST, abs=0.003)
    low = (samples.value[1 : c.HOURS, 1] == c.ANTI_XA_MOST).mean()  # 18 U/kg/h never come near
    assert low == pytest.approx(c.FROM_THE_ARM, abs=0.003)
    true = np.exp(course.log_aptt()[4 : 4 * c.HOURS : 4])
    usual = (samples.value[1 : c.HOURS, 0] < c.APTT_MOST) & (true < 100)
    wrong = np.log(samples.value[1 : c.HOURS, 0] / true)[usual]
    assert np.std(wrong) == pytest.approx(c.LABS_CV, rel=0.05)


def _everything(chart):
    found = policies.constant(12.0)(chart)
    return type(found)(found.rate, found.bolus, found.hold, np.ones_like(found.tests))


def test_what_is_not_known_yet_is_not_in_the_chart():
    course = Course(draw(SEEDS, LABS), LABS)
    given = orders(np.full(len(SEEDS), 18.0))
    course.step(type(given)(given.rate, given.bolus, given.hold, np.ones_like(given.tests)))
    course.step(type(given)(given.rate, given.bolus, given.hold, np.ones_like(given.tests)))
    known = course.chart().samples
    assert known.drawn[1].all()
    come = known.known_at[1, 0] <= 2
    assert 0.3 < come.mean() < 0.7
    assert np.isnan(known.value[1, 0][~come]).all()
    assert (known.known_at[1, 1] == laboratory.NEVER).mean() > 0.9  # an anti-Xa takes two hours


def test_an_aptt_ordered_with_the_first_one_costs_and_changes_nothing():
    course = Course(draw(SEEDS, LABS), LABS)
    first = course.chart().samples.value[0, 0].copy()
    given = orders(np.full(len(SEEDS), 18.0))
    course.step(type(given)(given.rate, given.bolus, given.hold, np.ones_like(given.tests)))
    assert np.array_equal(course.chart().samples.value[0, 0], first)
    assert (course.tests == 2).all()
