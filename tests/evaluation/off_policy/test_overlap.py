"""Overlap against all episodes listed, and a variance that is known to be infinite."""

from __future__ import annotations

import numpy as np
import pytest

from harness.evaluation.off_policy.overlap import overlap
from harness.evaluation.off_policy.weights import importance_weights
from harness.mdp.build import from_arrays
from tests.evaluation.off_policy.small import END, all_episodes, layered, some_policy


def test_overlap_is_the_mean_weight_over_all_episodes():
    mdp, P, R = layered(0, 1.0)
    behaviour, policy = some_policy(1), some_policy(2)
    behaviour[2] = [1, 0]
    data, chances = all_episodes(mdp, P, R, behaviour)
    found = overlap(mdp, policy, behaviour)
    assert found.episodes == pytest.approx(chances @ importance_weights(data, policy).episode)
    assert found.episodes < found.decisions < 1
    assert found.finite  # no episode is longer than three decisions
    whole = overlap(mdp, policy, some_policy(3))
    assert (whole.decisions, whole.episodes) == pytest.approx((1, 1))


@pytest.mark.parametrize(("stays", "finite"), [(0.2, True), (0.3, False)])
def test_a_long_episode_of_unlikely_decisions_has_an_infinite_variance(stays, finite):
    """A state that is stayed in with probability p: E[ρ²] sums (p π² / μ)^t, here with π = 1 and μ = 1/4."""
    P = np.zeros((2, 2, 2))
    P[0, :, 0], P[0, :, 1], P[1, :, 1] = stays, 1 - stays, 1
    mdp = from_arrays(P, np.zeros((2, 2)), [1, 0], terminal=np.arange(2) == 1, discount=1.0)
    assert overlap(mdp, np.array([[1.0, 0.0]] * 2), np.array([[0.25, 0.75]] * 2)).finite is finite


def test_a_policy_overlaps_wholly_with_itself():
    mdp, _, _ = layered(1, 1.0)
    policy = some_policy(4)
    assert END in np.flatnonzero(mdp.terminal)
    found = overlap(mdp, policy, policy)
    assert (found.decisions, found.episodes, found.finite) == (pytest.approx(1), pytest.approx(1), True)
