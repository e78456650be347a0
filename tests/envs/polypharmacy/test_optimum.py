"""The informed optimum: equal to trying everything, from any state, and quick."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.envs.polypharmacy.environment import InformedReference
from harness.envs.polypharmacy.harm import Count, Lifted, harm_of
from harness.envs.polypharmacy.optimum import Optimum, useful
from harness.envs.polypharmacy.options import NEVER, Intervention
from harness.envs.polypharmacy.original import INTERVENTION_COST, TIMEOUT_COST
from harness.envs.polypharmacy.patients import BUDGETED, COMPLEX, EASY, TASKS, patient
from harness.envs.polypharmacy.review import FINISH, ask, change
from harness.envs.polypharmacy.state import ReviewState
from harness.envs.polypharmacy.tables import load
from tests.envs.polypharmacy.made import kept_or_stopped, made_harm, one_further, tried
from tests.envs.polypharmacy.patients import taking

TABLES = load()


def started(seed, task, **left) -> ReviewState:
    harm = harm_of(patient(seed, task, TABLES), TABLES)
    given = {"queries": task.queries, "interventions": task.interventions, "steps": task.steps} | left
    return ReviewState(harm, harm.start, frozenset(), **given)


@settings(max_examples=250, deadline=None)
@given(
    st.integers(0, 2**31), st.integers(1, 4), st.integers(0, 2), st.integers(0, 3), st.integers(0, 2), st.floats(0, 1)
)
def test_a_made_up_patient_s_optimum_is_what_trying_everything_finds(seed, places, substitutes, k, moved, roughness):
    harm = made_harm(seed, places, substitutes, roughness=roughness)
    chosen, regimen = random.Random(seed), harm.start
    for _ in range(moved):
        regimen = chosen.choice(sorted(one_further(harm, regimen)) or [regimen])
    plan = Optimum(harm).plan(regimen, k)
    assert plan.gain == pytest.approx(tried(harm, regimen, k), abs=1e-9)
    steps = [int(harm.steps[a, b]) for a, b in zip(regimen, plan.regimen, strict=True)]
    assert sum(steps) <= k
    gained = harm.total(regimen) - harm.total(plan.regimen) - INTERVENTION_COST * sum(steps)
    assert plan.gain == pytest.approx(gained, abs=1e-9)


def test_two_changes_that_only_pay_together_are_found_beside_one_that_pays_at_once():
    """Stopping 0 or 1 makes trouble with the other as it is, and both stopped make it only once."""
    harm = kept_or_stopped([(0.3, 0.0), (0.3, 0.0), (0.225, 0.0)], {(1, 2): 0.2, (0, 3): 0.2, (1, 3): 0.2})
    plan = Optimum(harm).plan(harm.start, 2)
    assert plan.gain == pytest.approx(tried(harm, harm.start, 2), abs=1e-12) == pytest.approx(0.35)
    assert plan.regimen == (1, 3, 4)


def test_what_counts_for_several_drugs_is_worth_a_change_that_costs_nearly_as_much():
    """One stop that does harm of its own lifts a criterion that two drugs meet together, or protects two drugs."""
    without = kept_or_stopped([(0.0, 0.2), (0.0, 9.0), (0.0, 9.0)], {})
    counted = np.array([True, False, True, False, False, False])
    once = replace(without, counts=(Count("c", 0.3, 2, counted),))
    assert Optimum(once).plan(once.start, 1).gain == pytest.approx(0.1 - INTERVENTION_COST)
    subject, protective = np.array([0, 0, 1, 0, 1, 0], dtype=bool), np.array([0, 1, 0, 0, 0, 0], dtype=bool)
    twice = replace(without, alone=without.alone + 0.2 * protective, lifted=(Lifted("l", 0.25, subject, protective),))
    assert Optimum(twice).plan(twice.start, 1).gain == pytest.approx(0.1 - INTERVENTION_COST)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9_999), st.integers(0, 2))
def test_a_real_patient_s_too(seed, moved):
    state = started(seed, EASY)
    chosen, regimen = random.Random(seed), state.regimen
    for _ in range(moved):
        regimen = chosen.choice(sorted(one_further(state.harm, regimen)) or [regimen])
    assert Optimum(state.harm).plan(regimen, 2).gain == pytest.approx(tried(state.harm, regimen, 2), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_with_many_drugs_too(seed):
    state = started(seed, COMPLEX)
    assert Optimum(state.harm).plan(state.regimen, 2).gain == pytest.approx(
        tried(state.harm, state.regimen, 2), abs=1e-9
    )


def best_of_everything(state: ReviewState) -> float:
    """The most that any sequence of steps gains, by the rules: interventions, a question, a refused step, the end."""
    if state.over:
        return 0.0
    questions = [action for action in state.actions() if action.action.action_type == "query_ddi"]
    changes = [action for action in state.actions() if action.action.action_type == "propose_intervention"]
    refused = change("no such drug", Intervention.STOP)
    return max(
        reward + best_of_everything(after)
        for action in (*changes, *questions[:1], refused, FINISH)
        for after, reward in [state.after(action)]
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 9_999), st.integers(1, 3), st.integers(0, 2))
def test_the_value_counts_the_steps_that_are_left(seed, steps, interventions):
    state = started(seed, EASY, steps=steps, interventions=interventions)
    found = InformedReference(Optimum(state.harm), state).value()
    assert found == pytest.approx(best_of_everything(state), abs=1e-9)


def test_running_out_of_time_pays_where_the_last_change_is_worth_more_than_it_costs():
    reasons = ("atrial-fibrillation", "anticoagulant"), ("osteoarthritis", "analgesic")
    who = taking(("apixaban", 10, reasons[0]), ("naproxen", 500, reasons[1]), conditions=[r[0] for r in reasons])
    harm = harm_of(who, TABLES)
    state = ReviewState(harm, harm.start, frozenset(), 4, 2, steps=1)
    reference = InformedReference(Optimum(harm), state)
    gain = harm.total(harm.start) - INTERVENTION_COST  # acetaminophen leaves no harm
    assert reference.value() == pytest.approx(gain - TIMEOUT_COST)
    assert reference.action_value(reference.best_action()) == pytest.approx(reference.value())
    assert reference.action_value(FINISH) == 0.0


@settings(max_examples=20, deadline=None)
@example(20, BUDGETED, random.Random(5))  # a drug that should have been tapered is stopped at once
@given(st.integers(0, 9_999), st.sampled_from(list(TASKS.values())), st.randoms(use_true_random=False))
def test_nothing_is_worth_more_than_the_optimum_says_and_its_own_action_is_worth_that(seed, task, chosen):
    state = started(seed, task)
    optimum = Optimum(state.harm)
    while not state.over:
        reference = InformedReference(optimum, state)
        value = reference.value()
        assert reference.action_value(FINISH) == 0.0
        actions = list(state.actions())
        for action in chosen.sample(actions, min(12, len(actions))):
            assert reference.action_value(action) <= value + 1e-9
        best = reference.best_action()
        assert reference.action_value(best) == pytest.approx(value, abs=1e-9)
        state, _ = state.after(best if chosen.random() < 0.5 else chosen.choice(actions))


def test_a_question_costs_what_it_costs_and_tells_the_informed_nothing():
    state = started(0, COMPLEX)
    reference = InformedReference(Optimum(state.harm), state)
    pair = sorted(state.places)[:2]
    assert reference.value() - reference.action_value(ask(*pair)) == pytest.approx(0.015)


def test_what_is_left_out_of_the_search_is_beaten_everywhere():
    """Of every option left out there is another, reached as soon from everywhere, that is worse in nothing."""
    harm = started(3, COMPLEX).harm
    kept = useful(harm)
    assert not kept.all()
    for option in np.flatnonzero(~kept):
        others = np.flatnonzero((harm.place == harm.place[option]) & (np.arange(len(kept)) != option))
        assert any(
            harm.alone[o] <= harm.alone[option]
            and (harm.pairs[o] <= harm.pairs[option]).all()
            and all(
                harm.steps[q, o] <= harm.steps[q, option]
                for q in np.flatnonzero(harm.steps[:, option] < NEVER)
                if q != option
            )
            for o in others
        )


@pytest.mark.parametrize("seed", range(30))
def test_no_regimen_is_better_for_what_is_left_out_of_the_search(seed):
    harm = made_harm(seed, 3, 1)
    kept, chosen = useful(harm), random.Random(seed)
    own = [np.flatnonzero(harm.place == place).tolist() for place in range(3)]
    for option in np.flatnonzero(~kept):
        regimens = [[chosen.choice(options) for options in own] for _ in range(20)]
        better = []
        for regimen in regimens:
            regimen[harm.place[option]] = option
            better.append({
                o for o in own[harm.place[option]] if o != option
                and harm.total([o if i == option else i for i in regimen]) <= harm.total(regimen) + 1e-9
            })  # fmt: skip
        assert set.intersection(*better), option


def test_plans_are_kept_by_regimen_and_interventions(monkeypatch):
    from harness.envs.polypharmacy import optimum as module

    calls = []
    search = module.best_regimen
    monkeypatch.setattr(module, "best_regimen", lambda *args: (calls.append(args[1:3]), search(*args))[1])
    state = started(1, COMPLEX)
    optimum = Optimum(state.harm)
    for action in islice(state.actions(), 10):
        reference = InformedReference(optimum, state)
        reference.value()
        reference.action_value(action)
        state, _ = state.after(action)
    assert len(calls) == len(set(calls)) == 1  # ten questions, one regimen
