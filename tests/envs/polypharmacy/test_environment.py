"""The environment: determinism, what is shown, rewards that add up, and no action that corrupts it."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.environment import ReferenceKind
from harness.core.errors import IllegalAction, UsageError
from harness.envs.polypharmacy import original
from harness.envs.polypharmacy.environment import MedicationReview
from harness.envs.polypharmacy.harm import harm_of
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.patients import TASKS, patient
from harness.envs.polypharmacy.review import FINISH, ReviewAction, ReviewObservation, ask, change
from harness.envs.polypharmacy.shown import KIDNEYS, kidneys, patient_shown, state_shown
from harness.envs.polypharmacy.spec import REWARD_BOUND
from harness.envs.registry import make

IDS = [f"polypharmacy/{name}" for name in TASKS]
ENVS = {env_id: make(env_id) for env_id in IDS}
NAMES = [*list(ENVS[IDS[0]].tables.drugs)[:40], "unobtainium", "a", "ibuprofen 400 mg!", "ß" * 60]
names = st.sampled_from(NAMES)
wild = st.one_of(
    st.builds(ask, names, names),
    st.builds(change, names, st.sampled_from(list(Intervention)), st.none() | names),
    st.just(FINISH),
)


def state(env: MedicationReview):
    return env._state


def invariants(env: MedicationReview, shown: ReviewObservation) -> None:
    """What must hold after anything that anybody does."""
    now, task = state(env), env.task
    assert 0 <= now.queries == shown.queries_left <= task.queries
    assert 0 <= now.interventions == shown.interventions_left <= task.interventions
    assert 0 <= now.steps == shown.steps_left <= task.steps
    assert len(shown.queries) == task.queries - now.queries
    assert len(shown.interventions) == task.interventions - now.interventions
    taken = [m.drug for m in shown.medications if not m.stopped]
    assert sorted(taken) == sorted(now.places)
    assert len(taken) == len(set(taken))
    assert len(shown.medications) == len(now.harm.start)
    again = ReviewObservation.model_validate_json(shown.model_dump_json())
    assert again == shown
    assert state_shown(shown, now.harm).regimen == now.regimen
    assert 0.0 <= env.grade().score <= 1.0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(IDS), st.sampled_from(["harm", "original"]), st.integers(0, 2**40), st.data())
def test_whatever_is_done_the_state_stays_sound(env_id, scoring, seed, data):
    env = ENVS[env_id] if scoring == "harm" else make(env_id, scoring=scoring)
    shown, over, total = env.reset(seed), False, 0.0
    first = harm_of(patient(seed, env.task, env.tables), env.tables)
    low, high = env.spec.reward_range
    while not over:
        legal = list(state(env).actions())
        action = data.draw(st.one_of(wild, st.sampled_from(legal)))
        allowed = state(env).refusal(action) is None
        before = state(env)
        moved = env.step(action)
        shown, over, total = moved.observation, moved.terminated, total + moved.reward
        assert low <= moved.reward <= high
        assert (shown.problem is None) == allowed == moved.info["admissible"]
        assert allowed or state(env).regimen == before.regimen
        invariants(env, shown)
    assert shown.done
    assert not moved.truncated
    with pytest.raises(IllegalAction, match="the review is over"):
        env.step(FINISH)
    if scoring == "harm":
        costs = original.QUERY_COST * len(shown.queries) + original.INTERVENTION_COST * len(shown.interventions)
        costs += original.INVALID_COST * env.grade().components["refused"]
        costs += 0.0 if state(env).finished else original.TIMEOUT_COST
        now = state(env)
        assert total == pytest.approx(first.total(first.start) - now.harm.total(now.regimen) - costs, abs=1e-9)


@pytest.mark.parametrize("env_id", IDS)
def test_the_same_seed_is_the_same_review(env_id):
    env, other = ENVS[env_id], make(env_id)
    for seed in range(100_000, 100_010):
        chosen = random.Random(seed)
        shown, again = env.reset(seed), other.reset(seed)
        while not shown.done:
            assert shown == again
            action = chosen.choice(list(state(env).actions()))
            shown, again = env.step(action).observation, other.step(action).observation
        assert env.grade() == other.grade()


def test_what_is_shown_is_enough_to_know_the_patient_but_for_the_seed():
    env = ENVS["polypharmacy/complex-tradeoff"]
    for seed in range(20):
        shown, chosen = env.reset(seed), random.Random(seed)
        first = patient(seed, env.task, env.tables)
        for _ in range(6):
            assert patient_shown(shown).model_dump(exclude={"seed"}) == first.model_dump(exclude={"seed"})
            shown = env.step(chosen.choice(list(state(env).actions())[:-1])).observation


def test_no_observation_tells_an_interaction_that_was_not_asked_about():
    env = ENVS["polypharmacy/complex-tradeoff"]
    for seed in range(30):
        shown = env.reset(seed)
        drug = next(m.drug for m in shown.medications)
        for text in (shown.model_dump_json(), env.step(change(drug, Intervention.STOP)).observation.model_dump_json()):
            for rule in env.tables.interactions.values():
                assert rule.rule not in text
                assert len(rule.management) < 20 or rule.management not in text


def test_an_answer_says_what_the_tables_say():
    env = ENVS["polypharmacy/complex-tradeoff"]
    for seed in range(20):
        shown = env.reset(seed)
        a, b = [m.drug for m in shown.medications][:2]
        (answer,) = env.step(ask(a, b)).observation.queries
        rules = env.tables.rules(a, b, shown.conditions)
        assert [f.effect for f in answer.findings] == [rule.effect for rule in rules]
        assert answer.severity == (
            min(rules, key=lambda r: list(type(r.severity)).index(r.severity)).severity if rules else "none"
        )


@pytest.mark.parametrize("env_id", IDS)
def test_the_informed_optimum_scores_one_and_regret_adds_up(env_id):
    env = ENVS[env_id]
    assert env.reference.kind is ReferenceKind.INFORMED
    for seed in range(100_000, 100_020):
        env.reset(seed)
        value, lost, total, over, chosen = env.reference.value(), 0.0, 0.0, False, random.Random(seed)
        while not over:
            reference = env.reference
            action = chosen.choice([reference.best_action(), *list(state(env).actions())[:3]])
            lost += reference.value() - reference.action_value(action)
            moved = env.step(action)
            total, over = total + moved.reward, moved.terminated
        assert value == pytest.approx(total + lost, abs=1e-9)
        env.reset(seed)
        while not (moved := env.step(env.reference.best_action())).terminated:
            pass
        assert env.grade().score == pytest.approx(1.0)
        assert env.grade().components["queries"] == 0


def test_the_score_is_the_share_of_what_could_be_gained_at_the_start():
    env = ENVS["polypharmacy/complex-tradeoff"]
    env.reset(100_000)
    best = env.reference.value()
    earned = env.step(env.reference.best_action()).reward
    env.step(FINISH)
    assert 0 < earned < 0.9 * best
    assert env.grade().score == pytest.approx(earned / best)
    assert env.grade().components["optimal"] == pytest.approx(best)


def test_where_nothing_can_be_gained_doing_nothing_is_perfect_and_a_question_is_not():
    env = ENVS["polypharmacy/easy-screening"]
    env.reset(0)
    env._optimum.value = lambda *_: 0.0  # no patient of the generator is so well treated
    env.step(FINISH)
    assert env.grade().score == 1.0
    shown = env.reset(0)
    env._optimum.value = lambda *_: 0.0
    env.step(ask(*[m.drug for m in shown.medications][:2]))
    assert env.grade().score == pytest.approx(1 - original.QUERY_COST)


@pytest.mark.parametrize(
    ("crcl", "word"),
    [(95, "normal"), (90, "normal"), (89.9, "mild"), (30, "moderate"), (15, "severe"), (14, "failure")],
)
def test_kidneys_by_clearance(crcl, word):
    assert kidneys(crcl) == word
    assert [least for least, _ in KIDNEYS] == sorted((least for least, _ in KIDNEYS), reverse=True)


def test_no_step_can_change_harm_by_more_than_is_said():
    """A contraindicated pair with each of fourteen drugs, and the worst that one drug does alone."""
    worst = 0.0
    for seed in range(60):
        harm = harm_of(patient(seed, TASKS["complex-tradeoff"], ENVS[IDS[0]].tables), ENVS[IDS[0]].tables)
        worst = max(worst, float(harm.alone.max()))
    assert 14 * 0.5 + worst + 1.0 < REWARD_BOUND


def test_a_scoring_that_is_none_is_a_sentence():
    with pytest.raises(UsageError, match="'golf' is no scoring; expected one of: harm, original"):
        make(IDS[0], scoring="golf")


def test_actions_are_read_in_full_and_in_short():
    full = {"action": {"action_type": "query_ddi", "drug_id_1": " Warfarin ", "drug_id_2": "IBUPROFEN"}}
    short = {"do": {"t": "query_ddi", "a": "warfarin", "b": "ibuprofen"}}
    assert ReviewAction.model_validate(full) == ReviewAction.model_validate(short) == ask("warfarin", "ibuprofen")
    assert json.loads(FINISH.model_dump_json()) == {"action": {"action_type": "finish_review"}}
    assert [str(a) for a in (FINISH, ask("a", "b"), change("a", Intervention.DOSE_REDUCE))] == [
        "finish",
        "ask a + b",
        "dose reduce a",
    ]
