"""Intervals of held-out judges: they hold the truth of a known MDP, and say nothing where nothing is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.construction.estimate import estimate
from harness.evaluation.resampled import episodes, judged, value
from harness.mdp.build import from_arrays
from harness.mdp.evaluate import evaluate
from harness.mdp.simulate import record

TERMINAL = np.array([False, False, True])
P = np.array([[[0.3, 0.4, 0.3], [0.6, 0.2, 0.2]], [[0.1, 0.4, 0.5], [0.3, 0.3, 0.4]], [[0, 0, 1.0]] * 2])
R = np.array([[0.0, 1.0], [2.0, -1.0], [0, 0]])
MDP = from_arrays(P, R, np.array([0.7, 0.3, 0]), terminal=TERMINAL)
CHANCE = np.array([[0.5, 0.5], [0.5, 0.5], [0, 0]])
POLICY = np.array([[0.0, 1.0], [1.0, 0.0], [0, 0]])


def test_episodes_are_taken_whole_and_as_often_as_asked():
    data = record(MDP, CHANCE, 20, seed=0)
    taken = episodes(data, np.array([3, 3, 7]))
    np.testing.assert_allclose(taken.returns, data.returns[[3, 3, 7]])
    assert (taken.step[taken.first] == 0).all()
    assert taken.n_episodes == 3


def test_the_interval_holds_the_true_value_about_as_often_as_it_says():
    true = [evaluate(MDP, policy).J for policy in (POLICY, CHANCE)]
    held = []
    for seed in range(80):
        data = record(MDP, CHANCE, 60, seed=seed)
        found = judged(data, [POLICY, CHANCE], TERMINAL, 1, resamples=60, seed=seed)
        held.append([one.lower <= truth <= one.upper for one, truth in zip(found, true, strict=True)])
    assert (np.mean(held, axis=0) >= 0.86).all()  # 0.95 - 3.7 standard errors
    assert np.mean(held) < 1


def test_the_value_is_that_of_the_mdp_of_these_patients_and_more_of_them_know_it_better():
    data = record(MDP, CHANCE, 400, seed=1)
    (found,) = judged(data, [POLICY], TERMINAL, 1, resamples=50, seed=0)
    assert found.value == evaluate(estimate(data, TERMINAL, 1).mdp, POLICY).J
    (few,) = judged(episodes(data, np.arange(40)), [POLICY], TERMINAL, 1, resamples=50, seed=0)
    assert few.upper - few.lower > 1.5 * (found.upper - found.lower)


def test_a_policy_that_never_ends_has_no_value_and_no_interval():
    stuck = P.copy()
    stuck[0, 1] = (1.0, 0, 0)
    mdp = from_arrays(stuck, R, np.array([0.7, 0.3, 0]), terminal=TERMINAL)
    assert math.isnan(value(mdp, POLICY))
    assert value(mdp, CHANCE) == pytest.approx(evaluate(mdp, CHANCE).J)
    (found,) = judged(record(mdp, CHANCE, 50, seed=0), [POLICY], TERMINAL, 1, resamples=20, seed=0)
    assert all(math.isnan(x) for x in (found.value, found.lower, found.upper))
