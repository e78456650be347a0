"""The optimum is exact: against an expectation written out, against simulation, and against every other policy."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import policies
from harness.envs.anticoagulation.doac.course import COMEDICATION_CHAIN, Course, kidney_chances, run
from harness.envs.anticoagulation.doac.hazards import MOLECULE, SWITCH, expected
from harness.envs.anticoagulation.doac.optimum import followed, optimum, state_of
from harness.envs.anticoagulation.doac.patients import CREATININE, draw
from harness.envs.anticoagulation.doac.rules import broken
from tests.envs.anticoagulation.doac.test_course import copies

SEED = 100_004


def earned(status, taken, price):
    """What every order earns in one quarter, shape (drugs, holds)."""
    now = -expected(status).weighted - price * broken(status)
    return now[0] - SWITCH[MOLECULE[taken]][:, None]


@pytest.mark.parametrize("price", [0.0, c.RULE_PRICE])
def test_two_quarters_are_the_expectation_written_out(price):
    """Every way in which a patient can come to the second visit, one by one."""
    patients = draw([SEED], quarters=2)
    course = Course(patients, price)
    values = optimum(patients, 0, price)
    status, level = course.status, int(patients.level[0])
    injury, worse = (float(p[0]) for p in kidney_chances(status.diabetes, patients.kidney_disease))
    kidneys = [(level, injury, c.INJURY_LEVELS), (level + 1, worse, 0), (level, 1 - injury - worse, 0)]
    loss = 0.5 if patients.losing_weight[0] else 0.0
    ahead = expected(status)
    for drug, hold in ((0, 0), (2, 0), (7, 2), (1, 5)):
        struck = -np.expm1(-ahead.strokes[0, drug, hold])
        bled = -np.expm1(-ahead.bleedings[0, drug, hold])
        later = 0.0
        for place, chance, raised in kidneys:
            for other, beside in enumerate(COMEDICATION_CHAIN[status.comedication[0]]):
                for procedure, planned in enumerate(c.PROCEDURE_SHARE):
                    for stroke in (False, True):
                        for bleeding in (False, True):
                            p = chance * beside * planned
                            p *= struck if stroke else 1 - struck
                            p *= bled if bleeding else 1 - bled
                            then = replace(
                                status,
                                creatinine=CREATININE[[place + raised]],
                                weight=status.weight - loss,
                                comedication=np.array([other]),
                                procedure=np.array([procedure]),
                                stroke=status.stroke | stroke,
                                bleeding=np.array([2]) if bleeding else np.minimum(status.bleeding, 1),
                            )
                            later += p * earned(then, drug, price).max()
        value = earned(status, int(course.drug[0]), price)[drug, hold] + later
        assert values.action_values(state_of(course))[drug, hold] == pytest.approx(value, abs=1e-10)


def test_what_is_promised_is_earned_in_the_mean_by_one_patient_with_many_futures():
    patients = draw([SEED])
    values = optimum(patients)
    many = copies(patients, 0, 300, np.random.default_rng(0))
    once = SimpleNamespace(best=lru_cache(maxsize=None)(values.best))  # many are in the same state
    found = followed(many, [once] * len(many)).rewards.sum(axis=1)
    promised = values.value(state_of(Course(patients)))
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - promised) < 4 * error
    assert error < 0.15 * abs(promised)
    for policy in (policies.label(), policies.hemosim, policies.constant("dabigatran_150", hold=True)):
        assert run(many, policy).rewards.sum(axis=1).mean() < promised


def test_the_last_quarter_is_what_is_earned_in_it():
    patients = draw([SEED], quarters=1)
    course = Course(patients)
    found = optimum(patients).action_values(state_of(course))
    assert found == pytest.approx(earned(course.status, int(course.drug[0]), c.RULE_PRICE))


def test_with_priced_rules_the_best_orders_keep_them_and_with_free_ones_they_do_not():
    patients = draw(range(100_000, 100_004))
    n = len(patients)
    priced = followed(patients, [optimum(patients, i) for i in range(n)])
    assert priced.right.mean() > 0.99
    free = followed(patients, [optimum(patients, i, 0.0) for i in range(n)], price=0.0)
    assert 0.2 < free.right.mean() < 0.8
    assert free.weighted.sum() < priced.weighted.sum()
