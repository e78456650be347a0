"""Rules of a shield around whoever treats DIC: what they veto, what takes its place, and what the trace says."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.agents.checks.check import Checked, ShieldMode
from harness.agents.shield import rules
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.core.run import TRACE
from harness.core.trace import read_episodes
from harness.envs.anticoagulation.dic.actions import DicAction
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.job import Observers
from tests.agents.wants import wants

ENV = make("dic")
QUIET = ENV.reset(100_000).model_copy(
    update={"bleeding": False, "platelets": 90, "cause": "sepsis", "hours": 12, "component_volume": 0.0, "doses_24h": 0}
)
ALL = "platelets_plasma_cryo"


def action(transfuse="none", drug="none", treat_cause="no"):
    return DicAction(transfuse=transfuse, drug=drug, treat_cause=treat_cause)


async def decided(wanted, *names, mode=ShieldMode.CORRECT, **seen):
    agent = Checked(wants(wanted), ENV, rules(names, ENV), mode)
    return await agent.act(QUIET.model_copy(update=seen), Situation(ENV.why_illegal))


@pytest.mark.parametrize(
    ("rule", "seen", "wanted", "instead", "reason"),
    [
        ("dic-heparin", {"bleeding": True}, ("none", "heparin_prophylactic"), ("none", "none"), "while the patient"),
        (
            "dic-heparin",
            {"platelets": 49},
            ("none", "heparin_therapeutic"),
            ("none", "heparin_prophylactic"),
            "below 50",
        ),
        ("dic-heparin", {"platelets": 29}, ("none", "heparin_therapeutic"), ("none", "none"), "below 50"),
        ("dic-heparin", {"platelets": 29}, ("cryo", "heparin_prophylactic"), ("cryo", "none"), "below 30"),
        ("dic-txa", {"bleeding": True, "hours": 0}, ("none", "txa"), ("none", "none"), "in sepsis"),
        ("dic-txa", {"cause": "trauma", "hours": 0}, ("none", "txa"), ("none", "none"), "without bleeding"),
        ("dic-txa", {"cause": "trauma", "bleeding": True, "hours": 6}, ("none", "txa"), ("none", "none"), "after 6 h"),
        ("dic-indication", {}, (ALL, "none"), ("none", "none"), "laboratory values alone"),
        ("dic-indication", {"platelets": 19}, (ALL, "none"), ("platelets", "none"), "laboratory values alone"),
        ("dic-transfusion-cap", {"doses_24h": 7}, (ALL, "none"), ("cryo", "none"), "7 doses in 24 hours and 3 more"),
        ("dic-transfusion-cap:2", {}, (ALL, "none"), ("platelets_cryo", "none"), "above 2"),
        ("dic-volume-cap", {}, (ALL, "none"), ("platelets_plasma", "none"), "1.60 L of components"),
        ("dic-volume-cap", {"component_volume": 1.4}, (ALL, "none"), ("none", "none"), "3.00 L"),
        ("dic-volume-cap:0.6", {}, (ALL, "txa"), ("platelets_cryo", "txa"), "above 0.6"),
    ],
)
async def test_a_contraindicated_order_is_replaced_by_the_nearest_that_is_allowed(rule, seen, wanted, instead, reason):
    if rule == "dic-volume-cap" and not seen:
        instead = ("platelets_cryo", "none")  # two doses of the least volume
    found = await decided(action(*wanted), rule, **seen)
    assert found.action == action(*instead)
    assert found.veto.rule == rule
    assert reason in found.veto.reason
    assert found.veto.wanted == action(*wanted).model_dump()
    assert found.veto_share == 1.0


@pytest.mark.parametrize(
    ("rule", "seen", "wanted"),
    [
        ("dic-heparin", {"platelets": 50}, ("none", "heparin_therapeutic")),
        ("dic-heparin", {"bleeding": True}, (ALL, "txa")),
        ("dic-txa", {"cause": "obstetric", "bleeding": True, "hours": 0}, ("none", "txa")),
        ("dic-txa", {}, ("none", "heparin_therapeutic")),
        ("dic-indication", {"bleeding": True}, (ALL, "none")),
        ("dic-indication", {"platelets": 19}, ("platelets", "none")),
        ("dic-transfusion-cap", {"doses_24h": 5}, (ALL, "none")),
        ("dic-volume-cap", {"component_volume": 3.0}, ("none", "none")),
        ("dic-volume-cap:2", {}, (ALL, "none")),
    ],
)
async def test_what_is_indicated_passes(rule, seen, wanted):
    found = await decided(action(*wanted), rule, **seen)
    assert found.action == action(*wanted)
    assert found.veto is None


async def test_rules_correct_one_after_the_other_and_all_are_told():
    names = ("dic-indication", "dic-heparin")
    found = await decided(action(ALL, "heparin_therapeutic", "yes"), *names, platelets=40)
    assert found.action == action("none", "heparin_prophylactic", "yes")  # what nothing forbids is kept
    assert found.veto.rule == "dic-indication"
    assert found.veto.reason == "components for laboratory values alone, without bleeding"
    assert found.veto.also == ("dic-heparin: heparin_therapeutic at platelets of 40, below 50",)


async def test_with_veto_the_fallback_takes_the_place():
    found = await decided(action(ALL, "heparin_therapeutic", "yes"), "dic-indication", mode=ShieldMode.VETO)
    assert found.action == ENV.fallback()
    assert found.veto.rule == "dic-indication"


async def test_a_shield_saves_chance_from_its_worst_and_the_run_counts_it(tmp_path):
    shield = ("dic-indication", "dic-heparin", "dic-txa", "dic-transfusion-cap", "dic-volume-cap")
    base = {"env": "dic", "agent": "dic-random", "method": Method.ROLLOUT, "episodes": 20, "regret": False}
    bare = await evaluation.run(RunConfig(**base), tmp_path, Observers())
    kept = await evaluation.run(RunConfig(**base, shield=shield), tmp_path, Observers())
    assert kept.value > bare.value + 0.5
    steps = [step for e in read_episodes(Path(kept.run_dir) / TRACE) for step in e.steps]
    vetoed = [step for step in steps if "veto" in step.decision]
    assert len(vetoed) == kept.vetoes > 0.5 * len(steps)
    assert all(step.decision["veto"]["wanted"] != step.action for step in vetoed)
    assert {name for step in vetoed for name in step.decision["veto"]["rule"].split(", ")} <= set(shield)


@pytest.mark.parametrize(
    ("env", "name", "sentence"),
    [
        ("warfarin", "dic-heparin", "'dic-heparin' is about patients of dic, and warfarin has none; leave it out"),
        ("dic", "dic-txa:1", "takes no '1'; expected --shield dic-txa"),
        ("dic", "dic-volume-cap:much", "'dic-volume-cap:much' is not understood; expected a number, e.g."),
        ("dic", "dic-transfusion-cap:-1", "is not understood"),
        ("dic", "dic-volume-cap:nan", "is not understood"),
        ("dic", "admissible", "needs a list of actions"),
    ],
)
def test_a_rule_that_is_not_understood_is_a_sentence(env, name, sentence):
    with pytest.raises(UsageError, match=sentence):
        rules([name], make(env))
