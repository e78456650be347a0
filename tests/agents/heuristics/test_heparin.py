"""The agents of the heparin tasks do in an episode what their rules do on arrays; a shield vetoes what it says."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from harness.agents.registry import AGENTS
from harness.agents.registry import make as make_agent
from harness.agents.shield import ShieldMode, rules, shielded
from harness.core.agent import Situation
from harness.core.episode import play
from harness.core.errors import UsageError
from harness.envs.anticoagulation.heparin import policies
from harness.envs.anticoagulation.heparin.actions import HeparinAction, HeparinLabsAction
from harness.envs.anticoagulation.heparin.hit.shown import HitAction
from harness.envs.anticoagulation.heparin.infusion import run
from harness.envs.anticoagulation.heparin.patients import draw
from harness.envs.anticoagulation.heparin.posterior import Posterior
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig

TASKS = ("heparin", "heparin-labs")
RULES = {
    "heparin-raschke": lambda: policies.raschke,
    "heparin-cruickshank": lambda: policies.cruickshank,
    "heparin-standard": lambda: policies.standard,
    "heparin-nemati-stand-in": lambda: policies.nemati_stand_in,
    "heparin-fixed": lambda: policies.fixed,
    "heparin-none": lambda: policies.none,
    "heparin-posterior": Posterior,
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", RULES)
async def test_an_agent_does_in_an_episode_what_its_rule_does_on_arrays(name, task):
    env = make(task)
    agent = make_agent(name, env)
    assert not agent.memoryless
    seeds = range(100_000, 100_003 if task == "heparin" else 100_001)
    together = run(draw(seeds, env.setting), env.setting, RULES[name]())
    for i, seed in enumerate(seeds):
        end = await play(env, agent, episode=0, seed=seed, regret=False)
        assert end.episode_return == pytest.approx(together.earned[i])
        assert end.invalid == 0


@pytest.mark.parametrize(
    ("name", "policy"),
    [("heparin-anti-xa", policies.anti_xa), ("heparin-anti-xa-proportional", policies.anti_xa_proportional)],
)
async def test_a_protocol_by_anti_xa_needs_the_laboratory(name, policy):
    env = make("heparin-labs")
    agent = make_agent(name, env)
    together = run(draw(range(100_000, 100_002), env.setting), env.setting, policy)
    for i in range(2):
        end = await play(env, agent, episode=0, seed=100_000 + i, regret=False)
        assert end.episode_return == pytest.approx(together.earned[i])
        assert end.invalid == 0
    with pytest.raises(UsageError, match=f"'{name}' goes by anti-Xa, which nobody measures in heparin; use"):
        make_agent(name, make("heparin"))


@pytest.mark.parametrize("task", TASKS)
async def test_chance_belongs_to_the_seed_and_the_decision(task):
    env = make(task)
    agent = make_agent("heparin-random", env)
    twice = [await play(env, agent, episode=0, seed=100_000, regret=False) for _ in range(2)]
    assert twice[0].episode_return == twice[1].episode_return
    other = await play(env, agent, episode=0, seed=100_001, regret=False)
    assert other.episode_return != twice[0].episode_return
    assert other.invalid == 0


@pytest.mark.parametrize("task", TASKS)
async def test_the_oracle_earns_what_its_plan_says_and_plans_anew_where_something_else_was_done(task):
    env = make(task)
    oracle = make_agent("heparin-oracle", env)
    env.reset(100_001)
    promised = env.reference.value()
    end = await play(env, oracle, episode=0, seed=100_001)
    assert end.episode_return == pytest.approx(promised)
    assert end.regret == pytest.approx(0, abs=1e-9)
    first = env.reset(100_001)
    done = env.fallback().model_copy(update={"rate": "set_24"})
    second = env.step(done).observation
    situation = Situation(env.why_illegal, seed=100_001, step=1, history=((first, done),))
    assert (await oracle.act(second, situation)).action == env.reference.best_action()
    with pytest.raises(UsageError, match="knows a patient by the seed"):
        await oracle.act(first, Situation(env.why_illegal))


async def test_agents_of_hit_play_and_who_knows_regrets_nothing():
    env = make("heparin-hit")
    returns = {}
    for name in (name for name in AGENTS.entries() if name.startswith("hit-")):
        knows, agent = name == "hit-oracle", make_agent(name, env)
        ends = [await play(env, agent, episode=0, seed=s, regret=knows) for s in range(100_000, 100_012)]
        assert all(end.invalid == 0 for end in ends)
        returns[name] = np.mean([end.episode_return for end in ends])
        if knows:
            assert max(end.regret for end in ends) == 0
    assert len(returns) == 6
    assert max(returns, key=returns.get) == "hit-oracle"


def test_agents_say_where_they_belong(sepsis):
    elsewhere = SimpleNamespace(spec=sepsis.spec)
    for name in AGENTS.entries():
        if name.startswith(("heparin-", "hit-")):
            with pytest.raises(UsageError, match=f"'{name}' treats patients of heparin"):
                make_agent(name, elsewhere)


# --------------------------------------------------------------------------- shield


def ruling(task, rule, seen, **action):
    env = make(task)
    (check,) = rules([rule], env)
    return check.against(seen, env.action_type(**action))


def at(aptt, rate=18.0, weight=80):
    seen = make("heparin").reset(0)
    return seen.model_copy(update={"hour": 12, "aptt": aptt, "rate": rate, "weight": weight})


def test_a_cap_lowers_rates_and_boluses():
    same = {"hold": "none"}
    assert ruling("heparin", "heparin-cap", at(50), rate="up_4", bolus="80", **same) is None
    heavy = ruling("heparin", "heparin-cap", at(50, weight=140), rate="up_4", bolus="80", **same)
    assert heavy.reason == "80 U/kg are 11,200 U, above 10,000"
    assert heavy.instead == HeparinAction(rate="up_4", bolus="60", hold="none")
    fast = ruling("heparin", "heparin-cap:20", at(50), rate="up_4", bolus="none", **same)
    assert fast.reason == "22 U/kg/h is above 20"
    assert fast.instead.rate == "up_2"
    begun = ruling("heparin", "heparin-cap:15", at(30, rate=0.0), rate="set_18", bolus="none", **same)
    assert begun.instead.rate == "set_14"
    above = ruling("heparin", "heparin-cap:20", at(50, rate=30.0), rate="same", bolus="none", **same)
    assert above.instead.rate == "down_4"
    assert ruling("heparin", "heparin-cap:20", at(50, rate=30.0), rate="down_4", bolus="none", **same) is None


def test_nothing_is_added_to_a_high_aptt_and_a_very_high_one_is_paused():
    held = HeparinAction(rate="down_3", bolus="none", hold="60_min")
    calm = {"bolus": "none", "hold": "none"}
    assert ruling("heparin", "heparin-hold", at(90), rate="up_1", **calm) is None
    high = ruling("heparin", "heparin-hold", at(91), rate="up_1", **calm)
    assert high.reason == "the last aPTT was 91 s, above 90"
    assert high.instead == HeparinAction(rate="same", **calm)
    assert ruling("heparin", "heparin-hold", at(100), rate="same", **calm) is None
    assert (
        ruling("heparin", "heparin-hold", at(121), rate="same", **calm).reason == "the last aPTT was 121 s, above 120"
    )
    added = ruling("heparin", "heparin-hold", at(150), rate="down_2", bolus="40", hold="60_min")
    assert added.instead == HeparinAction(rate="down_2", bolus="none", hold="60_min")
    assert ruling("heparin", "heparin-hold", at(150), rate="up_2", bolus="40", hold="none").instead == held
    assert ruling("heparin", "heparin-hold", at(150), **held.model_dump()) is None


def test_blood_is_drawn_in_time_and_nothing_added_on_a_stale_result():
    env = make("heparin-labs")
    (check,) = rules(["heparin-monitor"], env)
    env.reset(100_000)
    seen = env.step(env.fallback()).observation
    calm = HeparinLabsAction(rate="same", bolus="none", hold="none", labs="none")
    stale = check.against(seen, calm.model_copy(update={"rate": "up_2"}))
    assert stale.reason == "no result shows what the change at hour 0 did"
    assert stale.instead == calm
    while seen.hour < 8:
        assert check.against(seen, calm) is None
        seen = env.step(calm).observation
    due = check.against(seen, calm)
    assert due.reason == "no aPTT was drawn since the change at hour 0"
    assert due.instead.labs == "aptt"
    seen = env.step(due.instead).observation
    while seen.pending:
        seen = env.step(calm).observation
    assert check.against(seen, calm.model_copy(update={"rate": "up_2"})) is None


@pytest.mark.parametrize("task", TASKS)
async def test_the_nomogram_is_never_vetoed_but_for_large_boluses_and_chance_often_is(task):
    env = make(task)
    names = ["heparin-hold"] + (["heparin-monitor"] if env.setting.ordered else [])
    vetoed = {"heparin-raschke": 0, "heparin-random": 0}
    for name in vetoed:
        agent = shielded(make_agent(name, env), env, rules(names, env), ShieldMode.CORRECT)
        for seed in range(100_000, 100_006 if task == "heparin" else 100_002):
            steps = []
            end = await play(env, agent, episode=0, seed=seed, tell=steps.append, regret=False)
            assert end.invalid == 0
            vetoed[name] += sum(bool(step.decision.get("veto")) for step in steps[1:-1])
    assert vetoed["heparin-raschke"] == 0
    assert vetoed["heparin-random"] > 2


async def test_heparin_is_contraindicated_in_hit_and_the_audit_says_why():
    env = make("heparin-hit")
    plain = make_agent("hit-heparin", env)
    agent = shielded(plain, env, rules(["no-heparin-in-hit"], env), ShieldMode.CORRECT)
    for seed in range(100_000, 100_012):
        steps = []
        end = await play(env, agent, episode=0, seed=seed, tell=steps.append, regret=False)
        by_score = await play(env, make_agent("hit-four-ts", env), episode=0, seed=seed, regret=False)
        vetoes = [step.decision["veto"] for step in steps[1:-1] if step.decision.get("veto")]
        for veto in vetoes:
            assert veto["wanted"] == {"therapy": "heparin"}
            assert veto["rule"] == "no-heparin-in-hit"
            assert "heparin is contraindicated" in veto["reason"]
        if not vetoes:
            assert end.episode_return == by_score.episode_return
    seen = env.reset(100_000).model_copy(update={"day": 2, "platelets": (200, 210, 90), "therapies": ("heparin",) * 2})
    (fallen,) = rules(["no-heparin-after-fall"], env)
    assert fallen.against(seen, HitAction(therapy="heparin")).reason == "57% of the platelets are lost"
    assert fallen.against(seen, HitAction(therapy="stop")) is None
    (scored,) = rules(["no-heparin-in-hit"], env)
    assert scored.against(seen.model_copy(update={"other_causes": "definite"}), HitAction(therapy="heparin")) is None


@pytest.mark.parametrize(
    ("task", "rule", "sentence"),
    [
        ("heparin", "heparin-cap:much", "'heparin-cap:much' is not understood; expected a rate from 8 to 50 U/kg/h"),
        ("heparin", "heparin-cap:3", "expected a rate from 8 to 50"),
        ("heparin", "heparin-hold:2", "takes no '2'; expected --shield heparin-hold."),
        ("heparin", "heparin-monitor", "vetoes nothing in heparin, where blood is drawn by itself"),
        ("warfarin", "heparin-hold", "is about infusions of heparin, and warfarin has none; leave it out"),
        ("heparin", "no-heparin-in-hit", "is about heparin-hit, and heparin is another task"),
        ("heparin-hit", "no-heparin-in-hit:9", "expected a score from 1 to 8"),
    ],
)
def test_a_rule_that_is_not_understood_is_one_sentence(task, rule, sentence):
    with pytest.raises(UsageError, match=sentence.replace("(", r"\(")):
        rules([rule], make(task))


async def test_a_model_plays_and_its_illegal_orders_fall_back(tmp_path, server):
    """It begins right, and then begins again what runs already."""
    server.answer = lambda patient: json.dumps({"rate": "set_18", "bolus": "none", "hold": "none"})
    model = {"base_url": server.base_url, "model_id": "m", "prompt": "direct"}
    config = RunConfig(env="heparin", method=Method.ROLLOUT, episodes=2, regret=False, **model)
    summary = await evaluation.run(config, tmp_path)
    assert summary.failures == {"illegal": 14}
    assert summary.episodes == 2
