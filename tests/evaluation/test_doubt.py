"""What is left of an optimum's claim."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.construction.build import construct
from harness.core import strict_json
from harness.evaluation import doubt as module
from harness.evaluation.doubt import BOOTSTRAP, CLAIM, HELD_OUT, LEFT_OUT, TRUTH, Judged, doubt, survived
from harness.evaluation.off_policy.estimate import FEW
from harness.mdp.build import from_arrays
from harness.mdp.dataset import checked
from harness.reports.doubt import as_json, blocks
from tests.construction.made import small, stand_in


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TRUE_PATIENTS", 200)
        patch.setattr(module, "JUDGES", 40)
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
        assert all(0 <= estimates[by].ess <= 60 for by in ("WIS", "WDR", "FQE"))
        assert estimates["FQE"].n == 120


def test_what_the_data_hardly_hold_has_no_interval_and_nothing_is_read_off_it(found):
    (wis,) = (j for j in found if (j.policy, j.by) == ("optimal", "WIS"))
    assert wis.ess < FEW
    assert not wis.supported
    assert math.isnan(wis.lower)
    assert math.isnan(wis.upper)
    assert math.isnan(survived(found, "optimal", "WIS"))
    (block,) = blocks(found, "A title", "reward")
    (row,) = (row for row in block.rows if row[:2] == ("optimal", "WIS"))
    assert row[3] == row[6] == "–"
    assert any("hardly hold what the policy does" in note for note in block.notes)


def test_what_survives_is_a_gain_over_usual_care_as_the_same_judge_sees_it_or_other_patients_do():
    known = {("optimal", CLAIM): 3.0, ("as in the data", CLAIM): 1.0, ("as in the data", HELD_OUT): 0.5,
             ("as in the data", TRUTH): 0.8, ("optimal", TRUTH): 1.8, ("optimal", LEFT_OUT): 1.5}  # fmt: skip
    judged = [Judged(policy, by, value) for (policy, by), value in known.items()]
    assert [survived(judged, "optimal", by) for by in (TRUTH, LEFT_OUT)] == pytest.approx([0.5, 0.5])


def test_nobody_is_judged_by_the_patients_learned_from(monkeypatch):
    taken, take = [], module.take
    monkeypatch.setattr(module, "take", lambda table, which: (taken.append(set(which.tolist())), take(table, which))[1])
    monkeypatch.setattr(module, "TRUE_PATIENTS", 10)
    monkeypatch.setattr(module, "JUDGES", 2)
    estimated, of_dataset = [], module._estimated
    monkeypatch.setattr(module, "_estimated", lambda *a: (estimated.append(a[2].returns), of_dataset(*a))[1])
    table, recipe = stand_in("hypotension", 40), small("hypotension", 6)
    doubt(table, recipe, resamples=2, seed=1)
    everybody = set(range(40))
    for learned, judging in zip(taken[::2], taken[1::2], strict=True):  # two halves, two resamples
        assert learned | judging == everybody
        assert not learned & judging
    assert taken[2:4] == taken[1::-1]
    for i, returns in enumerate(estimated):  # of each half the optimum and the pessimistic one
        paid = construct(table, recipe).transitions(take(table, np.array(sorted(taken[1 + i // 2 * 2])))).returns
        assert returns == pytest.approx(paid)


def test_what_would_come_after_observation_stops_is_what_the_first_patients_have_for_the_last_state():
    go_on, n = 0.8, 4
    P = np.zeros((3, 1, 3))
    P[:2, 0, 1], P[:2, 0, 2], P[2, 0, 2] = go_on, 1 - go_on, 1
    mdp = from_arrays(P, np.array([[0.0], [1.0], [0.0]]), [1.0, 0.0, 0.0], terminal=[False, False, True])
    ones, zeros = np.ones(n, dtype=int), np.zeros(n, dtype=int)
    data = checked(
        episode=np.arange(n), step=zeros, state=zeros, action=zeros, reward=np.zeros(n), next_state=ones,
        terminated=np.zeros(n, dtype=bool), n_states=3, n_actions=1, discount=go_on,
    )  # fmt: skip
    estimates = {j.by: j.value for j in module._estimated("optimal", np.array([[1.0], [1.0], [0.0]]), data, mdp)}
    assert estimates["WIS"] == pytest.approx(go_on / (1 - go_on))  # nothing now, then 1 a step until the end


def test_the_pessimistic_optimum_claims_less(found):
    value = values(found)
    assert value["pessimistic", CLAIM] <= value["optimal", CLAIM]


def test_the_same_seed_gives_the_same_and_no_resamples_leave_their_rows_out(monkeypatch):
    monkeypatch.setattr(module, "TRUE_PATIENTS", 100)
    monkeypatch.setattr(module, "JUDGES", 20)
    table, recipe = stand_in("hypotension", 40), small("hypotension", 6)
    one, other = (doubt(table, recipe, resamples=0, seed=1) for _ in range(2))
    assert [str(j) for j in one] == [str(j) for j in other]
    assert not [j for j in one if j.by == LEFT_OUT]


def test_it_is_told_in_a_table_and_as_json(found):
    (block,) = blocks(found, "A title", "reward")
    assert len(block.rows) == len(found)
    plain = json.loads(strict_json.dumps(as_json(found)))
    assert all(row["value"] is None or math.isfinite(row["value"]) for row in plain)
    assert {row["by"] for row in plain} >= {CLAIM, HELD_OUT, TRUTH}
