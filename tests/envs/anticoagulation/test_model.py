"""Hamberg's models: against their equations, their published doses, and what must hold for any patient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin import hamberg2007, model
from harness.envs.anticoagulation.warfarin.model import Pharmacology
from harness.envs.anticoagulation.warfarin.patients import CYP2C9_CLEARANCE, CYP2C9_NAMES, VKORC1_EC50, VKORC1_NAMES

ABSORPTION = 2.0  # per hour, Hamberg 2010


def typical(age=71):
    """Patients of the published model itself, without scale or spread: every CYP2C9 with every VKORC1 genotype."""
    clearance = np.repeat(CYP2C9_CLEARANCE, len(VKORC1_NAMES)) * (1 + c.CLEARANCE_PER_YEAR * (age - c.REFERENCE_AGE))
    ec50 = np.tile(VKORC1_EC50, len(CYP2C9_NAMES))
    return Pharmacology(clearance, np.full(len(ec50), c.VOLUME), ec50)


def course(pharmacology, doses, drift=0.0):
    """INR after each day of the same doses for all."""
    kinetics, state, found = pharmacology.kinetics(), model.untreated(len(pharmacology.ec50)), []
    for dose in doses:
        n = len(state.amount)
        state = model.after_a_day(state, kinetics, np.full(n, dose), np.full(n, drift))
        found.append(state.inr)
    return np.array(found)


def integrated(clearance, volume, ec50, doses):
    """The same for one patient by the differential equations, with absorption."""

    def change(_, y):
        rate = clearance / volume
        odds = (max(y[1], 0.0) / volume / ec50) ** c.HILL
        fast, slow = (c.COMPARTMENTS / hours for hours in c.TRANSIT_TIMES)
        entering = odds / (1 + odds)
        return [
            -ABSORPTION * y[0],
            ABSORPTION * y[0] - rate * y[1],
            *(fast * (a - b) for a, b in ((entering, y[2]), (y[2], y[3]), (y[3], y[4]))),
            *(slow * (a - b) for a, b in ((entering, y[5]), (y[5], y[6]), (y[6], y[7]))),
        ]

    y, found = np.zeros(8), []
    for dose in doses:
        y[0] += dose / 2
        y = solve_ivp(change, (0, 24), y, rtol=1e-7, atol=1e-9).y[:, -1]
        found.append(1 + 20 * (y[4] + y[7]) / 2)
    return np.array(found)


@pytest.mark.parametrize(("clearance", "ec50", "dose"), [(0.348, 3.01, 5.0), (0.174, 1.92, 2.5), (0.45, 4.1, 10.0)])
def test_a_day_at_a_time_is_the_differential_equations(clearance, ec50, dose):
    doses = [dose] * 10 + [0.0] + [dose] * 9
    patient = Pharmacology(np.array([clearance]), np.array([c.VOLUME]), np.array([ec50]))
    assert course(patient, doses)[:, 0] == pytest.approx(integrated(clearance, c.VOLUME, ec50, doses), abs=0.02)


def test_the_2007_model_gives_2_5_to_the_doses_of_its_table_5():
    assert np.abs(hamberg2007.table_5_inrs() / 2.5 - 1).max() < 0.03


def test_the_2010_model_needs_the_published_doses():
    """Closed form at 71 years: *1/*1 needs 7.7, 5.7 and 3.6 mg a day with GG, GA and AA."""
    dose = model.maintenance_dose(typical()).reshape(len(CYP2C9_NAMES), len(VKORC1_NAMES))
    assert dose[0] == pytest.approx([7.7, 5.7, 3.6], abs=0.06)
    assert (np.diff(dose, axis=1) < 0).all()  # GG > GA > AA
    assert (np.diff(dose[[0, 1, 2, 5]], axis=0) < 0).all()  # *1/*1 > *1/*2 > *1/*3 > *3/*3
    assert np.all(model.maintenance_dose(typical(age=50)) > model.maintenance_dose(typical(age=80)))


def test_the_maintenance_dose_holds_its_inr():
    for inr in (2.0, 2.5, 3.5):
        patients = typical()
        dose = model.maintenance_dose(patients, inr)
        assert model.steady(patients.kinetics(), dose).inr == pytest.approx(np.full(len(dose), inr), abs=0.03)
        steady = model.steady_inr(patients.kinetics(), dose, np.zeros(1))
        assert steady == pytest.approx(np.full(len(dose), inr), abs=0.03)


def test_a_steady_state_stays():
    patients = typical()
    kinetics, dose = patients.kinetics(), model.maintenance_dose(patients)
    state = model.steady(kinetics, dose)
    after = model.after_a_day(state, kinetics, dose, np.zeros(len(dose)))
    assert after.inr == pytest.approx(state.inr, abs=1e-9)
    assert after.amount == pytest.approx(state.amount, rel=1e-9)


positive = st.floats(0.3, 3.0)


@settings(max_examples=40)
@given(st.floats(0.05, 0.6), positive, positive, st.lists(st.floats(0, 15), min_size=5, max_size=25))
def test_inr_stays_in_bounds_and_rises_with_dose_and_sensitivity(clearance, volume, ec50, doses):
    patient = Pharmacology(np.array([clearance]), np.array([c.VOLUME * volume]), np.array([3.0 * ec50]))
    inr = course(patient, doses)
    assert inr.min() >= 1.0
    assert inr.max() <= 21.0
    assert (course(patient, [d + 0.5 for d in doses]) >= inr).all()
    assert (course(patient, doses, drift=-0.3) >= inr).all()


def test_a_dose_far_too_high_is_not_capped_at_a_mild_inr():
    inr = course(typical(), [15.0] * 60)[-1].reshape(len(CYP2C9_NAMES), len(VKORC1_NAMES))
    assert inr[0, 0] > 3.5  # the least sensitive
    assert inr[-1, -1] > 12  # the most sensitive: an INR that kills


def test_rewards_change_where_the_constants_say():
    found = model.reward(np.array([1.49, 1.5, 1.99, 2.0, 3.0, 3.01, 4.0, 4.01, 5.0, 5.01]))
    assert found.tolist() == [-1, 0, 0, 1, 1, 0, 0, -2, -2, -5]
