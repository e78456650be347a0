"""ICU-Sepsis rebuilt from simulated trajectories, at a size for tests; `benchmarks/rebuild.py` has the full one."""

from __future__ import annotations

import pytest

from harness.construction.rebuild import rebuild


@pytest.fixture(scope="module")
def rebuilt(sepsis):
    return rebuild(sepsis.mdp, sepsis.expert_policy, 10_000, seed=3, visits=21)


def test_transitions_are_recovered_up_to_sampling(rebuilt):
    assert rebuilt.rows > 500
    assert rebuilt.total_variation == pytest.approx(rebuilt.sampling_variation, rel=0.02)


def test_the_recorded_policy_keeps_its_value(rebuilt):
    assert abs(rebuilt.behaviour - rebuilt.true_behaviour) < 3.5 * rebuilt.behaviour_error


def test_more_episodes_bring_the_transitions_and_the_optimum_closer(sepsis, rebuilt):
    few = rebuild(sepsis.mdp, sepsis.expert_policy, 2_000, seed=3, visits=21)
    assert few.total_variation > rebuilt.total_variation
    assert few.optimum_in_truth < rebuilt.optimum_in_truth < rebuilt.true_optimum


def test_an_estimated_optimum_claims_more_than_its_policy_is_worth(rebuilt):
    assert rebuilt.optimum > rebuilt.optimum_in_truth


def test_knowing_what_is_admissible_leaves_less_to_be_fooled_by(sepsis):
    many = rebuild(sepsis.mdp, sepsis.expert_policy, 40_000, seed=3, visits=21)
    assert many.known_optimum_in_truth > many.optimum_in_truth
    assert many.known_optimum - many.known_optimum_in_truth < many.optimum - many.optimum_in_truth
