"""The clinic's rules on single charts, and what they are worth on many patients: good decisions must beat bad ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.core.seeds import stream
from harness.envs.anticoagulation.metrics import rosendaal
from harness.envs.anticoagulation.warfarin import algorithms, policies
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.clinic import Chart, run
from harness.envs.anticoagulation.warfarin.patients import Covariates, draw

PATIENTS = 500


def chart(*inrs, weekly=35.0, every=7, settled=False):
    """One patient, 60 years old, measured at the visits up to today."""
    day = every * (len(inrs) - 1)
    measured = np.full((1, day + 1), np.nan)
    measured[0, ::every] = inrs
    who = Covariates(*(np.array([v]) for v in (60.0, 170.0, 80.0, False, False, 0, 0)))
    return Chart(who, day, 90, np.array([weekly]), measured, np.zeros((1, day)), np.zeros((1, day + 1), int), settled)


def ordered(policy, *inrs, **options):
    orders = policy(chart(*inrs, **options))
    return float(orders.weekly[0]), int(orders.hold[0]), int(orders.visit[0])


# --------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("inr", "expected"),
    [
        (1.5, (40.0, 0, 7)),  # +15 %, to half a mg
        (1.6, (38.5, 0, 7)),
        (1.9, (38.5, 0, 7)),
        (2.0, (35.0, 0, 7)),
        (3.0, (35.0, 0, 7)),
        (3.1, (31.5, 0, 7)),
        (3.9, (31.5, 0, 7)),
        (4.0, (31.5, 1, 7)),
        (4.9, (31.5, 1, 7)),
        (5.0, (30.0, 3, 3)),
        (9.5, (30.0, 3, 3)),
    ],
)
def test_the_nomogram_by_its_table(inr, expected):
    assert ordered(policies.nomogram(), 2.5, inr) == expected


def test_a_high_inr_is_waited_for_and_the_dose_lowered_once():
    nomogram = policies.nomogram()
    assert ordered(nomogram, 2.5, 6.0, 4.5, every=3, weekly=30.0) == (30.0, 3, 3)
    assert ordered(nomogram, 6.0, 2.8, every=3, weekly=30.0) == (30.0, 0, 7)


def test_first_doses_are_by_the_algorithm_and_can_be_ordered():
    assert ordered(policies.nomogram(), 1.0, weekly=0.0) == (35.0, 0, 7)
    assert ordered(policies.nomogram(algorithms.iwpc_pharmacogenetic), 1.0, weekly=0.0) == (42.0, 0, 7)  # 6.1 mg
    doses = policies.first_dose(algorithms.iwpc_pharmacogenetic, draw(range(200), 1).covariates)
    assert set(doses) <= set(c.STARTING_DOSES)
    assert len(set(doses)) >= 5


def test_visits_of_a_settled_patient_are_stretched_while_in_range():
    visits = [
        ordered(policies.nomogram(), *inrs, settled=True)[2]
        for inrs in ((2.5,), (2.5, 2.5), (2.5, 2.5, 2.5), (2.5, 1.8), (1.8, 2.5), (1.8, 2.5, 2.5))
    ]
    assert visits == [7, 14, 28, 7, 7, 14]


@pytest.mark.parametrize(
    ("inrs", "weekly", "expected"),
    [
        ((1.0,), 0.0, (35.0, 0, 3)),
        ((1.0, 2.4), 35.0, (35.0, 0, 3)),
        ((1.0, 3.4), 35.0, (17.5, 0, 3)),
        ((1.0, 4.0), 35.0, (10.5, 0, 3)),
        ((1.0, 4.1), 35.0, (10.5, 3, 3)),
        ((1.0, 1.1, 1.3), 35.0, (70.0, 0, 7)),
        ((1.0, 1.1, 1.9), 35.0, (52.5, 0, 7)),
        ((1.0, 1.1, 2.9), 35.0, (35.0, 0, 7)),
        ((1.0, 1.1, 3.9), 35.0, (17.5, 0, 7)),
        ((1.0, 1.1, 4.5), 35.0, (10.5, 1, 7)),
        ((1.0, 1.1, 4.6), 35.0, (10.5, 2, 7)),
        ((1.0, 1.1, 2.0, 1.4), 40.0, (48.0, 0, 7)),
        ((1.0, 1.1, 2.0, 1.9), 40.0, (44.0, 0, 7)),
        ((1.0, 1.1, 2.0, 3.0), 40.0, (40.0, 0, 7)),
        ((1.0, 1.1, 2.0, 4.5), 40.0, (36.0, 0, 7)),
        ((1.0, 1.1, 2.0, 4.6), 40.0, (32.0, 3, 3)),
    ],
)
def test_the_ebm_protocol_by_its_tables(inrs, weekly, expected):
    assert ordered(policies.ebm, *inrs, weekly=weekly, every=3) == expected


def test_gage_needs_genotypes():
    who = draw(range(3), 1).covariates
    with pytest.raises(UsageError, match="needs the genotypes"):
        algorithms.gage(who.without_genotype())


# --------------------------------------------------------------------------- what they are worth


@cache
def patients():
    return draw(range(100_000, 100_000 + PATIENTS), c.TITRATION_DAYS)


@cache
def time_in_range(name):
    rules = {
        "nomogram": policies.nomogram(),
        "pharmacogenetic": policies.nomogram(algorithms.iwpc_pharmacogenetic),
        "gage": policies.nomogram(algorithms.gage),
        "ebm": policies.ebm,
        "random": policies.random_changes(stream(0, "test")),
    }
    policy = rules[name] if isinstance(name, str) else policies.constant(name)
    course = run(patients(), policy)
    return rosendaal(np.arange(91), course.measured).within, course


@pytest.mark.parametrize("dose", [0.0, 1.5, 2.5, 4.0, 5.0, 6.0, 7.5, 10.0, 15.0])
def test_no_constant_dose_beats_the_nomogram(dose):
    gained = time_in_range("nomogram")[0] - time_in_range(dose)[0]
    assert gained.mean() - 3 * gained.std() / np.sqrt(PATIENTS) > 0.10


def test_the_nomogram_beats_chance_by_15_points():
    assert (time_in_range("nomogram")[0] - time_in_range("random")[0]).mean() > 0.15


def test_knowing_genotypes_helps_and_protocols_are_alike():
    nomogram = time_in_range("nomogram")[0].mean()
    for name in ("pharmacogenetic", "gage", "ebm"):
        assert 0.0 < time_in_range(name)[0].mean() - nomogram < 0.10


def test_a_dose_far_too_high_harms_and_more_harms_more():
    courses = [time_in_range(dose)[1] for dose in (5.0, 10.0, 15.0)]
    dangerous = [(course.true_inr.max(axis=1) > c.DANGEROUS).mean() for course in courses]
    assert dangerous[0] < 0.3 < 0.5 < dangerous[1] < dangerous[2]
    assert dangerous[2] > 0.8
    returns = [course.returns().mean() for course in courses]
    assert returns[0] > returns[1] + 50 > returns[2] + 100


def test_no_dose_at_all_leaves_everyone_out_of_range():
    share, course = time_in_range(0.0)
    assert share.max() < 0.1  # measured INRs only: the laboratory errs
    assert course.returns().max() == -c.TITRATION_DAYS - c.VISIT_COST * 13
