"""`scoring="original"`: the original's formulas on one patient, by hand."""

from __future__ import annotations

import pytest

from harness.envs.polypharmacy import original
from harness.envs.polypharmacy.harm import harm_of
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.original_score import OriginalScore
from harness.envs.polypharmacy.patients import BUDGETED, COMPLEX, EASY
from harness.envs.polypharmacy.review import FINISH, ask, change
from harness.envs.polypharmacy.state import ReviewState
from harness.envs.polypharmacy.tables import load
from harness.envs.registry import make
from tests.envs.polypharmacy.patients import taking

TABLES = load()
WHO = taking(
    ("apixaban", 10, ("atrial-fibrillation", "anticoagulant")),
    ("naproxen", 500, ("osteoarthritis", "analgesic")),
    ("acetaminophen", 2000, None),
    conditions=("atrial-fibrillation", "osteoarthritis"),
)
FIRST = (0.30 + 0.30 + 0.05) / 3
"""A severe pair, long NSAID use without protection, one high-risk drug; three drugs."""


def scored(task, *actions):
    harm = harm_of(WHO, TABLES)
    state = ReviewState(harm, harm.start, frozenset(), task.queries, task.interventions, task.steps)
    score, rewards = OriginalScore(task, WHO, state, TABLES), []
    for action in actions:
        after, _ = state.after(action)
        rewards.append(score.reward(state, action, after))
        state = after
    return score, rewards


def test_the_first_risk():
    score, _ = scored(EASY)
    assert score.grade().components["risk_before"] == pytest.approx(FIRST)


def test_rewards_are_those_of_the_original_clamp_and_all():
    stop = change("naproxen", Intervention.STOP)
    _, rewards = scored(
        EASY, ask("apixaban", "naproxen"), ask("acetaminophen", "naproxen"), ask("a", "b"), stop, FINISH
    )
    left = 0.05 / 2  # one high-risk drug of two
    reduction = (FIRST - left) / FIRST
    assert rewards == pytest.approx(
        [0.05 - 0.015, 0.001, 0.001, FIRST - left - 0.025, original.clamped(0.5 * reduction + 0.5)]
    )


def test_the_easy_grade_pays_for_touching_a_severe_pair():
    monitored, _ = scored(EASY, change("naproxen", Intervention.ADD_MONITORING))
    assert monitored.score() == pytest.approx(0.5)  # nothing lowered, and half the points
    elsewhere, _ = scored(EASY, change("acetaminophen", Intervention.ADD_MONITORING))
    assert elsewhere.score() == 0.001


def test_the_medium_grade():
    asked = ask("apixaban", "naproxen"), ask("acetaminophen", "apixaban")
    score, _ = scored(
        BUDGETED, *asked, change("naproxen", Intervention.STOP), change("apixaban", Intervention.ADD_MONITORING)
    )
    reduction = (FIRST - 0.05 / 2) / FIRST
    assert score.score() == pytest.approx(0.5 * reduction + 0.3 * 1 / 2 + 0.2 * 1 / 2)


def test_the_hard_grade_and_that_stopping_everything_leaves_no_risk():
    score, _ = scored(COMPLEX, *(change(drug, Intervention.STOP) for drug in ("apixaban", "naproxen", "acetaminophen")))
    assert score.grade().components["risk_after"] == 0.0
    assert score.score() == pytest.approx(1 - 3 * 0.05 - 0.20)


def test_a_substitution_of_a_critical_drug_is_a_change_and_no_stop():
    warfarin = WHO.model_copy(
        update={"medications": (WHO.medications[0].model_copy(update={"drug": "warfarin", "dose_mg": 4.0}),)}
    )
    harm = harm_of(warfarin, TABLES)
    state = ReviewState(harm, harm.start, frozenset(), 1, 1, 10)
    score = OriginalScore(COMPLEX, warfarin, state, TABLES)
    action = change("warfarin", Intervention.SUBSTITUTE, "apixaban")
    score.reward(state, action, state.after(action)[0])
    assert score.score() == 0.001  # the risk stays, and a change costs 0.05


def of(who, task, *actions):
    """The score of somebody after some actions."""
    harm = harm_of(who, TABLES)
    state = ReviewState(harm, harm.start, frozenset(), task.queries, task.interventions, task.steps)
    score = OriginalScore(task, who, state, TABLES)
    for action in actions:
        assert state.refusal(action) is None
        after, _ = state.after(action)
        score.reward(state, action, after)
        state = after
    return score


def test_a_moderate_pair_is_found_by_a_question_and_is_no_severe_one_to_be_touched():
    who = taking(("amlodipine", 5, None), ("simvastatin", 20, None))
    assert of(who, BUDGETED, ask("amlodipine", "simvastatin")).score() == pytest.approx(0.2)
    assert of(who, EASY, change("amlodipine", Intervention.ADD_MONITORING)).score() == 0.001


def test_a_substitution_costs_a_change_and_no_critical_stop():
    who = taking(
        ("warfarin", 4, ("atrial-fibrillation", "anticoagulant")),
        ("naproxen", 500, ("osteoarthritis", "analgesic")),
        conditions=("atrial-fibrillation", "osteoarthritis"),
    )
    stop, instead = change("naproxen", Intervention.STOP), change("warfarin", Intervention.SUBSTITUTE, "apixaban")
    score = of(who, COMPLEX, stop, instead)
    before, after = score.grade().components.values()
    assert after == pytest.approx(0.05)  # one high-risk drug
    assert before > 0.3
    assert score.score() == pytest.approx(1 - after / before - 2 * 0.05)


def test_the_risk_counts_the_dose_that_is_taken_now_and_every_drug_that_meets_a_criterion():
    digoxin = taking(("digoxin", 0.25, ("atrial-fibrillation", "rate-control")), conditions=("atrial-fibrillation",))
    before, after = of(digoxin, EASY, change("digoxin", Intervention.DOSE_REDUCE)).grade().components.values()
    assert before - after == pytest.approx(0.30)  # to be avoided above 0.125 mg
    brain = taking(("sertraline", 50, None), ("gabapentin", 300, None), ("lamotrigine", 100, None))
    two = of(brain, EASY, change("lamotrigine", Intervention.STOP)).grade().components["risk_after"]
    three = of(brain, EASY).grade().components["risk_before"]
    lamotrigine = of(taking(("lamotrigine", 100, None)), EASY).grade().components["risk_before"]
    assert 3 * three - 2 * two - lamotrigine == pytest.approx(3 * 0.30)  # no pair of them interacts


def test_every_reward_and_score_lies_within_the_clamp_and_no_optimum_is_claimed():
    env = make("polypharmacy/budgeted-screening", scoring="original")
    assert env.reference is None
    env.reset(100_000)
    while not (moved := env.step(ask("a", "b"))).terminated:
        assert moved.reward == 0.001
    assert env.grade().score == 0.001
