"""The simulated patients: their streams, their likeness to the IWPC's, and that nothing ordered changes them."""

from __future__ import annotations

import numpy as np
import pytest

from harness.envs.anticoagulation.warfarin import algorithms, policies
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.clinic import run
from harness.envs.anticoagulation.warfarin.patients import CYP2C9_NAMES, VKORC1_NAMES, Covariates, draw


@pytest.fixture(scope="module")
def many():
    return draw(range(3_000), c.TITRATION_DAYS)


def test_a_patient_belongs_to_a_seed_whoever_else_is_drawn():
    together, alone = draw(range(100_000, 100_020), 90), draw([100_007], 90)
    who = np.array([7])
    for name in ("drift", "missed", "error", "steady_inr"):
        assert np.array_equal(getattr(together[who], name), getattr(alone, name))
    assert together[who].pharmacology.ec50 == alone.pharmacology.ec50
    assert together[who].covariates.weight == alone.covariates.weight


def test_a_longer_episode_begins_like_a_shorter_one():
    short, long = draw([5], 30), draw([5], 90)
    assert np.array_equal(short.drift[0], long.drift[0, :30])
    assert np.array_equal(short.missed[0], long.missed[0, :30])
    assert np.array_equal(short.error[0], long.error[0, :31])


def test_patients_are_like_the_published_ones(many):
    who = many.covariates
    assert who.female.mean() == pytest.approx(c.FEMALE, abs=0.03)
    assert who.amiodarone.mean() == pytest.approx(c.AMIODARONE, abs=0.015)
    assert (who.height.mean(), who.height.std()) == pytest.approx((c.HEIGHT_MEAN, c.HEIGHT_SD), abs=0.7)
    assert (who.weight.mean(), who.weight.std()) == pytest.approx((c.WEIGHT_MEAN, c.WEIGHT_SD), abs=1.3)
    for names, places, frequencies in (
        (CYP2C9_NAMES, who.cyp2c9, c.CYP2C9),
        (VKORC1_NAMES, who.vkorc1, c.VKORC1),
    ):
        for i, name in enumerate(names):
            assert (places == i).mean() == pytest.approx(frequencies[name], abs=0.03)


def test_the_drift_is_stationary_with_its_time_constant(many):
    assert many.drift.std(axis=0) == pytest.approx(np.full(90, c.DRIFT_SD), rel=0.08)
    a_time_constant_later = int(c.DRIFT_DAYS)
    paired = np.corrcoef(many.drift[:, 40], many.drift[:, 40 + a_time_constant_later])[0, 1]
    assert paired == pytest.approx(np.exp(-1), abs=0.05)
    assert np.all(draw(range(9), 5, settled=True).drift[:, 0] == 0)


def test_errors_and_missed_doses_have_their_size(many):
    assert many.missed.mean() == pytest.approx(c.MISSED, abs=0.003)
    assert many.error.std() == pytest.approx(c.INR_CV, rel=0.02)


def test_visits_do_not_change_the_patient():
    """The same dose under visits every 3 days and every 4 weeks: the same INRs, and the same error on the same day."""
    patients = draw(range(100_000, 100_050), c.TITRATION_DAYS)
    often, seldom = (run(patients, policies.constant(5.0, visit)) for visit in (3, 28))
    assert np.array_equal(often.true_inr, seldom.true_inr)
    assert np.array_equal(often.taken, seldom.taken)
    both = ~np.isnan(often.measured) & ~np.isnan(seldom.measured)
    assert both.sum() > 100
    assert np.array_equal(often.measured[both], seldom.measured[both])


# --------------------------------------------------------------------------- first doses


def somebody(**changes):
    values = {
        "age": 60.0, "height": 170.0, "weight": 80.0, "female": False, "amiodarone": False, "cyp2c9": 0, "vkorc1": 0
    } | changes  # fmt: skip
    return Covariates(**{name: np.array([value]) for name, value in values.items()})


def test_the_equations_by_hand():
    """sqrt(mg a week): 5.6044 - 1.5684 + 1.479 + 1.024 = 6.539 and 4.0376 - 1.5276 + 2.006 + 1.072 = 5.588."""
    assert algorithms.iwpc_pharmacogenetic(somebody()) == pytest.approx([6.539**2 / 7], rel=1e-9)
    assert algorithms.iwpc_clinical(somebody()) == pytest.approx([5.588**2 / 7], rel=1e-9)
    sensitive = somebody(age=75.0, cyp2c9=4, vkorc1=2, amiodarone=True)
    assert algorithms.iwpc_pharmacogenetic(sensitive) == pytest.approx(
        [(5.6044 - 1.8298 + 1.479 + 1.024 - 1.6974 - 1.9206 - 0.5503) ** 2 / 7], rel=1e-9
    )
    unknown = somebody(cyp2c9=-1, vkorc1=-1)
    assert algorithms.iwpc_pharmacogenetic(unknown) == pytest.approx([(6.539 - 0.4854 - 0.2188) ** 2 / 7], rel=1e-9)
    surface = 0.007184 * 80**0.425 * 170**0.725
    expected = np.exp(0.9751 - 0.3238 * 2 + 0.4317 * surface - 0.4008 - 0.00745 * 60 - 0.2066 + 0.2029 * 2.5)
    assert algorithms.gage(somebody(cyp2c9=4, vkorc1=2)) == pytest.approx([expected], rel=1e-9)


def test_equations_are_near_the_doses_that_patients_need(many):
    for algorithm in (algorithms.iwpc_clinical, algorithms.iwpc_pharmacogenetic, algorithms.gage):
        assert 4.2 < algorithm(many.covariates).mean() < 5.2
