"""Policies of a construction acted out in the process that a stand-in comes from."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.construction.build import build
from harness.construction.truth import as_policy, in_truth, numbered, process_of
from harness.data.stand_ins.process import Situation
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from tests.construction.made import small, stand_in


@pytest.fixture(scope="module")
def built():
    return build(stand_in("hypotension", 200), small("hypotension", 30))


def test_the_mdp_says_of_usual_care_what_is_true_of_it(built):
    true = in_truth(built.construction, None, process_of("hypotension"), built.data.discount, n=600, seed=100_000)
    claimed = evaluate(built.estimated.mdp, built.estimated.behaviour).J
    of_sample = built.data.reward.std() * np.sqrt(len(built.data)) / built.data.n_episodes * 2  # rewards come in runs
    assert abs(true.mean - claimed) < 4 * np.hypot(true.standard_error, of_sample)


def test_an_action_is_the_same_one_in_the_process():
    for recipe, data in (("hypotension", "hypotension"), ("art-hiv", "hiv"), ("sepsis", "sepsis")):
        found = build(stand_in(data, 40), small(recipe))
        process, actions = process_of(data), found.construction.actions
        which = numbered(found.construction, process)
        rows = found.table.columns
        own, true = actions.of(rows), process.numbered(rows)
        named = np.array([label != "another combination" for label in actions.labels])[own]
        if data == "sepsis":  # levels by the quarters of these patients, not of the process
            assert (which[own] == true).mean() > 0.8
        else:
            assert (which[own] == true)[named].all()
            of_process = actions.of(process.actions).tolist()
            assert which.tolist() == [of_process.index(action) for action in range(actions.n)]  # the first of several


def test_a_policy_acts_by_the_state_that_is_observed(built):
    table, process = built.table, process_of("hypotension")
    chosen = np.arange(built.construction.n_states) % 16
    acting = as_policy(built.construction, deterministic(built.estimated.mdp, chosen), process)
    seen = {column.name: table.columns[column.name][:50] for column in process.observed}
    seen |= {flag.name: table.columns[flag.name][:50] for flag in process.flags}
    acted = acting(Situation(seen, np.full(50, -1), 0))
    assert acted.argmax(axis=1).tolist() == (built.states[:50] % 16).tolist()


def test_never_treating_is_in_truth_worse_than_usual_care(built):
    never = deterministic(built.estimated.mdp, np.zeros(built.construction.n_states, dtype=np.int64))
    process = process_of("hypotension")
    values = [
        in_truth(built.construction, policy, process, built.data.discount, n=200, seed=100_000).mean
        for policy in (never, None)
    ]
    assert values[0] < values[1] - 1
