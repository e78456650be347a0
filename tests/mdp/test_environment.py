"""A tabular MDP played step by step: by seed, in agreement with its own probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.registry import make as make_agent
from harness.core.environment import ReferenceKind
from harness.core.episode import play
from harness.core.errors import IllegalAction
from harness.envs.registry import make


async def test_a_seed_is_an_episode(sepsis):
    agent = make_agent("expert", sepsis)
    first = await play(sepsis, agent, episode=0, seed=100_003)
    again = await play(make("icu-sepsis"), agent, episode=0, seed=100_003)
    assert first == again


def test_the_patient_belongs_to_the_seed_alone(sepsis):
    before = sepsis.reset(100_001)
    sepsis.step(sepsis.actions[3])
    assert sepsis.reset(100_001) == before
    starts = [sepsis.reset(100_000 + i).state for i in range(4_000)]
    frequency = np.bincount(starts, minlength=716) / len(starts)
    assert np.abs(frequency - sepsis.mdp.start).sum() < 0.5  # 712 states: a sample differs by about 0.33
    assert frequency[sepsis.mdp.start == 0].sum() == 0


def test_steps_follow_the_transition_rows(sepsis):
    rng = np.random.default_rng(0)
    for state, action in [(0, 7), (309, 0), (712, 24)]:
        row = sepsis.mdp.rows[[sepsis.mdp.row_of[state, action]]].toarray()[0]
        seen = np.bincount([sepsis.mdp.step(state, action, u)[0] for u in rng.random(4_000)], minlength=716) / 4_000
        assert seen[row == 0].sum() == 0
        standard_error = np.sqrt(row * (1 - row) / 4_000)
        assert np.all(np.abs(seen - row) <= 6 * standard_error + 1e-12)


async def test_regret_is_measured_against_the_exact_optimum(sepsis):
    end = await play(sepsis, make_agent("optimal", sepsis), episode=0, seed=100_000)
    assert end.regret == pytest.approx(0.0, abs=1e-12)
    assert sepsis.reference.kind is ReferenceKind.EXACT
    seed = next(s for s in range(100_000, 100_100) if sepsis.regret[sepsis.state(sepsis.reset(s))].max() > 1e-3)
    sepsis.reset(seed)
    regrets = [sepsis.reference.value() - sepsis.reference.action_value(a) for a in sepsis.actions]
    assert min(regrets) == pytest.approx(0.0, abs=1e-12)
    assert max(regrets) > 1e-3


def test_environments_of_one_mdp_share_its_solutions():
    one, other, refusing = (make("icu-sepsis", **o) for o in ({}, {}, {"inadmissible": "raise"}))
    assert one.optimum.Q is other.optimum.Q
    assert one.worst is other.worst is not one.optimum
    assert one.regret is other.regret
    assert refusing.optimum is not one.optimum


def test_a_refused_action_changes_nothing():
    env = make("icu-sepsis", inadmissible="raise")
    state = env.reset(100_000).state
    refused = env.actions[int(np.flatnonzero(~env.mdp.legal[state])[0])]
    assert "allowed are" in (env.why_illegal(refused) or "")
    with pytest.raises(IllegalAction):
        env.step(refused)
    assert env.why_illegal(env.fallback()) is None
    env.step(env.fallback())
