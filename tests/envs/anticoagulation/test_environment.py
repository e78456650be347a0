"""The warfarin tasks as they are played: what is seen, what is refused, what is earned, and what is regretted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.environment import ReferenceKind
from harness.core.errors import IllegalAction, UsageError
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin import policies
from harness.envs.anticoagulation.warfarin.actions import CHANGES, SETS, VISITS, MaintenanceAction, WarfarinAction
from harness.envs.anticoagulation.warfarin.clinic import run
from harness.envs.anticoagulation.warfarin.patients import draw
from harness.envs.registry import make
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.prompts.lint import lint
from harness.prompts.loader import load, styles
from tests.envs.anticoagulation.played import finish

SEED = 100_000
START = WarfarinAction(dose="set_5", hold_days=0, next_visit="1_week")
SAME = WarfarinAction(dose="same", hold_days=0, next_visit="1_week")


@pytest.fixture
def clinic():
    return make("warfarin")


# --------------------------------------------------------------------------- episodes


def test_an_episode_is_a_patient_of_the_array_simulation(clinic):
    clinic.reset(SEED)
    rewards, _, seen = finish(clinic, lambda env: env.fallback())
    course = run(draw([SEED], c.TITRATION_DAYS), policies.unchanged)
    assert sum(rewards) == pytest.approx(course.returns()[0])
    assert [o.inr for o in seen] == course.measured[0, [*range(7, 90, 7), 90]].tolist()
    inr = course.true_inr[0, 1:]
    assert clinic.grade().score == pytest.approx(((inr >= 2) & (inr <= 3)).mean())


def test_the_same_seed_is_the_same_patient_and_another_seed_another(clinic):
    first, again, other = clinic.reset(SEED), clinic.reset(SEED), clinic.reset(SEED + 1)
    assert first == again != other
    assert first.day == 0
    assert first.days_left == c.TITRATION_DAYS
    assert first.weekly_dose == 0


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_orders_end_on_the_last_day_with_what_was_seen_in_order(data):
    env = make(data.draw(st.sampled_from(["warfarin", "warfarin-maintenance"])))
    seen = [env.reset(data.draw(st.integers(0, 9_999)))]
    days, total, over = 0, 0.0, False
    while not over:
        words = sorted(SETS if seen[-1].weekly_dose == 0 else CHANGES)
        action = env.action_type(
            dose=data.draw(st.sampled_from(words)),
            hold_days=data.draw(st.integers(0, 7)),
            next_visit=data.draw(st.sampled_from(["1_week", "2_weeks", "4_weeks"])),
        )
        transition = env.step(action)
        expected = min(VISITS[action.next_visit], seen[-1].days_left)
        days, total, over = days + transition.info["days"], total + transition.reward, transition.terminated
        low, high = env.spec.reward_range
        assert low <= transition.reward <= high
        assert transition.info["days"] == expected
        seen.append(transition.observation)
    assert days == seen[0].days_left == seen[-1].day
    assert len(seen) - 1 <= env.spec.horizon
    assert [v.day for v in seen[-1].visits] == [o.day for o in seen[:-1]][-8:]
    assert all(v.inr == o.inr for v, o in zip(seen[-1].visits, seen[:-1][-8:], strict=True))
    assert 0 <= env.grade().score <= 1
    with pytest.raises(IllegalAction, match="the episode is over"):
        env.step(action)


def test_maintenance_begins_in_range_on_a_steady_dose():
    env = make("warfarin-maintenance")
    seen = [env.reset(seed) for seed in range(SEED, SEED + 40)]
    assert all(o.weekly_dose > 0 and o.days_left == c.MAINTENANCE_DAYS for o in seen)
    inrs = np.array([o.inr for o in seen])
    assert 2.3 < inrs.mean() < 2.7
    assert inrs.min() >= 1.6
    assert inrs.max() <= 3.7


def test_held_and_missed_days_are_told_apart(clinic):
    seed = next(s for s in range(200) if draw([s], 90).missed[0, :7].tolist() == [0, 1, 0, 0, 0, 1, 0])
    clinic.reset(seed)
    after = clinic.step(WarfarinAction(dose="set_5", hold_days=3, next_visit="1_week")).observation
    assert after.missed_days == (5,)  # day 1 was held, nothing could be missed
    assert after.visits[0].hold_days == 3
    assert after.visits[0].weekly_dose == 35.0


# --------------------------------------------------------------------------- what is refused


def test_before_the_first_dose_there_is_nothing_to_change(clinic):
    clinic.reset(SEED)
    assert "there is no dose yet to be changed" in clinic.why_illegal(SAME)
    with pytest.raises(IllegalAction, match="warfarin: there is no dose yet to be changed; order one of set_1.5"):
        clinic.step(SAME)
    assert clinic.why_illegal(clinic.fallback()) is None


def test_doses_are_set_in_the_first_week_only(clinic):
    clinic.reset(SEED)
    clinic.step(WarfarinAction(dose="set_5", hold_days=0, next_visit="3_days"))
    assert clinic.why_illegal(START) is None
    clinic.step(WarfarinAction(dose="up_10", hold_days=0, next_visit="1_week"))
    assert clinic.why_illegal(START) == "on day 10 the dose is changed in percent, not set in mg"
    assert clinic.why_illegal(clinic.fallback()) is None


def test_a_steady_dose_is_not_set_in_mg():
    env = make("warfarin-maintenance")
    env.reset(SEED)
    with pytest.raises(IllegalAction, match="the patient is on a steady dose, which is changed in percent"):
        env.step(START)


def test_an_unknown_option_of_the_genotype_is_named():
    with pytest.raises(UsageError, match="'guessed' is no genotype option; expected one of: known, unknown"):
        make("warfarin", genotype="guessed")


def test_hiding_genotypes_hides_them_and_changes_nothing_else():
    known, unknown = make("warfarin"), make("warfarin", genotype="unknown")
    for seed in range(SEED, SEED + 10):
        shown, hidden = known.reset(seed), unknown.reset(seed)
        assert shown.cyp2c9 is not None
        assert shown.vkorc1 is not None
        assert hidden == shown.model_copy(update={"cyp2c9": None, "vkorc1": None})
        assert known.step(START).reward == unknown.step(START).reward


# --------------------------------------------------------------------------- regret


def by_nomogram(env):
    observed = env._course
    chart = observed.chart(np.array([0]))
    orders = policies.nomogram()(chart)
    from harness.envs.anticoagulation.warfarin.actions import nearest

    return nearest(
        float(orders.weekly[0]), float(chart.weekly[0]), orders.hold[0], orders.visit[0], may_set=chart.day < 7
    )


def test_regrets_add_up_to_what_the_first_plan_would_have_earned_more(clinic):
    assert clinic.reference.kind is ReferenceKind.INFORMED
    for seed in range(SEED, SEED + 6):
        clinic.reset(seed)
        promised = clinic.reference.value()
        rewards, regrets, _ = finish(clinic, by_nomogram)
        assert sum(rewards) + sum(regrets) == pytest.approx(promised, abs=1e-9)  # an identity: regrets telescope
        assert min(regrets) > -1.0  # what the search missed
        assert sum(min(r, 0.0) for r in regrets) > -2.0


def test_following_the_plan_regrets_nothing_and_earns_what_it_promised(clinic):
    for seed in range(SEED, SEED + 3):
        clinic.reset(seed)
        promised = clinic.reference.value()
        rewards, regrets, _ = finish(clinic, lambda env: env.reference.best_action())
        assert max(regrets) <= 1e-9
        assert sum(rewards) >= promised - 1e-9


def test_asking_for_values_changes_nothing(clinic):
    other = make("warfarin")
    clinic.reset(SEED)
    other.reset(SEED)
    for action in (START, SAME, SAME):
        if action is not START:
            for dose in CHANGES:
                clinic.reference.action_value(WarfarinAction(dose=dose, hold_days=2, next_visit="4_weeks"))
        assert clinic.step(action) == other.step(action)


def test_a_far_too_high_dose_is_regretted_more_than_a_good_one(clinic):
    worse = []
    for seed in range(SEED, SEED + 15):
        clinic.reset(seed)
        values = [
            clinic.reference.action_value(WarfarinAction(dose=dose, hold_days=0, next_visit="4_weeks"))
            for dose in ("set_5", "set_10")
        ]
        worse.append(values[0] - values[1])
    assert np.mean(worse) > 10


# --------------------------------------------------------------------------- models and prompts


@pytest.mark.parametrize("env_id", ["warfarin", "warfarin-maintenance"])
@pytest.mark.parametrize("style", ["direct", "reasoned"])
def test_prompts_have_no_faults_and_say_what_the_constants_are(env_id, style):
    env = make(env_id)
    assert set(styles(env_id)) == {"direct", "reasoned"}
    found = lint(env, env_id, style, ReplyFormat.JSON)
    assert not found.findings
    system = load(env_id, style).system
    for number in (
        f"from {c.LOW} to {c.HIGH}",
        f"{c.REWARD_FAR_BELOW:g} below {c.FAR_BELOW}",
        f"{c.REWARD_FAR_ABOVE:g} above {c.FAR_ABOVE}",
        f"{c.REWARD_DANGEROUS:g} above {c.DANGEROUS}",
        f"costs {c.VISIT_COST}",
        f"about {100 * c.INR_CV:.0f} %",
    ):
        assert number in system


def test_the_text_of_a_patient_tells_what_was_seen(clinic):
    clinic.reset(100_003)
    clinic.step(WarfarinAction(dose="set_5", hold_days=0, next_visit="3_days"))
    seen = clinic.step(WarfarinAction(dose="down_20", hold_days=1, next_visit="1_week")).observation
    prompt = load("warfarin", "direct")
    text = prompt.observation_message({"env": clinic.spec.model_dump(), "reply": ""}, seen.model_dump()).content
    assert text == (
        f"Day 10, 80 days left. INR today: {seen.inr:.1f}.\n"
        "Dose up to now: 28.0 mg a week. Doses missed since the last visit: 1 (day 8).\n"
        "Earlier visits:\n"
        "day 0: INR 0.9, then 35.0 mg a week\n"
        f"day 3: INR {seen.visits[1].inr:.1f}, then 28.0 mg a week after 1 days without\n"
        "Patient: male, 75 years, 168 cm, 70 kg, no amiodarone. CYP2C9 *1/*2, VKORC1 -1639 AA."
    )


@pytest.mark.parametrize("kind", [WarfarinAction, MaintenanceAction])
def test_a_model_can_write_every_dose_and_be_read(kind):
    contract = ReplyContract(kind, ReplyFormat.JSON)
    for dose in (*(SETS if kind is WarfarinAction else ()), *CHANGES):
        action = kind(dose=dose, hold_days=7, next_visit="2_weeks")
        assert contract.parse(contract.write(action)).action == action
        assert contract.parse(f"dose: {dose}, hold_days: 7, next_visit: 2_weeks").action == action
    assert contract.parse('{"dose":"up_25","hold_days":0,"next_visit":"1_week"}').action is None
