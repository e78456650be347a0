"""The rules of a review: what is refused, why, and what it costs."""

from __future__ import annotations

import pytest

from harness.envs.polypharmacy.harm import harm_of
from harness.envs.polypharmacy.options import Intervention, options_of
from harness.envs.polypharmacy.original import INVALID_COST, QUERY_COST, TIMEOUT_COST
from harness.envs.polypharmacy.review import FINISH, ask, change
from harness.envs.polypharmacy.state import ReviewState
from harness.envs.polypharmacy.tables import load
from tests.envs.polypharmacy.patients import taking

TABLES = load()
AF, PAIN, ANXIETY = ("atrial-fibrillation", "anticoagulant"), ("osteoarthritis", "analgesic"), ("anxiety", "anxiolytic")
WHO = taking(
    ("warfarin", 4, AF),
    ("naproxen", 500, PAIN),
    ("lorazepam", 1, ANXIETY),
    conditions=("atrial-fibrillation", "osteoarthritis", "anxiety"),
)
STOP, REDUCE = Intervention.STOP, Intervention.DOSE_REDUCE
SUBSTITUTE, MONITOR = Intervention.SUBSTITUTE, Intervention.ADD_MONITORING


def state(queries=4, interventions=4, steps=10, who=WHO) -> ReviewState:
    harm = harm_of(who, TABLES)
    return ReviewState(harm, harm.start, frozenset(), queries, interventions, steps)


def played(now: ReviewState, *actions) -> ReviewState:
    for action in actions:
        assert now.refusal(action) is None, now.refusal(action)
        now, _ = now.after(action)
    return now


@pytest.mark.parametrize(
    ("before", "action", "sentence"),
    [
        (
            (),
            ask("warfarin", "digoxin"),
            "the patient does not take 'digoxin'; taken are lorazepam, naproxen, warfarin",
        ),
        ((), ask("warfarin", "warfarin"), "'warfarin' was named twice"),
        (
            (ask("warfarin", "naproxen"),),
            ask("naproxen", "warfarin"),
            "'naproxen' and 'warfarin' were asked about before",
        ),
        (
            (ask("naproxen", "warfarin"),),
            ask("warfarin", "naproxen"),
            "'warfarin' and 'naproxen' were asked about before",
        ),
        ((), change("digoxin", STOP), "does not take 'digoxin'"),
        ((change("naproxen", STOP),), change("naproxen", STOP), "does not take 'naproxen'"),
        ((change("naproxen", STOP),), ask("naproxen", "warfarin"), "does not take 'naproxen'"),
        ((change("warfarin", REDUCE),), change("warfarin", REDUCE), "was reduced before"),
        ((change("warfarin", MONITOR),), change("warfarin", MONITOR), "is monitored already"),
        ((), change("warfarin", SUBSTITUTE), "a substitute needs a new drug"),
        ((), change("warfarin", STOP, "apixaban"), "'stop' takes no new drug"),
        (
            (),
            change("warfarin", SUBSTITUTE, "sertraline"),
            "is no sensible substitute for 'warfarin' in this patient; se",
        ),
        ((), change("warfarin", SUBSTITUTE, "unobtainium"), "sensible are apixaban, edoxaban"),
        ((), change("warfarin", SUBSTITUTE, "naproxen"), "no sensible substitute"),
        ((FINISH,), FINISH, "the review is over"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_a_sentence(before, action, sentence):
    now = played(state(), *before)
    assert sentence in (now.refusal(action) or "")
    if not now.over:
        after, reward = now.after(action)
        assert reward == -INVALID_COST
        assert after.regimen == now.regimen
        assert (after.asked, after.queries, after.interventions) == (now.asked, now.queries, now.interventions)
        assert after.steps == now.steps - 1


def test_budgets_end():
    assert state(queries=0).refusal(ask("warfarin", "naproxen")) == "no questions are left"
    assert state(interventions=0).refusal(change("naproxen", STOP)) == "no interventions are left"


def test_a_question_costs_and_uses_up_a_question_and_a_step():
    after, reward = state().after(ask("warfarin", "naproxen"))
    assert (reward, after.queries, after.interventions, after.steps) == (-QUERY_COST, 3, 4, 9)


def test_the_last_step_that_does_not_finish_runs_out_of_time():
    after, reward = state(steps=1).after(ask("warfarin", "naproxen"))
    assert after.over
    assert reward == pytest.approx(-QUERY_COST - TIMEOUT_COST)
    after, reward = state(steps=1).after(FINISH)
    assert after.over
    assert reward == 0.0


def test_a_medication_is_replaced_once_and_what_took_its_place_can_be_reduced_monitored_and_stopped():
    now = played(state(), change("lorazepam", SUBSTITUTE, "sertraline"))
    assert "sertraline" in now.places
    assert "there is none" in (now.refusal(change("sertraline", SUBSTITUTE, "buspirone")) or "")
    now = played(now, change("sertraline", REDUCE), change("sertraline", MONITOR), change("sertraline", STOP))
    assert now.interventions == 0


def test_what_was_done_to_a_drug_is_not_done_to_what_replaces_it():
    now = played(state(), change("warfarin", MONITOR), change("warfarin", SUBSTITUTE, "apixaban"))
    option = now.harm.options[now.regimen[0]]
    assert (option.drug, option.monitored, option.reduced) == ("apixaban", False, False)


def test_one_new_drug_is_not_taken_twice():
    back = ("chronic-low-back-pain", "analgesic")
    who = taking(
        ("naproxen", 500, PAIN), ("tramadol", 100, back), conditions=("osteoarthritis", "chronic-low-back-pain")
    )
    now = state(who=who)
    both = change("naproxen", SUBSTITUTE, "acetaminophen"), change("tramadol", SUBSTITUTE, "acetaminophen")
    assert [now.refusal(action) for action in both] == [None, None]
    assert set(both) <= set(now.actions())
    now = played(now, both[0])
    assert both[1] not in list(now.actions())
    assert "no sensible substitute" in (now.refusal(both[1]) or "")
    now = played(now, change("acetaminophen", STOP))
    assert now.refusal(both[1]) is None


def test_a_substitute_that_the_kidneys_or_a_criterion_forbid_is_not_sensible():
    reason = ("type-2-diabetes", next(i.role for i in TABLES.indications if i.drug == "glipizide"))
    listed = {
        crcl: {o.drug for o in options_of(taking(("glipizide", 5, reason), conditions=(reason[0],), crcl=crcl), TABLES)}
        for crcl in (80, 20)
    }
    assert "metformin" in listed[80]
    assert "metformin" not in listed[20]


def test_what_is_allowed_is_listed_and_nothing_else_is():
    now = played(state(), ask("warfarin", "naproxen"), change("lorazepam", STOP))
    actions = list(now.actions())
    assert len(actions) == len(set(actions))
    assert all(now.refusal(action) is None for action in actions)
    assert ask("naproxen", "warfarin") not in actions
    kinds = [a.action.intervention_type for a in actions if a.action.action_type == "propose_intervention"]
    assert kinds.count(STOP) == kinds.count(REDUCE) == kinds.count(MONITOR) == 2
    assert actions[-1] == FINISH
    assert list(played(now, FINISH).actions()) == []
