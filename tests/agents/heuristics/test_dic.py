"""The agents of the DIC task: in an episode each does what its rule does on arrays of patients."""

from __future__ import annotations

import pytest

from harness.agents.registry import make as make_agent
from harness.core.episode import play
from harness.core.errors import UsageError
from harness.envs.anticoagulation.dic import policies
from harness.envs.anticoagulation.dic.course import run
from harness.envs.anticoagulation.dic.fitted import fitted
from harness.envs.anticoagulation.dic.patients import draw
from harness.envs.registry import make

RULES = {
    "dic-none": policies.untreated,
    "dic-guideline": policies.guideline,
    "dic-lab-threshold": policies.lab_threshold,
    "dic-always-transfuse": policies.always_transfuse,
    "dic-always-heparin": policies.always_heparin,
    "dic-fitted": fitted,
}


@pytest.mark.parametrize("name", RULES)
async def test_an_agent_does_in_an_episode_what_its_rule_does_on_arrays(name):
    env = make("dic")
    agent = make_agent(name, env)
    assert agent.id == name
    assert agent.memoryless
    for seed in range(100_000, 100_005):
        end = await play(env, agent, episode=0, seed=seed, regret=False)
        assert end.episode_return == pytest.approx(run(draw([seed]), RULES[name]).returns[0])
        assert end.invalid == 0
        assert end.status == "terminated"


async def test_chance_belongs_to_the_seed_and_the_decision():
    env = make("dic")
    agent = make_agent("dic-random", env)
    assert not agent.memoryless
    same, again, other = [await play(env, agent, episode=0, seed=s, regret=False) for s in (100_000, 100_000, 100_001)]
    assert same.episode_return == again.episode_return != other.episode_return


def test_an_agent_of_another_task_is_a_sentence():
    with pytest.raises(UsageError, match="'dic-guideline' treats patients of dic, not warfarin; take --env dic"):
        make_agent("dic-guideline", make("warfarin"))
