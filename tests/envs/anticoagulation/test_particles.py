"""Bayes: resampling keeps its promises, belief comes nearer to the truth, and acting on it pays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.envs.anticoagulation.metrics import rosendaal
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin import model, policies
from harness.envs.anticoagulation.warfarin.clinic import Course, run
from harness.envs.anticoagulation.warfarin.particles import Bayes, KnownPatient, drawn_anew, prior, updated
from harness.envs.anticoagulation.warfarin.patients import draw


@given(st.lists(st.lists(st.floats(0.001, 1), min_size=6, max_size=6), min_size=1, max_size=5), st.integers(1, 40))
def test_each_particle_is_drawn_as_often_as_its_weight_says_give_or_take_one(weights, size):
    w = np.array(weights)
    w /= w.sum(axis=1, keepdims=True)
    drawn = drawn_anew(w, size)
    assert drawn.shape == (len(w), size)
    for row, places in zip(w, drawn, strict=True):
        counts = np.bincount(places, minlength=6)
        assert np.all(np.abs(counts - size * row) <= 1 + 1e-9)


def believed_dose(belief):
    doses = model.maintenance_dose(belief.pharmacology).reshape(belief.weights.shape)
    return np.exp((belief.weights * np.log(doses)).sum(axis=1))


def followed(patients, days, genotype_known=True):
    """The charts of patients under the nomogram, every two weeks up to some day."""
    course = Course(patients, genotype_known=genotype_known)
    nomogram, charts = policies.nomogram(), []
    everyone = np.arange(len(patients))
    while course.day <= days:
        who = course.at_visit()
        if course.day % 14 == 0:
            charts.append(course.chart(everyone))
        course.order(who, nomogram(course.chart(who)))
        course.pass_day()
    return charts


@pytest.mark.parametrize("genotype_known", [True, False])
def test_inrs_bring_belief_nearer_to_the_dose_that_a_patient_needs(genotype_known):
    patients = draw(range(100), c.TITRATION_DAYS)
    needed = np.log(model.maintenance_dose(patients.pharmacology))
    *_, later = followed(patients, 56, genotype_known)
    before = prior(later)
    after = updated(prior(later), later)
    off = [np.sqrt(np.mean((np.log(believed_dose(belief)) - needed) ** 2)) for belief in (before, after)]
    assert off[1] < 0.75 * off[0]
    assert after.weights.sum(axis=1) == pytest.approx(np.ones(100))


def test_belief_is_the_same_whoever_else_is_believed_about_and_in_pieces_or_at_once():
    patients = draw(range(10), c.TITRATION_DAYS)
    first, between, later = followed(patients, 28)
    at_once = updated(prior(later), later)
    in_pieces = updated(updated(updated(prior(first), first), between), later)
    assert believed_dose(in_pieces) == pytest.approx(believed_dose(at_once), rel=1e-9)
    alone = followed(patients[np.array([3])], 28)[-1]
    assert believed_dose(updated(prior(alone), alone)) == pytest.approx(believed_dose(at_once)[3:4], rel=1e-6)


def test_acting_on_belief_beats_the_nomogram_and_knowing_beats_believing():
    patients = draw(range(100_000, 100_060), c.TITRATION_DAYS)
    rules = (policies.nomogram(), Bayes(), KnownPatient(patients))
    courses = [run(patients, rule) for rule in rules]
    nomogram, bayes, known = (rosendaal(np.arange(91), course.measured).within.mean() for course in courses)
    assert bayes > 0.70
    assert bayes > nomogram + 0.10
    assert known > bayes + 0.04
    assert known > 0.80
    blind = run(patients, Bayes(), genotype_known=False)
    assert nomogram + 0.05 < rosendaal(np.arange(91), blind.measured).within.mean() < bayes + 0.02


def test_patients_who_come_apart_are_refused():
    patients = draw(range(4), c.TITRATION_DAYS)
    later = followed(patients, 14)[-1]
    bayes = Bayes()
    bayes(later)
    apart = followed(patients[np.array([0, 1])], 14)[-1]
    with pytest.raises(UsageError, match="2 of 4 patients came to a visit"):
        bayes(apart)
