"""The plan in hindsight: what it promises it keeps, and nothing that can be tried does better."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin import model, policies
from harness.envs.anticoagulation.warfarin.actions import CHANGES, new_weekly
from harness.envs.anticoagulation.warfarin.clinic import Course, Orders, run
from harness.envs.anticoagulation.warfarin.oracle import followed, plan
from harness.envs.anticoagulation.warfarin.patients import draw

SEEDS = range(100_000, 100_025)


def one(seed, days=c.TITRATION_DAYS, settled=False):
    return draw([seed], days, settled=settled)


def begun(seed):
    return plan(one(seed), model.untreated(1), 0, 0.0)


def test_a_plan_earns_what_it_says():
    for seed in SEEDS[:8]:
        course = followed(one(seed), settled=False)
        assert course.returns()[0] == pytest.approx(begun(seed).value)
        assert course.visits()[0] == len(begun(seed).decisions)


def test_no_rule_beats_the_plan_for_any_patient():
    patients = draw(SEEDS, c.TITRATION_DAYS)
    best = np.array([begun(seed).value for seed in SEEDS])
    for rule in (policies.nomogram(), policies.ebm, *(policies.constant(dose) for dose in (1.5, 4.0, 7.5))):
        assert np.all(run(patients, rule).returns() < best)


def test_a_wider_search_finds_hardly_more():
    narrow = [begun(seed).value for seed in SEEDS[:12]]
    wide = [plan(one(seed), model.untreated(1), 0, 0.0, width=80).value for seed in SEEDS[:12]]
    gained = np.subtract(wide, narrow)
    assert gained.min() >= -0.5
    assert gained.mean() < 0.4


def every_sequence(patient, weekly, state):
    """The most that any two visits earn, the second after 3 days, or one alone: everything tried, six days."""
    orders = list(product(CHANGES.values(), range(8)))
    first = [(a, b) for a in orders for b in (*orders, None)]
    course = Course(patient[np.zeros(len(first), dtype=int)], settled=True)
    course.state, course.weekly = state[np.zeros(len(first), dtype=int)], np.full(len(first), weekly)
    course.true_inr[:, 0] = course.state.inr

    def order(which, who):
        change, hold = (np.array(values) for values in zip(*which, strict=True))
        course.order(who, Orders(new_weekly(course.weekly[who], change), hold, np.full(len(who), 99)))

    order([a for a, _ in first], np.arange(len(first)))
    for _ in range(3):
        course.pass_day()
    again = np.array([i for i, (_, b) in enumerate(first) if b is not None])
    order([b for _, b in first if b is not None], again)
    for _ in range(3):
        course.pass_day()
    visits = np.ones(len(first))
    visits[again] = 2
    return float((course.rewards(0, 6) - c.VISIT_COST * visits).max())


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
def test_in_a_week_it_equals_trying_everything(factor):
    """Patients who come underdosed, well dosed and overdosed."""
    for seed in range(8):
        patient = one(seed, days=6, settled=True)
        dose = factor * model.maintenance_dose(patient.pharmacology)
        state = model.steady(patient.pharmacology.kinetics(), dose)
        weekly = float(new_weekly(7 * dose, 0)[0])
        found = plan(patient, state, 0, weekly, settled=True).value
        assert found == pytest.approx(every_sequence(patient, weekly, state))
