"""Patients from quarter to quarter: what happens by itself, and that no order changes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import policies
from harness.envs.anticoagulation.doac.course import COMEDICATION_CHAIN, Course, Orders, run
from harness.envs.anticoagulation.doac.patients import CREATININE, Patients, draw
from tests.envs.anticoagulation.doac.people import place

SEEDS = range(100_000, 100_400)


@pytest.fixture(scope="module")
def patients():
    return draw(SEEDS)


def test_a_batch_is_its_patients_one_by_one(patients):
    course = run(patients, policies.label())
    for i in (0, 7, 123):
        alone = run(draw([SEEDS[i]]), policies.label())
        assert alone.rewards[0].tolist() == course.rewards[i].tolist()
        assert alone.status.creatinine[0] == course.status.creatinine[i]
        assert alone.bleedings[0].tolist() == course.bleedings[i].tolist()


def test_orders_change_strokes_bleedings_and_nothing_else(patients):
    some, others = Course(patients), Course(patients)
    none, much = np.zeros(len(SEEDS), dtype=int), np.full(len(SEEDS), place("apixaban_10"))
    while not some.over:
        some.order(Orders(none, none))
        others.order(Orders(much, none))
        for name in ("age", "weight", "creatinine", "comedication", "procedure", "valve", "liver"):
            assert (getattr(some.status, name) == getattr(others.status, name)).all()
    assert some.strokes.sum() > 1.8 * others.strokes.sum()
    assert others.bleedings.sum() > 1.5 * some.bleedings.sum()


def test_kidneys_decline_drugs_come_and_go_and_procedures_are_planned(patients):
    course, seen = Course(patients), []
    while not course.over:
        seen.append((course.status.crcl, course.status.comedication, course.status.procedure))
        course.order(policies.label()(course.view))
    crcl, other, procedure = (np.array(values) for values in zip(*seen, strict=True))
    lost = (crcl[0] - course.status.crcl).mean() / (c.QUARTERS * c.QUARTER)
    assert 1.0 < lost < 3.0  # mL/min a year
    assert (procedure > 0).mean() == pytest.approx(0.06, abs=0.015)
    starts = (other[:-1] == 0) & (other[1:] > 0)
    assert starts.sum() / (other[:-1] == 0).sum() == pytest.approx(c.STARTS, abs=0.015)
    assert (course.status.weight < patients.entry.weight).mean() == pytest.approx(0.15, abs=0.06)


def test_probabilities_of_other_drugs_are_probabilities():
    assert COMEDICATION_CHAIN.sum(axis=1) == pytest.approx(1)
    assert (COMEDICATION_CHAIN >= 0).all()
    assert sum(c.START_SHARE.values()) == pytest.approx(1)
    assert sum(c.PROCEDURE_SHARE) == pytest.approx(1)


def copies(patients: Patients, i: int, n: int, rng) -> Patients:
    """One patient n times, each with a future of their own."""
    shape = (n, patients.quarters)
    who = np.full(n, i)
    return replace(
        patients,
        entry=patients.entry[who],
        **{name: getattr(patients, name)[who] for name in ("level", "kidney_disease", "losing_weight", "drug")},
        **{name: rng.random(shape) for name in ("kidneys", "other_drugs", "procedures")},
        events=rng.random((*shape, 3)),
        bleeding=rng.random((*shape, 3)),
    )


def test_events_come_about_as_often_as_expected(patients):
    many = copies(patients, 3, 4_000, np.random.default_rng(0))
    course = run(many, policies.constant("warfarin"))
    for happened, expected in (
        (course.strokes, course.expected_strokes),
        (course.bleedings, course.expected_bleedings),
        (course.non_major, c.NON_MAJOR * course.expected_bleedings),
    ):
        chance = -np.expm1(-expected)
        error = np.sqrt((chance * (1 - chance)).sum())
        assert abs(happened.sum() - chance.sum()) < 4 * error


def test_creatinine_has_levels_that_can_be_told_apart():
    assert (np.diff(CREATININE) > 0).all()
    assert CREATININE[0] == 0.4


def test_the_label_breaks_no_rule_and_nothing_simple_comes_near(patients):
    label = run(patients, policies.label())
    assert label.right.all()
    chance = run(patients, policies.chance(np.random.default_rng(1)))
    assert chance.right.mean() < 0.4
    for name in c.DRUGS:
        constant = run(patients, policies.constant(name, hold=True))
        assert constant.right.mean() < 0.85
        assert constant.rewards.sum(axis=1).mean() < label.rewards.sum(axis=1).mean()
    assert run(patients, policies.hemosim).right.mean() < 0.7


def test_changing_the_drug_costs_and_changing_the_dose_or_stopping_does_not(patients):
    course = Course(patients)
    first = np.full(len(SEEDS), place("apixaban_5"))
    course.order(Orders(first, np.zeros_like(first)))
    for drug, cost in (("apixaban_2.5", 0.0), ("none", 0.0), ("warfarin", c.SWITCH_COST), ("apixaban_5", 0.0)):
        branch = Course(patients, price=0.0)
        branch.order(Orders(first, np.zeros_like(first)))
        second = np.full(len(SEEDS), place(drug))
        branch.order(Orders(second, np.zeros_like(first)))
        assert -branch.rewards[:, 1] - branch.weighted[:, 1] == pytest.approx(cost)
