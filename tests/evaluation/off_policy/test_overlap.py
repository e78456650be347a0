"""Overlap against all episodes listed, and a variance that is known to be infinite."""

from __future__ import annotations

import numpy as np
import pytest

from harness.evaluation.off_policy.overlap import overlap
from harness.evaluation.off_policy.weights import importance_weights
from harness.mdp.build import from_arrays
from tests.evaluation.off_policy.small import END, all_episodes, layered, some_policy


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_overlap_is_the_mean_weight_over_all_episodes(discount):
    mdp, P, R = layered(0, discount)
    behaviour, policy = some_policy(1), some_policy(2)
    behaviour[2] = [1, 0]
    data, chances = all_episodes(mdp, P, R, behaviour)
    found = overlap(mdp, policy, behaviour)
    before = discount ** (np.bincount(data.episode) - 1)
    assert found.episodes == pytest.approx(chances @ (before * importance_weights(data, policy).episode))
    assert found.episodes < found.decisions < 1
    assert found.finite  # no episode is longer than three decisions
    whole = overlap(mdp, policy, some_policy(3))
    assert whole.decisions == pytest.approx(1)
    assert discount < 1 or whole.episodes == pytest.approx(1)


@pytest.mark.parametrize(
    ("stays", "first", "finite"), [(0.2, 1.0, True), (0.3, 1.0, False), (0.7, 0.5, True), (0.8, 0.5, False)]
)
def test_a_long_episode_of_unlikely_decisions_has_an_infinite_variance(stays, first, finite):
    """A state that is stayed in with probability p: E[ρ²] sums (p Σ π² / μ)^t, here with μ = 1/4 and 3/4.

    In a second one, which is never reached, every episode would be of that kind.
    """
    P = np.zeros((3, 2, 3))
    P[0, :, 0], P[0, :, 2], P[1, :, 1], P[1, :, 2], P[2, :, 2] = stays, 1 - stays, 0.95, 0.05, 1
    mdp = from_arrays(P, np.zeros((3, 2)), [1, 0, 0], terminal=np.arange(3) == 2, discount=1.0)
    policy, behaviour = np.array([[first, 1 - first]] * 3), np.array([[0.25, 0.75]] * 3)
    assert overlap(mdp, policy, behaviour).finite is finite


def test_a_policy_overlaps_wholly_with_itself():
    mdp, _, _ = layered(1, 1.0)
    policy = some_policy(4)
    assert END in np.flatnonzero(mdp.terminal)
    found = overlap(mdp, policy, policy)
    assert (found.decisions, found.episodes, found.finite) == (pytest.approx(1), pytest.approx(1), True)
