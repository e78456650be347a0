"""The heparin tasks as they are played: what is seen, what is refused, what is earned, and what is regretted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.core.environment import ReferenceKind
from harness.core.errors import IllegalAction
from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin import policies
from harness.envs.anticoagulation.heparin.actions import BOLUSES, CHANGES, HOLDS, SETS, HeparinAction, HeparinLabsAction
from harness.envs.anticoagulation.heparin.infusion import run
from harness.envs.anticoagulation.heparin.patients import draw
from harness.envs.registry import make
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.prompts.lint import lint
from harness.prompts.loader import load, styles
from tests.envs.anticoagulation.played import finish

SEED = 100_000
TASKS = ("heparin", "heparin-labs")


# --------------------------------------------------------------------------- episodes


@pytest.mark.parametrize("task", TASKS)
def test_an_episode_is_a_patient_of_the_array_simulation(task):
    env = make(task)
    env.reset(SEED)
    rewards, _, seen = finish(env, lambda env: env.fallback())
    course = run(draw([SEED], env.setting), env.setting, policies.fixed)
    assert sum(rewards) == pytest.approx(course.earned[0])
    assert env.grade().score == pytest.approx(course.in_range()[0])
    if task == "heparin":
        assert [o.aptt for o in seen] == course.samples.value[6::6, 0, 0].tolist()


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_is_the_same_patient_and_another_seed_another(task):
    env = make(task)
    first, again, other = env.reset(SEED), env.reset(SEED), env.reset(SEED + 1)
    assert first == again != other
    assert (first.hour, first.hours_left, first.rate) == (0, c.HOURS, 0)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_any_orders_end_after_two_days_with_what_was_seen_in_order(data):
    env = make(data.draw(st.sampled_from(TASKS)))
    seen, over, drawn = [env.reset(data.draw(st.integers(0, 9_999)))], False, 0
    while not over:
        words = ["stop", *(SETS if seen[-1].rate == 0 else CHANGES)]
        fields = {
            "rate": data.draw(st.sampled_from(words)),
            "bolus": data.draw(st.sampled_from(sorted(BOLUSES))),
            "hold": data.draw(st.sampled_from(sorted(HOLDS))),
        }
        if env.setting.ordered:
            fields["labs"] = data.draw(st.sampled_from(["none", "aptt", "anti_xa", "both"]))
            drawn += {"none": 0, "both": 2}.get(fields["labs"], 1)
        transition = env.step(env.action_type(**fields))
        low, high = env.spec.reward_range
        assert low - 1e-9 <= transition.reward <= high + 1e-9
        seen.append(transition.observation)
        over = transition.terminated
    assert seen[-1].hour == c.HOURS
    assert len(seen) - 1 == env.spec.horizon
    assert 0 <= env.grade().score <= 1
    if env.setting.ordered:
        assert env.grade().components["tests"] == drawn
        assert all(r.drawn < r.known <= seen[-1].hour for r in seen[-1].results if r.drawn)
        hours = [o.hour for o in seen[-1].orders]
        assert hours == sorted(hours)
    else:
        assert [(e.hour, e.aptt) for e in seen[-1].earlier] == [(o.hour, o.aptt) for o in seen[:-1]][-6:]
    with pytest.raises(IllegalAction, match="the episode is over"):
        env.step(env.fallback())


def test_an_order_takes_effect_an_hour_after_the_draw_and_the_first_one_at_once():
    env = make("heparin")
    env.reset(SEED)
    env.step(HeparinAction(rate="set_18", bolus="80", hold="none"))
    env.step(HeparinAction(rate="up_4", bolus="40", hold="30_min"))
    infused = env._course.infused[:, 0]
    assert infused[:24].tolist() == [18 + 4 * 80, *([18] * 23)]
    assert infused[24:48].tolist() == [18] * 4 + [4 * 40, 0] + [22] * 18


def test_results_carry_the_hour_of_their_draw_and_are_waited_for():
    env = make("heparin-labs")
    seen = env.reset(SEED)
    assert [(r.test, r.drawn) for r in seen.results] == [("aptt", 0)]
    seen = env.step(HeparinLabsAction(rate="set_18", bolus="80", hold="none", labs="none")).observation
    for _ in range(5):
        seen = env.step(env.fallback()).observation
    seen = env.step(HeparinLabsAction(rate="same", bolus="none", hold="none", labs="both")).observation
    waiting = {p.test for p in seen.pending} | {r.test for r in seen.results if r.drawn == 6}
    assert waiting == {"aptt", "anti_xa"}
    for _ in range(8):
        seen = env.step(env.fallback()).observation
    assert seen.pending == ()
    assert {(r.test, r.drawn) for r in seen.results} == {("aptt", 0), ("aptt", 6), ("anti_xa", 6)}
    assert [o.hour for o in seen.orders] == [0]  # going on is no order


def test_results_of_one_test_do_not_push_those_of_the_other_out_of_sight():
    env = make("heparin-labs")
    env.reset(SEED)
    env.step(env.fallback())
    for _ in range(14):
        seen = env.step(env.fallback().model_copy(update={"labs": "anti_xa"})).observation
    shown = [r.test for r in seen.results]
    assert (shown.count("aptt"), shown.count("anti_xa")) == (1, 6)
    assert [r.known for r in seen.results] == sorted(r.known for r in seen.results)
    assert max(r.drawn for r in seen.results) > 10  # the latest, not the first


# --------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("task", TASKS)
def test_rates_are_begun_once_and_then_changed(task):
    env = make(task)
    env.reset(SEED)
    same = env.fallback().model_copy(update={"rate": "same"})
    assert env.why_illegal(same).startswith("nothing runs that could be changed; order one of set_8")
    with pytest.raises(IllegalAction, match=f"{task}: nothing runs"):
        env.step(same)
    begin = env.fallback()
    env.step(begin)
    assert env.why_illegal(begin) == "an infusion of 18 U/kg/h runs; change it by down_4 to up_4, or order stop"
    stop = begin.model_copy(update={"rate": "stop", "bolus": "none"})
    assert env.step(stop).observation.rate == 0
    assert env.why_illegal(begin) is None  # it can be begun again
    assert env.fallback().rate == "stop"


# --------------------------------------------------------------------------- regret


@pytest.mark.parametrize("task", TASKS)
def test_regrets_add_up_to_what_the_first_plan_would_have_earned_more(task):
    env = make(task)
    assert env.reference.kind is ReferenceKind.INFORMED
    for seed in range(SEED, SEED + (3 if task == "heparin" else 1)):
        env.reset(seed)
        promised = env.reference.value()
        rewards, regrets, _ = finish(env, lambda env: env.fallback())
        assert sum(rewards) + sum(regrets) == pytest.approx(promised, abs=1e-9)  # an identity: regrets telescope
        assert min(regrets) > -0.5  # what the plan missed


@pytest.mark.parametrize("task", TASKS)
def test_following_the_plan_regrets_nothing_and_earns_what_it_promised(task):
    env = make(task)
    env.reset(SEED + 4)
    promised = env.reference.value()
    rewards, regrets, _ = finish(env, lambda env: env.reference.best_action())
    assert max(map(abs, regrets)) <= 1e-9
    assert sum(rewards) == pytest.approx(promised)


def test_asking_for_values_changes_nothing():
    env, other = make("heparin-labs"), make("heparin-labs")
    env.reset(SEED)
    other.reset(SEED)
    for _ in range(4):
        for labs in ("none", "both"):
            env.reference.action_value(env.fallback().model_copy(update={"labs": labs, "bolus": "80"}))
        assert env.step(env.fallback()) == other.step(other.fallback())


def test_a_dose_far_too_high_is_regretted_and_a_test_costs_what_it_costs():
    env = make("heparin-labs")
    env.reset(SEED)
    usual = env.fallback()
    env.step(usual)
    values = {
        name: env.reference.action_value(env.fallback().model_copy(update=changes))
        for name, changes in {"same": {}, "tested": {"labs": "both"}, "far": {"bolus": "80", "rate": "up_4"}}.items()
    }
    assert values["same"] - values["tested"] == pytest.approx(2 * c.LAB_COST, abs=1e-9)
    far = [make("heparin") for _ in range(8)]
    lost = []
    for seed, task in enumerate(far, SEED):
        task.reset(seed)
        task.step(task.fallback())
        high = HeparinAction(rate="up_4", bolus="80", hold="none")
        lost.append(task.reference.action_value(task.fallback()) - task.reference.action_value(high))
    assert np.mean(lost) > 2


# --------------------------------------------------------------------------- models and prompts


@pytest.mark.parametrize("task", [*TASKS, "heparin-hit"])
@pytest.mark.parametrize("style", ["direct", "reasoned"])
def test_prompts_have_no_faults(task, style):
    assert set(styles(task)) == {"direct", "reasoned"}
    assert not lint(make(task), task, style, ReplyFormat.JSON).findings


@pytest.mark.parametrize("task", TASKS)
def test_prompts_say_what_the_constants_are(task):
    system = load(task, "direct").system
    numbers = [
        f"from {c.LOW} to {c.HIGH} s",
        f"control {c.CONTROL:g} s",
        f"first {c.LOADING} hours",
        f"{c.REWARD_BELOW:g} below that after the first {c.BELOW_FROM} hours",
        f"{c.REWARD_FAR_ABOVE:g} above {c.FAR_ABOVE} s",
        f"{c.REWARD_DANGEROUS:g} above {c.DANGEROUS} s",
        f"about {100 * (c.APTT_CV if task == 'heparin' else c.LABS_CV):.0f} %",
    ]
    if task == "heparin-labs":
        numbers.append(f"costs {c.LAB_COST}")
    for number in numbers:
        assert number in system, number


def test_the_text_of_a_patient_tells_what_was_seen():
    env = make("heparin")
    first = env.reset(SEED)
    env.step(HeparinAction(rate="set_18", bolus="80", hold="none"))
    seen = env.step(HeparinAction(rate="down_2", bolus="none", hold="30_min")).observation
    prompt = load("heparin", "direct")
    text = prompt.observation_message({"env": env.spec.model_dump(), "reply": ""}, seen.model_dump()).content
    assert text == (
        f"Hour 12, 36 hours left. aPTT drawn now: {seen.aptt} s. The infusion runs at 16 U/kg/h.\n"
        "Earlier:\n"
        f"hour 0: aPTT {first.aptt} s, then 18 U/kg/h, bolus 80 U/kg\n"
        f"hour 6: aPTT {seen.earlier[1].aptt} s, then 16 U/kg/h, after a pause of 30 min\n"
        f"Patient: {first.weight} kg."
    )


@pytest.mark.parametrize("kind", [HeparinAction, HeparinLabsAction])
def test_a_model_can_write_every_order_and_be_read(kind):
    contract = ReplyContract(kind, ReplyFormat.JSON)
    more = {"labs": "aptt"} if kind is HeparinLabsAction else {}
    for rate in ("stop", *SETS, *CHANGES):
        action = kind(rate=rate, bolus="40", hold="60_min", **more)
        assert contract.parse(contract.write(action)).action == action
    assert contract.parse('{"rate":"up_5","bolus":"none","hold":"none","labs":"none"}').action is None


def test_patients_are_described_in_a_few_words():
    first = make("heparin").reset(SEED)
    env = make("heparin")
    env.reset(SEED)
    seen = env.step(env.fallback()).observation
    assert env.describe(seen.model_dump(mode="json")) == f"hour 6, aPTT {seen.aptt} s, 18 U/kg/h, {first.weight} kg"
    labs = make("heparin-labs")
    unknown = labs.reset(SEED).model_copy(update={"results": ()}).model_dump(mode="json")
    assert labs.describe(unknown) == f"hour 0, no aPTT known, 0 U/kg/h, {first.weight} kg"
    seen = labs.reset(SEED)
    value = seen.results[0].value
    assert (
        labs.describe(seen.model_dump(mode="json"))
        == f"hour 0, aPTT {value:.0f} s of hour 0, 0 U/kg/h, {first.weight} kg"
    )
    hit = make("heparin-hit")
    text = hit.describe(hit.reset(SEED).model_dump(mode="json"))
    assert text.startswith("day 0, platelets ")
