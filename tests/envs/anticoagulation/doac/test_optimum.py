"""The optimum is exact: against an expectation written out, against simulation, and against every other policy."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import policies
from harness.envs.anticoagulation.doac.course import (
    COMEDICATION_CHAIN,
    PROCEDURE_EDGES,
    Course,
    Orders,
    kidney_chances,
    run,
)
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


def pieces(*edges):
    """Places in the parts that these edges divide 0 to 1 into, and how long the parts are."""
    ends = np.unique(np.clip([0.0, *edges, 1.0], 0.0, 1.0))
    return (ends[1:] + ends[:-1]) / 2, np.diff(ends)


@pytest.mark.parametrize("number", range(8))
def test_wherever_play_leads_an_order_is_worth_its_reward_and_what_the_simulation_leads_to(number):
    """After odd orders and much ill luck; every way in which the simulator's numbers can fall, one by one."""
    rng, quarters = np.random.default_rng(number), 5
    who, price = draw([SEED + number], quarters=quarters), [0.0, c.RULE_PRICE][number % 2]
    values, t = optimum(who, 0, price), 1 + number % (quarters - 1)
    orders = [Orders(*(np.array([int(rng.integers(n))]) for n in (len(c.DRUGS), c.LONGEST_HOLD + 1))) for _ in range(t)]
    shape = (1, quarters)
    unlucky = replace(
        who,
        kidneys=rng.random(shape) ** 4,
        events=rng.random((*shape, 3)) ** 6,
        procedures=rng.choice([0.5, 0.97], shape),
    )
    now = Course(unlucky, price)
    for order in orders:
        now.order(order)
    drug, hold = int(rng.integers(len(c.DRUGS))), int(rng.integers(c.LONGEST_HOLD + 1))
    injury, worse = (float(p[0]) for p in kidney_chances(now.status.diabetes, who.kidney_disease))
    ahead = expected(now.status)
    parts = (
        pieces(injury, injury + worse, c.INJURY_LASTS, c.INJURY_LASTS + (1 - c.INJURY_LASTS) * c.INJURY_LEAVES),
        pieces(*np.cumsum(COMEDICATION_CHAIN[now.status.comedication[0]])),
        pieces(*PROCEDURE_EDGES) if t + 1 < quarters else pieces(),
        pieces(-np.expm1(-ahead.strokes[0, drug, hold])),
        pieces(-np.expm1(-ahead.bleedings[0, drug, hold])),
    )
    u = np.array(list(product(*(places for places, _ in parts))))
    chance = np.array([np.prod(lengths) for lengths in product(*(lengths for _, lengths in parts))])
    n = len(u)
    futures = {name: np.repeat(getattr(unlucky, name), n, axis=0) for name in ("kidneys", "other_drugs", "procedures")}
    futures["events"] = np.repeat(unlucky.events, n, axis=0)
    futures["kidneys"][:, t], futures["other_drugs"][:, t], futures["events"][:, t, :2] = u[:, 0], u[:, 1], u[:, 3:]
    if t + 1 < quarters:
        futures["procedures"][:, t + 1] = u[:, 2]
    course = Course(replace(copies(unlucky, 0, n, rng), **futures), price)
    for order in (*orders, Orders(np.array([drug]), np.array([hold]))):
        course.order(Orders(np.repeat(order.drug, n), np.repeat(order.hold, n)))
    value = lru_cache(maxsize=None)(values.value)
    later = [0.0 if course.over else value(state_of(course, i)) for i in range(n)]
    found = values.action_values(state_of(now))[drug, hold]
    assert found == pytest.approx(chance @ (course.rewards[:, t] + later), abs=1e-9)


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
