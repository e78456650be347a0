"""The original's formulas, pinned by cases computed by hand."""

from __future__ import annotations

import pytest

from harness.envs.polypharmacy import original
from harness.envs.polypharmacy.rows import BeersKind


@pytest.mark.parametrize(
    ("pairs", "beers", "high_risk", "drugs", "expected"),
    [
        ([], [], 0, 0, 0.0),
        ([], [], 0, 4, 0.0),
        ([0.8], [], 0, 4, 0.2),
        ([0.8, 0.4], [BeersKind.AVOID], 1, 5, (1.2 + 0.30 + 0.05) / 5),
        ([], list(BeersKind), 2, 10, (0.30 + 0.25 + 0.12 + 0.10 + 0.10) / 10),
        ([1.0, 1.0, 1.0], [BeersKind.AVOID], 0, 3, 1.0),  # 1.1, clipped
    ],
)
def test_risk_is_the_sum_divided_by_the_number_of_drugs(pairs, beers, high_risk, drugs, expected):
    assert original.risk(pairs, beers, high_risk, drugs) == pytest.approx(expected, abs=1e-12)


def test_taking_a_harmless_drug_away_raises_the_risk_which_is_the_fault_that_was_kept():
    assert original.risk([0.8], [], 0, 3) > original.risk([0.8], [], 0, 4)


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.25, 0.001), (0.0, 0.001), (0.0005, 0.001), (0.5, 0.5), (0.9995, 0.999), (3.0, 0.999)]
)
def test_the_clamp_hides_the_sign_of_every_cost(value, expected):
    assert original.clamped(value) == expected


def test_rewards():
    assert original.query_reward() == pytest.approx(-0.015)
    assert original.query_reward(severe=True) == pytest.approx(0.035)
    assert original.query_reward(moderate=True) == pytest.approx(0.005)
    assert original.intervention_reward(0.5, 0.3) == pytest.approx(0.175)
    assert original.intervention_reward(0.3, 0.3) == pytest.approx(-0.025)
    assert (original.INVALID_COST, original.TIMEOUT_COST) == (0.15, 0.25)


@pytest.mark.parametrize(("first", "last", "share"), [(0.4, 0.1, 0.75), (0.4, 0.5, 0.0), (0.0, 0.0, 0.0)])
def test_the_share_of_the_risk_that_is_gone(first, last, share):
    assert original.reduction(first, last) == pytest.approx(share)


def test_the_easy_grader():
    assert original.easy_score(0.4, 0.1, touched=True) == pytest.approx(0.5 * 0.75 + 0.5)
    assert original.easy_score(0.4, 0.1, touched=False) == pytest.approx(0.375)
    assert original.easy_score(0.4, 0.0, touched=True) == 0.999
    assert original.easy_score(0.4, 0.4, touched=False) == 0.001


def test_the_medium_grader():
    score = original.medium_score(0.5, 0.25, lowered=1, interventions=2, found=3, queries=8)
    assert score == pytest.approx(0.5 * 0.5 + 0.3 * 0.5 + 0.2 * 3 / 8)
    assert original.medium_score(0.5, 0.5, lowered=0, interventions=0, found=0, queries=0) == 0.001


def test_the_hard_grader():
    assert original.hard_score(0.5, 0.1, drug_changes=3, critical_stops=1) == pytest.approx(0.8 - 0.15 - 0.20)
    assert original.hard_score(0.5, 0.4, drug_changes=5, critical_stops=0) == 0.001  # 0.2 - 0.25
