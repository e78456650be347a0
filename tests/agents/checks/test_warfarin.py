"""Rules of a shield around whoever doses warfarin."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agents.checks.check import ShieldMode
from harness.agents.shield import rules, shielded
from harness.core.agent import Situation
from harness.core.errors import RunError, UsageError
from harness.envs.anticoagulation.warfarin.actions import (
    CHANGES,
    SETS,
    VISITS,
    MaintenanceAction,
    WarfarinAction,
    weekly_mg,
)
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.reports import trace
from tests.agents.wants import wants

BEGIN, KEEP = make("warfarin"), make("warfarin-maintenance")
FIRST, STEADY = BEGIN.reset(100_000), KEEP.reset(100_000)


def order(dose="same", hold=0, visit="1_week", kind=MaintenanceAction):
    return kind(dose=dose, hold_days=hold, next_visit=visit)


async def ruled(action, *names, env=KEEP, first=STEADY, mode=ShieldMode.CORRECT, **seen):
    shown = first.model_copy(update=seen)
    agent = shielded(wants(action), env, rules(names, env), mode)
    return await agent.act(shown, Situation(lambda wanted: None, seed=1))


@pytest.mark.parametrize(
    ("rule", "action", "seen", "instead"),
    [
        ("warfarin-hold", order(), {"inr": 5.1}, order(hold=1)),
        ("warfarin-hold:4.5", order(), {"inr": 4.6}, order(hold=1)),
        ("warfarin-no-increase", order("up_10"), {"inr": 3.1}, order("same")),
        ("warfarin-cap", order("up_20"), {"weekly_dose": 65.0}, order("up_5")),
        ("warfarin-cap:30", order("up_5"), {"weekly_dose": 40.0}, order("same")),
        ("warfarin-step:10", order("up_20"), {"weekly_dose": 40.0}, order("up_10")),
        ("warfarin-step:10", order("down_20"), {"weekly_dose": 40.0}, order("down_10")),
        ("warfarin-visit", order(visit="4_weeks"), {"inr": 1.9}, order(visit="1_week")),
        ("warfarin-visit", order("up_5", visit="2_weeks"), {"inr": 2.5}, order("up_5", visit="1_week")),
        ("warfarin-visit:14", order(visit="4_weeks"), {"inr": 3.2}, order(visit="2_weeks")),
    ],
)
async def test_each_rule_mends_the_one_thing_that_it_is_about(rule, action, seen, instead):
    found = await ruled(action, rule, **seen)
    assert found.action == instead
    assert (found.veto.rule, found.veto.also) == (rule, ())


@pytest.mark.parametrize(
    ("rule", "action", "seen"),
    [
        ("warfarin-hold", order(), {"inr": 5.0}),
        ("warfarin-hold", order(hold=2), {"inr": 8.0}),
        ("warfarin-no-increase", order("up_10"), {"inr": 3.0}),
        ("warfarin-no-increase", order("down_10"), {"inr": 6.0}),
        ("warfarin-cap", order("same"), {"weekly_dose": 90.0}),
        ("warfarin-step", order("up_20"), {"weekly_dose": 4.0}),  # 5 mg after rounding to tablets
        ("warfarin-visit", order(visit="4_weeks"), {"inr": 2.0}),
        ("warfarin-visit", order("up_20", visit="3_days"), {"inr": 1.0}),
    ],
)
async def test_what_is_within_a_rule_passes_unchanged(rule, action, seen):
    found = await ruled(action, rule, **seen)
    assert (found.action, found.veto) == (action, None)


async def test_an_order_that_breaks_several_rules_is_mended_by_all_and_all_are_told():
    wanted = order("up_20", visit="4_weeks")
    found = await ruled(wanted, "warfarin-safety", inr=6.2, weekly_dose=65.0)
    assert found.action == order("same", hold=1)
    assert found.veto.rule == "warfarin-hold"
    assert [told.partition(":")[0] for told in found.veto.also] == [
        "warfarin-no-increase",
        "warfarin-cap",
        "warfarin-visit",
    ]
    assert found.veto.wanted == wanted.model_dump()
    instead = await ruled(wanted, "warfarin-safety", inr=6.2, weekly_dose=65.0, mode=ShieldMode.VETO)
    assert instead.action == KEEP.fallback()


async def test_a_leap_in_the_first_week_is_a_change_like_any_other():
    wanted = order("set_10", kind=WarfarinAction)
    found = await ruled(wanted, "warfarin-step", env=BEGIN, first=FIRST, day=3, weekly_dose=35.0)
    assert found.action.dose in ("up_20", "set_6")  # both are 42 mg
    first = await ruled(wanted, "warfarin-safety", env=BEGIN, first=FIRST)
    assert first.action == wanted


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*SETS, *CHANGES]),
    st.integers(0, 7),
    st.sampled_from(list(VISITS)),
    st.floats(0.8, 12).map(lambda x: round(x, 1)),
    st.integers(0, 180).map(lambda x: x / 2),
    st.integers(0, 89),
)
def test_what_takes_the_place_is_possible_and_within_all_five_rules(dose, hold, visit, inr, weekly, day):
    if (dose in SETS and day >= 7) or (dose in CHANGES and weekly == 0):
        return
    checks = rules(["warfarin-safety"], BEGIN)
    seen = FIRST.model_copy(update={"inr": inr, "weekly_dose": weekly, "day": day})
    agent = shielded(wants(None), BEGIN, checks, ShieldMode.CORRECT)
    wanted = order(dose, hold, visit, WarfarinAction)
    instead = agent._mended(seen, wanted)
    assert instead is not None
    assert not [check for check in checks if check.against(seen, instead)]
    assert (instead.dose in SETS and day < 7) or (instead.dose in CHANGES and weekly > 0)
    if not [check for check in checks if check.against(seen, wanted)]:
        assert instead == wanted
    assert weekly_mg(instead.dose, weekly) <= max(70, weekly)


async def test_a_shield_helps_chance_and_its_vetoes_can_be_read_again(tmp_path):
    values = {}
    for shield in ((), ("warfarin-safety",)):
        config = RunConfig(
            env="warfarin-maintenance",
            agent="warfarin-random",
            method=Method.ROLLOUT,
            episodes=8,
            shield=shield,
            regret=False,
        )
        summary = await evaluation.run(config, tmp_path / str(len(shield)))
        values[shield] = summary.value
    assert values["warfarin-safety",] > values[()]
    lines = list(trace.vetoed(Path(summary.run_dir)))
    assert lines[0] == f"shield warfarin-safety: {summary.vetoes} of {summary.decisions} decisions vetoed"
    counts = [int(line.split()[0]) for line in lines[1 : lines.index("")]]
    assert sum(counts) == summary.vetoes > 0
    told = [line for line in lines if line.startswith("  wanted ")]
    assert len(told) == summary.vetoes
    assert any("vetoed by warfarin-hold: the INR is" in line for line in told)
    bare = next((tmp_path / "0").iterdir())
    with pytest.raises(RunError, match="had no shield, so nothing was vetoed; give it rules by --shield"):
        list(trace.vetoed(bare))


@pytest.mark.parametrize(
    ("env", "rule", "sentence"),
    [
        (KEEP, "warfarin-cap:much", "'warfarin-cap:much' is not understood; expected mg a week"),
        (KEEP, "warfarin-step:-5", "expected percent, e.g. warfarin-step:10, above 0"),
        (KEEP, "warfarin-hold:nan", "expected an INR, e.g. warfarin-hold:4.5"),
        (KEEP, "warfarin-visit:2", "allows no visit; the shortest wait is 3"),
        (KEEP, "warfarin-safety:1", "takes no '1'; expected --shield warfarin-safety"),
        (make("sepsis-os"), "warfarin-hold", "is about warfarin and warfarin-maintenance, and sepsis-os is neither"),
    ],
)
def test_a_rule_that_is_not_understood_is_a_sentence(env, rule, sentence):
    with pytest.raises(UsageError, match=sentence):
        rules([rule], env)
