"""The agents of the warfarin tasks: in an episode each does what its rule does on arrays of patients."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from harness.agents.registry import AGENTS
from harness.agents.registry import make as make_agent
from harness.core.agent import Outcome, Situation
from harness.core.episode import play
from harness.core.errors import UsageError
from harness.envs.anticoagulation.warfarin import algorithms, policies
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.clinic import run
from harness.envs.anticoagulation.warfarin.particles import Bayes
from harness.envs.anticoagulation.warfarin.patients import draw
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig

SEEDS = range(100_000, 100_004)
RULES = {
    "warfarin-fixed": lambda: policies.unchanged,
    "warfarin-nomogram": lambda: policies.nomogram(),
    "warfarin-nomogram-clinical": lambda: policies.nomogram(algorithms.iwpc_clinical),
    "warfarin-nomogram-pharmacogenetic": lambda: policies.nomogram(algorithms.iwpc_pharmacogenetic),
    "warfarin-nomogram-gage": lambda: policies.nomogram(algorithms.gage),
    "warfarin-ebm": lambda: policies.ebm,
    "warfarin-bayes": Bayes,
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("options", [{}, {"genotype": "unknown"}])
async def test_an_agent_does_in_an_episode_what_its_rule_does_on_arrays(name, options):
    env = make("warfarin", **options)
    if options and name == "warfarin-nomogram-gage":
        with pytest.raises(UsageError, match="needs the genotypes"):
            make_agent(name, env)
        return
    agent = make_agent(name, env)
    assert not agent.memoryless
    for seed in SEEDS:
        course = run(draw([seed], c.TITRATION_DAYS), RULES[name](), genotype_known=not options)
        steps = []
        end = await play(env, agent, episode=0, seed=seed, tell=steps.append, regret=False)
        assert end.episode_return == pytest.approx(course.returns()[0])
        assert end.invalid == 0
        doses = [step.observation["weekly_dose"] for step in steps[1:-1]]
        assert doses == course.ordered[0, ~np.isnan(course.ordered[0])].tolist()


@pytest.mark.parametrize("name", ["warfarin-ebm", "warfarin-bayes", "warfarin-random", "warfarin-nomogram-gage"])
async def test_agents_play_maintenance_too(name):
    env = make("warfarin-maintenance")
    end = await play(env, make_agent(name, env), episode=0, seed=100_000, regret=False)
    assert end.invalid == 0
    assert end.status == "terminated"


async def test_chance_belongs_to_the_seed_and_the_visit():
    env = make("warfarin")
    agent = make_agent("warfarin-random", env)
    twice = [await play(env, agent, episode=0, seed=100_000, regret=False) for _ in range(2)]
    assert twice[0].episode_return == twice[1].episode_return
    other = await play(env, agent, episode=0, seed=100_001, regret=False)
    assert other.episode_return != twice[0].episode_return


async def test_the_oracle_earns_what_its_plan_says_and_beats_the_clinic_by_15_points():
    env = make("warfarin")
    oracle, nomogram = make_agent("warfarin-oracle", env), make_agent("warfarin-nomogram", env)
    gained = []
    for seed in range(100_000, 100_012):
        env.reset(seed)
        promised = env.reference.value()
        best = await play(env, oracle, episode=0, seed=seed, regret=False)
        assert best.episode_return == pytest.approx(promised)
        assert best.grade.score > 0.8
        usual = await play(env, nomogram, episode=0, seed=seed, regret=False)
        gained.append(best.grade.score - usual.grade.score)
    assert np.mean(gained) > 0.15


async def test_the_oracle_plans_anew_where_something_else_was_done():
    env = make("warfarin")
    oracle = make_agent("warfarin-oracle", env)
    first = env.reset(100_000)
    done = env.fallback()
    second = env.step(done).observation
    situation = Situation(env.why_illegal, seed=100_000, step=1, history=((first, done),))
    decision = await oracle.act(second, situation)
    assert decision.outcome is Outcome.OK
    assert decision.action == env.reference.best_action()
    with pytest.raises(UsageError, match="knows a patient by the seed"):
        await oracle.act(first, Situation(env.why_illegal))


async def test_a_model_plays_and_its_illegal_orders_fall_back(tmp_path, server):
    """It starts right for one patient in two, and else tries to change a dose that does not exist."""

    def answer(patient):
        dose = "set_5" if "male, 68 years" in patient and "No warfarin" in patient else "same"
        return json.dumps({"dose": dose, "hold_days": 0, "next_visit": "4_weeks"})

    server.answer = answer
    model = {"base_url": server.base_url, "model_id": "m", "prompt": "direct"}
    config = RunConfig(env="warfarin", method=Method.ROLLOUT, episodes=2, regret=False, **model)
    summary = await evaluation.run(config, tmp_path)
    assert summary.failures == {"illegal": 1}
    assert summary.episodes == 2


def test_agents_of_warfarin_say_where_they_belong(sepsis):
    for name in AGENTS.entries():
        if name.startswith("warfarin-"):
            with pytest.raises(UsageError, match=f"'{name}' treats patients of warfarin and warfarin-maintenance, not"):
                make_agent(name, SimpleNamespace(spec=sepsis.spec))
