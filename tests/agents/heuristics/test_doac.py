"""Agents of the task `doac`, and the shield around them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from harness.agents.checks.check import ShieldMode
from harness.agents.registry import AGENTS
from harness.agents.registry import make as make_agent
from harness.agents.shield import RULES, rules, shielded
from harness.core.agent import Situation
from harness.core.episode import play
from harness.core.errors import UsageError
from harness.envs.anticoagulation.doac import policies
from harness.envs.anticoagulation.doac.actions import DoacAction
from harness.envs.anticoagulation.doac.course import run
from harness.envs.anticoagulation.doac.patients import draw
from harness.envs.registry import make
from tests.agents.wants import wants

SEEDS = range(100_000, 100_006)
POLICIES = {
    "doac-label": policies.label(),
    "doac-hemosim": policies.hemosim,
    "doac-fixed-apixaban": policies.constant("apixaban_5", hold=True),
    "doac-fixed-warfarin": policies.constant("warfarin", hold=True),
}
SHIELD = ("doac-contraindications", "doac-interactions", "doac-dose", "doac-hold")


@pytest.mark.parametrize("name", POLICIES)
async def test_an_agent_does_in_an_episode_what_its_rule_does_on_arrays(name):
    env = make("doac")
    agent = make_agent(name, env)
    assert agent.memoryless
    for seed in SEEDS:
        course = run(draw([seed]), POLICIES[name])
        end = await play(env, agent, episode=0, seed=seed, regret=False)
        assert end.episode_return == pytest.approx(course.rewards[0].sum())
        assert end.grade.score == course.right[0].mean()


async def test_the_optimum_is_found_from_what_is_shown_alone():
    env = make("doac", scores="hidden")
    agent = make_agent("doac-optimal", env)
    for seed in SEEDS[:3]:
        end = await play(env, agent, episode=0, seed=seed)
        assert end.regret == pytest.approx(0, abs=1e-9)
        assert end.grade.score == 1
    env.reset(100_000)
    second = env.step(env.fallback()).observation
    with pytest.raises(UsageError, match="counts from the first visit"):
        await agent.act(second, Situation(env.why_illegal))


async def test_the_label_beats_chance_by_15_points_and_loses_to_the_optimum():
    env = make("doac")
    gained, lost = [], []
    for seed in SEEDS:
        label = await play(env, make_agent("doac-label", env), episode=0, seed=seed)
        chance = await play(env, make_agent("doac-random", env), episode=0, seed=seed)
        gained.append(label.grade.score - chance.grade.score)
        lost.append(chance.regret - label.regret)
        assert label.regret >= 0
    assert np.mean(gained) > 0.15
    assert np.mean(lost) > 1


async def test_chance_belongs_to_the_seed():
    env = make("doac")
    agent = make_agent("doac-random", env)
    assert not agent.memoryless
    first, again, other = [await play(env, agent, episode=0, seed=s, regret=False) for s in (1, 1, 2)]
    assert first.episode_return == again.episode_return != other.episode_return


def test_agents_of_doac_say_where_they_belong(sepsis):
    for name in AGENTS.entries():
        if name.startswith("doac-"):
            with pytest.raises(UsageError, match=f"'{name}' treats patients of doac, not"):
                make_agent(name, SimpleNamespace(spec=sepsis.spec))


# --------------------------------------------------------------------------- shield


HARMLESS = {
    "age": 70, "sex": "male", "weight": 80.0, "creatinine": 1.01, "liver_disease": "none", "valve": "none",
    "other_drug": "none", "bleeding": "none", "procedure": "none", "hypertension": True, "drug": "none",
}  # fmt: skip


async def decided(drug, *names, hold=0, mode=ShieldMode.CORRECT, **changes):
    env = make("doac")
    seen = env.reset(100_000).model_copy(update=HARMLESS | changes)
    agent = shielded(wants(DoacAction(drug=drug, hold_days=hold)), env, rules(names or SHIELD, env), mode)
    return await agent.act(seen, Situation(env.why_illegal))


@pytest.mark.parametrize(
    ("drug", "changes", "rule", "instead"),
    [
        ("apixaban_5", {"valve": "mechanical"}, "doac-contraindications", "warfarin"),
        ("rivaroxaban_20", {"bleeding": "active"}, "doac-contraindications", "none"),
        ("edoxaban_60", {"creatinine": 0.74}, "doac-contraindications", "apixaban_5"),
        ("rivaroxaban_20", {"other_drug": "ketoconazole"}, "doac-interactions", "apixaban_2.5"),
        ("dabigatran_150", {"other_drug": "rifampicin"}, "doac-interactions", "warfarin"),
        ("apixaban_10", {}, "doac-dose", "apixaban_5"),
        ("apixaban_5", {"age": 82, "weight": 58.0}, "doac-dose", "apixaban_2.5"),
        ("dabigatran_110", {}, "doac-dose", "dabigatran_150"),
    ],
)
async def test_what_a_rule_forbids_is_replaced_and_told(drug, changes, rule, instead):
    found = await decided(drug, **changes)
    assert found.action.drug == instead
    assert found.veto.rule == rule
    assert found.veto.wanted == {"drug": drug, "hold_days": 0}
    assert ": " in found.veto.reason


async def test_days_left_out_are_set_right():
    found = await decided("apixaban_5", procedure="high")
    assert found.action == DoacAction(drug="apixaban_5", hold_days=2)
    assert "too few days" in found.veto.reason
    assert (await decided("apixaban_5", procedure="high", hold=5)).action.hold_days == 2


async def test_what_is_allowed_passes():
    found = await decided("apixaban_5")
    assert found.veto is None
    assert found.veto_share == 0
    assert (await decided("warfarin")).veto is None  # not preferred, but not forbidden


async def test_with_veto_the_drug_taken_stays():
    found = await decided("apixaban_10", mode=ShieldMode.VETO)
    env = make("doac")
    env.reset(100_000)
    assert found.action == env.fallback()


async def test_a_shield_makes_chance_safe():
    env = make("doac")
    agent = shielded(make_agent("doac-random", env), env, rules(SHIELD, env), ShieldMode.CORRECT)
    for seed in SEEDS:
        end = await play(env, agent, episode=0, seed=seed, regret=False)
        assert end.inadmissible == 0
        assert end.grade.components["wrong_dose"] == 0
        assert end.grade.components["wrong_hold"] == 0


def test_rules_of_doac_refuse_other_tasks_and_arguments():
    env = make("doac")
    for name in RULES.entries():
        if name.startswith("doac-"):
            with pytest.raises(UsageError, match="leave it out"):
                rules([name], make("warfarin"))
            with pytest.raises(UsageError, match=f"expected --shield {name}"):
                rules([f"{name}:all"], env)
