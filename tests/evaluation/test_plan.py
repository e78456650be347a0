"""What a plan promises is what simulation and certified runs then take."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.agents.reference import TableAgent
from harness.core.errors import UsageError
from harness.envs.registry import make
from harness.evaluation.intervals import student_t
from harness.evaluation.plan import met, plan, policies, within
from harness.mdp.evaluate import evaluate
from harness.mdp.simulate import simulate


@pytest.fixture(scope="module")
def needs(sepsis):
    return {(need.method, need.policy): need for need in plan(sepsis, 0.05)}


def test_every_method_is_planned_for_both_policies(needs):
    assert len(needs) == 12
    for (method, _), need in needs.items():
        assert need.certain == (method in ("exact", "certify"))
    usual = "the expert's usual action"
    assert needs["certify", usual].decisions < needs["exact", usual].decisions == 713
    assert needs["rollout, raw returns", usual].episodes > 8 * needs["rollout, advantage sum", usual].episodes


def test_the_episodes_of_a_rollout_give_the_width(sepsis, needs):
    usual = "the expert's usual action"
    policy = policies(sepsis)[usual]
    n = needs["rollout, advantage sum", usual].episodes
    lost = simulate(sepsis.mdp, policy, n, seed=100_000, table=np.nan_to_num(sepsis.regret)).losses
    found = student_t(lost)
    assert found.upper - found.lower == pytest.approx(0.05, rel=0.25)


def test_the_different_prompts_are_the_states_that_are_met(sepsis):
    policy = policies(sepsis)["the expert's usual action"]
    value = evaluate(sepsis.mdp, policy)
    chance = met(sepsis, policy)
    expected = within(chance, 40).sum()
    starts = simulate(sepsis.mdp, policy, 40_000, seed=100_000).start.reshape(1_000, 40)
    first = np.mean([len(set(row)) for row in starts])
    assert first < expected < 40 * value.length
    assert 1 < within(chance, 1).sum() <= value.length


def test_discounted_episodes_meet_as_many_states_as_are_simulated():
    env = make("sepsis-os")
    (policy,) = policies(env).values()
    chance = met(env, policy)
    agent = TableAgent("drawn", env, policy)
    seen = np.zeros(env.mdp.n_states)
    for seed in range(300):
        states, observation, done = set(), env.reset(seed), False
        while not done:
            states.add(observation.state)
            taken = env.step(env.actions[int(agent.policy(env.mdp)[observation.state].argmax())])
            observation, done = taken.observation, taken.terminated or taken.truncated
        seen[list(states)] += 1
    assert chance.max() <= 1.0
    error = np.sqrt(chance * (1 - chance) / 300)
    assert (np.abs(seen / 300 - chance) <= 4 * error + 4 / 300).all()


@pytest.mark.parametrize("width", [0.0, -1.0, math.nan, math.inf])
def test_a_width_that_is_none_is_refused(sepsis, width):
    with pytest.raises(UsageError, match="expected a number above 0"):
        plan(sepsis, width)
