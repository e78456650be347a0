"""What is left of an optimum's claim."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.evaluation import doubt as module
from harness.evaluation.doubt import BOOTSTRAP, CLAIM, HELD_OUT, LEFT_OUT, TRUTH, doubt, survived
from harness.reports.doubt import as_json, blocks
from tests.construction.made import small, stand_in


@pytest.fixture(scope="module")
def found():
    module.TRUE_PATIENTS = 200
    module.JUDGES = 40
    return doubt(stand_in("hypotension", 120), small("hypotension", 20), resamples=3, seed=0)


def values(found):
    return {(j.policy, j.by): j.value for j in found}


def test_the_optimum_claims_more_than_other_patients_and_the_truth_grant(found):
    value = values(found)
    assert value["optimal", CLAIM] > value["optimal", HELD_OUT]
    assert value["optimal", CLAIM] > value["optimal", LEFT_OUT]
    assert value["optimal", CLAIM] > value["optimal", TRUTH]
    assert survived(found, "optimal", CLAIM) == pytest.approx(1)
    assert survived(found, "optimal", HELD_OUT) < 1


def test_what_other_patients_say_has_an_interval_that_says_what_it_is_of(found):
    held = [j for j in found if j.by == HELD_OUT]
    assert len(held) == 3
    assert all(j.lower < j.value < j.upper and "with these states" in j.note for j in held)
    (usual,) = (j for j in held if j.policy == "as in the data")
    (optimal,) = (j for j in held if j.policy == "optimal")
    assert usual.upper - usual.lower < optimal.upper - optimal.lower
    (claim,) = (j for j in found if j.by == BOOTSTRAP)
    assert "not what a policy is worth" in claim.note


def test_the_datas_own_policy_is_judged_alike_by_all(found):
    value = values(found)
    known = [value["as in the data", by] for by in (CLAIM, HELD_OUT, TRUTH)]
    assert max(known) - min(known) < 0.6


def test_every_policy_has_its_off_policy_estimates_with_effective_episodes(found):
    for policy in ("optimal", "pessimistic"):
        estimates = {j.by: j for j in found if j.policy == policy}
        assert {"WIS", "WDR", "FQE"} <= set(estimates)
        assert all("effective episodes" in estimates[by].note for by in ("WIS", "WDR", "FQE"))
        assert estimates["FQE"].n == 120


def test_the_pessimistic_optimum_claims_less(found):
    value = values(found)
    assert value["pessimistic", CLAIM] <= value["optimal", CLAIM]


def test_the_same_seed_gives_the_same_and_no_resamples_leave_their_rows_out():
    table, recipe = stand_in("hypotension", 40), small("hypotension", 6)
    one, other = (doubt(table, recipe, resamples=0, seed=1) for _ in range(2))
    assert [str(j) for j in one] == [str(j) for j in other]
    assert not [j for j in one if j.by == LEFT_OUT]


def test_it_is_told_in_a_table_and_as_json(found):
    (block,) = blocks(found, "A title", "reward")
    assert len(block.rows) == len(found)
    plain = as_json(found)
    assert all(row["value"] is None or math.isfinite(row["value"]) for row in plain)
    assert {row["by"] for row in plain} >= {CLAIM, HELD_OUT, TRUTH}
