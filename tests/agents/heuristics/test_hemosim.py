"""The package hemosim's baselines as agents, and the rules around them."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from harness.agents import registry as agents
from harness.agents.checks.check import ShieldMode
from harness.agents.shield import rules, shielded
from harness.core.agent import Situation
from harness.core.episode import play
from harness.core.errors import UsageError
from harness.core.trace import Step
from harness.envs.hemosim import observations as o
from harness.envs.hemosim.actions import DicTreatment, DoacChoice, HeparinLabOrder, HeparinOrder, WarfarinDose
from harness.envs.registry import make

pytest.importorskip("hemosim", reason="needs the extra hemosim")

from harness.envs.hemosim.package import load
from harness.envs.hemosim.scaling import normalised
from tests.agents.wants import wants

SEED = 100_000
IDS = ("hemosim/warfarin", "hemosim/heparin", "hemosim/heparin-pomdp", "hemosim/doac", "hemosim/dic")


def played(env_id, agent_id, seed=SEED, shield=(), **options):
    """An episode: its end, and its steps."""
    env = make(env_id, **options)
    agent = shielded(agents.make(agent_id, env), env, rules(shield, env), ShieldMode.CORRECT)
    events = []
    end = asyncio.run(play(env, agent, episode=0, seed=seed, tell=events.append))
    return end, [event for event in events if isinstance(event, Step)]


def package_return(env_id, baseline, seed, **given):
    """The same of the package alone."""
    env = make(env_id).inner
    vector, _ = env.reset(seed=seed)
    policy, total = load("agents", baseline)(seed=42, **given), 0.0
    while True:
        vector, reward, terminated, truncated, _ = env.step(policy.predict(vector))
        total += reward
        if terminated or truncated:
            return total


# --------------------------------------------------------------------------- baselines


@pytest.mark.parametrize(
    ("env_id", "agent_id", "baseline", "most"),
    [
        ("hemosim/warfarin", "hemosim-clinical", "WarfarinClinicalBaseline", 1e-9),
        ("hemosim/heparin", "hemosim-clinical", "HeparinRaschkeBaseline", 1e-4),
        ("hemosim/doac", "hemosim-clinical", "DOACGuidelineBaseline", 1e-9),
        ("hemosim/dic", "hemosim-clinical", "DICProtocolBaseline", 1e-9),
        ("hemosim/warfarin", "hemosim-ordinal", "WarfarinOrdinalBaseline", 0.5),
        ("hemosim/heparin", "hemosim-anti-xa", "HeparinAntiXaBaseline", 0.2),
        ("hemosim/heparin", "hemosim-nemati", "NematiDQN2016Baseline", 1e-4),
    ],
)
def test_a_baseline_earns_what_it_earns_in_the_package(env_id, agent_id, baseline, most):
    """Exactly where its doses can be ordered exactly, nearly where they are rounded."""
    for seed in (SEED, SEED + 1, SEED + 7):
        end, _ = played(env_id, agent_id, seed)
        assert end.episode_return == pytest.approx(package_return(env_id, baseline, seed), abs=most)


def test_a_dose_that_cannot_be_ordered_is_rounded_to_the_nearest():
    env = make("hemosim/warfarin")
    policy = load("agents", "WarfarinGageBaseline")(seed=42)
    seen = env.reset(SEED)
    _, steps = played("hemosim/warfarin", "hemosim-gage")
    for step in steps:
        wanted = 15 * float(policy.predict(normalised(env.task.entries, seen))[0])
        assert abs(float(step.action["dose_mg"]) - wanted) <= 0.25
        seen = env.task.observation.model_validate(step.observation)


def test_one_that_remembers_says_so_and_is_shown_the_episode_again():
    env = make("hemosim/warfarin")
    agent = agents.make("hemosim-ordinal", env)
    assert not agent.memoryless
    assert agents.make("hemosim-clinical", env).memoryless
    _, steps = played("hemosim/warfarin", "hemosim-ordinal")
    doses = [float(step.action["dose_mg"]) for step in steps]
    assert doses[:2] == [5, 5]
    assert doses[6] > doses[2] > 5  # each day more, from the day before


def test_with_ordered_labs_the_clinical_baseline_orders_what_it_looks_at():
    _, steps = played("hemosim/heparin-pomdp", "hemosim-clinical")
    wanted = HeparinLabOrder.model_validate(steps[0].action)
    assert (wanted.rate, wanted.bolus, wanted.order_aptt, wanted.order_anti_xa) == ("18", "yes", "yes", "no")


def test_chance_is_the_seed_s_and_reaches_the_whole_space():
    _, steps = played("hemosim/dic", "hemosim-random")
    assert [s.action for s in steps] == [s.action for s in played("hemosim/dic", "hemosim-random")[1]]
    assert [s.action for s in steps] != [s.action for s in played("hemosim/dic", "hemosim-random", SEED + 1)[1]]
    for field, choices in (("platelets", 4), ("ffp", 4), ("cryoprecipitate", 3), ("heparin", 3)):
        assert len({step.action[field] for step in steps}) == choices


def test_always_the_same_is_better_than_the_clinical_baseline():
    """What the audit found: a task in which this is so asks nothing of who looks at patients."""
    for env_id, episodes in (("hemosim/heparin", 10), ("hemosim/heparin-pomdp", 10), ("hemosim/dic", 20)):
        gains = [
            played(env_id, "hemosim-trivial", seed)[0].episode_return
            - played(env_id, "hemosim-clinical", seed)[0].episode_return
            for seed in range(110_000, 110_000 + episodes)
        ]
        assert np.mean(gains) > 2 * np.std(gains) / np.sqrt(episodes)


@pytest.mark.parametrize(
    ("env_id", "agent_id", "sentence"),
    [
        ("sepsis-os", "hemosim-clinical", "treats patients of hemosim/warfarin, hemosim/heparin, .* not sepsis-os"),
        ("hemosim/heparin", "hemosim-gage", "'hemosim-gage' treats patients of hemosim/warfarin, not hemosim/heparin"),
        ("hemosim/dic", "hemosim-anti-xa", "treats patients of hemosim/heparin, not hemosim/dic"),
    ],
)
def test_an_agent_elsewhere_is_a_sentence(env_id, agent_id, sentence):
    with pytest.raises(UsageError, match=sentence):
        agents.make(agent_id, make(env_id))


# --------------------------------------------------------------------------- rules


async def ruled(env_id, action, rule="hemosim-safety", **seen):
    env = make(env_id)
    shown = env.reset(SEED).model_copy(update=seen)
    agent = shielded(wants(action), env, rules([rule], env), ShieldMode.CORRECT)
    return await agent.act(shown, Situation(env.why_illegal, seed=SEED))


def heparin(rate, bolus="no", aptt="no", platelets="no"):
    return HeparinLabOrder(rate=rate, bolus=bolus, order_aptt=aptt, order_anti_xa="no", order_platelets=platelets)


async def test_the_package_s_guard_is_its_own():
    found = await ruled("hemosim/warfarin", WarfarinDose(dose_mg="5"), "hemosim-guard", inr=5.0)
    assert found.action == WarfarinDose(dose_mg="0")
    assert (found.veto.rule, "hold warfarin per Holbrook 2012" in found.veto.reason) == ("hemosim-guard", True)
    found = await ruled("hemosim/heparin", HeparinOrder(rate="28", bolus="yes"), "hemosim-guard", weight=80.0)
    assert found.action == HeparinOrder(rate="25", bolus="yes")
    low = await ruled("hemosim/heparin", HeparinOrder(rate="18", bolus="yes"), "hemosim-guard", platelets=49.0)
    assert low.action == HeparinOrder(rate="0", bolus="no")
    nothing = await ruled("hemosim/heparin", HeparinOrder(rate="0", bolus="no"), "hemosim-guard", platelets=49.0)
    assert nothing.veto is None
    unknown = await ruled("hemosim/heparin-pomdp", heparin("18"), "hemosim-guard")
    assert unknown.veto is None


def test_the_guard_lets_through_what_kills_every_patient():
    for seed in range(SEED, SEED + 10):
        end, steps = played("hemosim/heparin", "hemosim-clinical", seed, ("hemosim-guard",))
        assert (end.steps, end.grade.components["ended_early"]) == (1, 1)
        assert "veto" not in steps[0].decision


@pytest.mark.parametrize(
    ("env_id", "action", "seen", "instead", "rule"),
    [
        ("hemosim/warfarin", WarfarinDose(dose_mg="15"), {}, WarfarinDose(dose_mg="10"), "hemosim-dose-cap"),
        ("hemosim/warfarin", WarfarinDose(dose_mg="15"), {"inr": 5.5}, WarfarinDose(dose_mg="0"), "hemosim-guard"),
        (
            "hemosim/heparin",
            HeparinOrder(rate="18", bolus="yes"),
            {"aptt": 80.0},
            HeparinOrder(rate="18", bolus="no"),
            "hemosim-bolus",
        ),
        (
            "hemosim/heparin",
            HeparinOrder(rate="18", bolus="yes"),
            {"aptt": 121.0},
            HeparinOrder(rate="0", bolus="no"),
            "hemosim-bolus",
        ),
        (
            "hemosim/heparin",
            HeparinOrder(rate="18", bolus="no"),
            {"platelets": 99.0},
            HeparinOrder(rate="0", bolus="no"),
            "hemosim-hold",
        ),
        (
            "hemosim/heparin-pomdp",
            heparin("1"),
            {"hours": 24.0},
            heparin("1", aptt="yes", platelets="yes"),
            "hemosim-monitoring",
        ),
        ("hemosim/heparin-pomdp", heparin("1"), {"hours": 30.0}, heparin("1", aptt="yes"), "hemosim-monitoring"),
        (
            "hemosim/doac",
            DoacChoice(drug="apixaban", dose="high"),
            {"crcl": 20.0},
            DoacChoice(drug="apixaban", dose="low"),
            "hemosim-label",
        ),
        (
            "hemosim/doac",
            DoacChoice(drug="dabigatran", dose="standard"),
            {"crcl": 29.0},
            DoacChoice(drug="apixaban", dose="low"),
            "hemosim-label",
        ),
        (
            "hemosim/doac",
            DoacChoice(drug="rivaroxaban", dose="low"),
            {"crcl": 80.0},
            DoacChoice(drug="rivaroxaban", dose="standard"),
            "hemosim-label",
        ),
        (
            "hemosim/dic",
            DicTreatment(platelets="1_unit", ffp="2_units", cryoprecipitate="5_units", heparin="therapeutic"),
            {"platelets": 45.0, "hemorrhage": 0.0, "fibrinogen": 90.0, "pt": 20.0},
            DicTreatment(platelets="none", ffp="none", cryoprecipitate="none", heparin="low"),
            "hemosim-threshold",
        ),
        (
            "hemosim/dic",
            DicTreatment(platelets="1_unit", ffp="2_units", cryoprecipitate="5_units", heparin="low"),
            {"platelets": 45.0, "hemorrhage": 0.3, "fibrinogen": 90.0, "pt": 20.0},
            DicTreatment(platelets="1_unit", ffp="2_units", cryoprecipitate="5_units", heparin="none"),
            "hemosim-bleeding",
        ),
    ],
)
async def test_what_goes_beyond_the_guard(env_id, action, seen, instead, rule):
    found = await ruled(env_id, action, **seen)
    assert found.action == instead
    assert found.veto.rule == rule


@pytest.mark.parametrize(
    ("env_id", "action", "seen"),
    [
        ("hemosim/warfarin", WarfarinDose(dose_mg="10"), {"inr": 4.9}),
        ("hemosim/heparin", HeparinOrder(rate="18", bolus="yes"), {"aptt": 59.0, "platelets": 100.0}),
        ("hemosim/heparin-pomdp", heparin("0"), {"hours": 24.0}),
        ("hemosim/doac", DoacChoice(drug="dabigatran", dose="low"), {"crcl": 45.0}),
        ("hemosim/doac", DoacChoice(drug="apixaban", dose="low"), {"crcl": 10.0}),
    ],
)
async def test_what_is_within_the_rules_passes_unchanged(env_id, action, seen):
    found = await ruled(env_id, action, **seen)
    assert (found.action, found.veto) == (action, None)


@pytest.mark.parametrize("env_id", IDS)
def test_what_a_shield_puts_in_place_is_within_its_own_rules(env_id):
    """No decision of chance is vetoed twice: what replaces it passes every rule."""
    env = make(env_id)
    checks = rules(["hemosim-safety"], env)
    for seed in range(SEED, SEED + 3):
        end, steps = played(env_id, "hemosim-random", seed, ("hemosim-safety",), difficulty="easy")
        assert end.steps == len(steps)
        env.reset(seed)
        seen = [make(env_id, difficulty="easy").reset(seed)]
        seen += [env.task.observation.model_validate(step.observation) for step in steps[:-1]]
        for before, step in zip(seen, steps, strict=True):
            action = env.action_type.model_validate(step.action)
            assert not [check.name for check in checks if check.against(before, action)]
    assert isinstance(seen[0], (o.WarfarinState, o.HeparinState, o.HeparinLabs, o.DoacState, o.DicState))


@pytest.mark.parametrize(
    ("env_id", "rule", "sentence"),
    [
        ("hemosim/dic", "hemosim-guard", "is about hemosim/warfarin, hemosim/heparin, hemosim/heparin-pomdp, and not"),
        (
            "warfarin",
            "hemosim-safety",
            "'hemosim-safety' is about hemosim/warfarin, .*, and not warfarin; leave it out",
        ),
        ("hemosim/dic", "hemosim-safety:3", "takes no '3'; expected --shield hemosim-safety"),
        (
            "hemosim/warfarin",
            "warfarin-safety",
            "about warfarin and warfarin-maintenance, and hemosim/warfarin is neither",
        ),
    ],
)
def test_a_rule_elsewhere_is_a_sentence(env_id, rule, sentence):
    with pytest.raises(UsageError, match=sentence):
        rules([rule], make(env_id))
