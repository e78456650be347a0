"""The harm of a regimen: every part of it by hand, a price on both sides, and nothing to be had by brute means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.agent import Situation
from harness.envs.polypharmacy import harm as points
from harness.envs.polypharmacy.chart import Patient
from harness.envs.polypharmacy.criteria import meets
from harness.envs.polypharmacy.harm import harm_of, harm_without_interactions
from harness.envs.polypharmacy.interactions import MANAGED, SEVERITY, interactions, remaining
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.original import BEERS_WEIGHTS, CRITICAL_STOP, INTERVENTION_COST
from harness.envs.polypharmacy.patients import COMPLEX, TASKS, patient
from harness.envs.polypharmacy.prescribing import purposes
from harness.envs.polypharmacy.problems import problems
from harness.envs.polypharmacy.review import FINISH, ReviewAction, ReviewObservation, change
from harness.envs.polypharmacy.rows import BeersKind, Severity
from harness.envs.polypharmacy.state import ReviewState
from harness.envs.polypharmacy.tables import load
from harness.envs.registry import make
from harness.evaluation.intervals import of_mean
from tests.envs.polypharmacy.patients import taking

TABLES = load()
PAIN, ANXIETY = ("osteoarthritis", "analgesic"), ("anxiety", "anxiolytic")
AF, PRESSURE = ("atrial-fibrillation", "anticoagulant"), ("hypertension", "antihypertensive")
AVOID = BEERS_WEIGHTS[BeersKind.AVOID]


def start(who: Patient) -> ReviewState:
    harm = harm_of(who, TABLES)
    return ReviewState(harm, harm.start, frozenset(), 9, 9, 30)


def total(state: ReviewState) -> float:
    return state.harm.total(state.regimen)


def after(state: ReviewState, *changes: tuple) -> ReviewState:
    for drug, kind, *new in changes:
        action = change(drug, Intervention(kind), *new)
        assert state.refusal(action) is None, state.refusal(action)
        before = state
        state, reward = state.after(action)
        assert reward == pytest.approx(total(before) - total(state) - INTERVENTION_COST)
    return state


def bleeding(**more) -> ReviewState:
    """Apixaban and naproxen: a severe interaction that nothing manages, and an NSAID taken for long, unprotected."""
    return start(
        taking(
            ("apixaban", 10, AF), ("naproxen", 500, PAIN), conditions=("atrial-fibrillation", "osteoarthritis"), **more
        )
    )


# --------------------------------------------------------------------------- interactions


def test_harm_falls_when_a_severe_pair_is_properly_resolved():
    before = bleeding()
    better = after(before, ("naproxen", "substitute", "acetaminophen"))
    # the severe pair and the criterion about long NSAID use are gone, and pain is still treated
    assert total(before) - total(better) == pytest.approx(SEVERITY[Severity.SEVERE] + AVOID)


def test_harm_rises_when_an_indicated_drug_is_dropped():
    before = start(taking(("lisinopril", 10, PRESSURE), conditions=("hypertension",)))
    assert total(before) == 0.0
    assert total(after(before, ("lisinopril", "stop"))) == points.UNTREATED["major"]


def test_resolving_a_pair_by_dropping_what_is_vital_is_worse_than_the_pair():
    before = bleeding()
    worse = after(before, ("apixaban", "stop"))
    gone, lost = SEVERITY[Severity.SEVERE], points.UNTREATED["vital"] + CRITICAL_STOP
    assert total(worse) - total(before) == pytest.approx(lost - gone)


@pytest.mark.parametrize(
    ("monitor", "a", "b", "done_a", "done_b", "left"),
    [
        (True, False, False, 0, 0, 1.0),
        (True, False, False, 2, 0, MANAGED),
        (True, False, False, 2, 2, MANAGED),
        (False, False, False, 2, 2, 1.0),
        (False, True, False, 1, 0, MANAGED),
        (False, True, False, 0, 1, 1.0),
        (True, True, True, 3, 0, MANAGED**2),
        (True, False, True, 2, 1, MANAGED**2),
    ],
)
def test_only_real_management_lowers_an_interaction(monitor, a, b, done_a, done_b, left):
    assert remaining(0.3, monitor, a, b)[done_a, done_b] == pytest.approx(0.3 * left)


def test_whose_dose_helps_follows_the_rule_whichever_drug_is_named_first():
    rule = TABLES.interactions["warfarin-amiodarone"]
    assert (rule.monitor, rule.reduce, rule.a) == (True, "a", "drug:warfarin")
    left = interactions(["amiodarone", "warfarin"], (), TABLES)[0, 1]
    assert left[0, 1] == pytest.approx(left[0, 0] * MANAGED)  # less warfarin
    assert left[1, 0] == pytest.approx(left[0, 0])  # less amiodarone
    assert left[0, 3] == pytest.approx(left[0, 0] * MANAGED**2)


def test_a_rule_for_a_condition_holds_for_those_who_have_it():
    conditional = next(r for r in TABLES.interactions.values() if r.condition is not None)
    a, b = TABLES.members(conditional.a)[0], TABLES.members(conditional.b)[-1]
    with_it = interactions([a, b], (conditional.condition,), TABLES)[0, 1, 0, 0]
    assert with_it >= SEVERITY[conditional.severity]
    of_others = TABLES.rules(a, b, ())
    worst = max((SEVERITY[rule.severity] for rule in of_others), default=0.0)
    assert interactions([a, b], (), TABLES)[0, 1, 0, 0] == pytest.approx(worst)


def test_the_array_of_interactions_says_what_the_rules_say():
    drugs = list(TABLES.drugs)[::7]
    found = interactions(drugs, ("ckd",), TABLES)
    for i, a in enumerate(drugs):
        for j, b in enumerate(drugs):
            worst = max((SEVERITY[r.severity] for r in TABLES.rules(a, b, ("ckd",)) if a != b), default=0.0)
            assert found[i, j, 0, 0] == pytest.approx(worst), (a, b)
    assert np.array_equal(found, found.transpose(1, 0, 3, 2))


# --------------------------------------------------------------------------- what a drug is for


HEART = ("heart-failure", "raas")


def test_what_a_drug_does_for_another_condition_counts_too():
    """Losartan was given for the pressure, and the heart failure needs it."""
    who = taking(("losartan", 50, PRESSURE), conditions=("heart-failure", "hypertension"))
    before = start(who)
    lost = points.UNTREATED["vital"] + points.UNTREATED["major"]
    assert total(after(before, ("losartan", "stop"))) - total(before) == pytest.approx(lost)
    replaced = after(before, ("losartan", "substitute", "amlodipine"))
    assert total(replaced) - total(before) >= points.UNTREATED["vital"]


def test_one_drug_is_no_second_drug_for_the_same_condition():
    """Either of two drugs for the pressure may go for the price of one role; both roles are lost when both go."""
    second = ("hypertension", "second-antihypertensive")
    before = start(taking(("lisinopril", 10, PRESSURE), ("amlodipine", 5, second), conditions=("hypertension",)))
    one = after(before, ("lisinopril", "stop"))
    both = after(one, ("amlodipine", "stop"))
    assert total(one) - total(before) == pytest.approx(points.UNTREATED["major"])
    assert total(both) - total(one) == pytest.approx(points.UNTREATED["major"])


def test_no_drug_that_a_condition_calls_for_is_said_to_be_taken_for_nothing():
    for task in TASKS.values():
        for seed in range(60):
            who = patient(seed, task, TABLES)
            for known in who.medications:
                if known.reason is None:
                    assert not purposes(known.drug, who.conditions, TABLES), (task.name, seed, known)


def test_good_practice_beside_another_drug_is_no_burden():
    opioid, laxative = ("oxycodone", 20, ("osteoarthritis", "analgesic")), "sennosides"
    who = taking(opioid, (laxative, 17.2, None), conditions=("osteoarthritis",))
    pain, constipation = who.medications
    beside = who.model_copy(update={"medications": (pain, constipation.model_copy(update={"cascade_of": "oxycodone"}))})
    harm, other = harm_of(beside, TABLES), harm_of(who, TABLES)
    assert other.total(other.start) - harm.total(harm.start) == pytest.approx(points.NO_REASON)


def test_withdrawal_is_avoided_by_way_of_a_lower_dose_and_other_dangers_are_not():
    who = taking(("lorazepam", 1, None), ("warfarin", 5, None))
    before = start(who)
    abruptly = after(before, ("lorazepam", "stop"))
    gradually = after(before, ("lorazepam", "dose_reduce"), ("lorazepam", "stop"))
    assert total(abruptly) - total(gradually) == pytest.approx(CRITICAL_STOP)
    assert gradually.harm.options[gradually.regimen[0]].reduced
    blood = after(before, ("warfarin", "stop")), after(before, ("warfarin", "dose_reduce"), ("warfarin", "stop"))
    assert total(blood[0]) == pytest.approx(total(blood[1]))


# --------------------------------------------------------------------------- one drug


def test_a_substitute_begins_today_for_a_criterion_about_the_first_days_and_goes_on_for_one_about_long_use():
    begins = next(c for c in TABLES.beers.values() if c.days_at_most is not None)
    goes_on = next(c for c in TABLES.beers.values() if c.days_above is not None and c.condition is None)
    someone = taking(conditions=[c for c in (begins.condition,) if c])
    assert meets(begins, 1.0, 400, someone, new=True)
    assert not meets(begins, 1.0, 400, someone)
    assert meets(goes_on, 1e9, goes_on.days_above + 1, someone, new=True)


def test_the_dose_counts_once_whoever_says_it():
    """Digoxin 0.25 mg with weak kidneys: its own limit says so, and Beers of any dose above 0.125 mg."""
    rate = ("atrial-fibrillation", "rate-control")
    who = taking(("digoxin", 0.25, rate), conditions=("atrial-fibrillation",), crcl=29)
    found = problems("digoxin", 0.25, 400, who, TABLES)
    assert sum(problem.criterion == "digoxin-dose" for problem in found) == 1
    assert not any("above" in problem.reason and problem.criterion is None for problem in found)


def test_kidneys_count_once_whoever_says_it():
    """Spironolactone below 30 mL/min: its own limit says so, and so does Beers."""
    reason = ("hypertension", "second-antihypertensive")
    low, enough = (
        total(start(taking(("spironolactone", 25, reason), conditions=("hypertension",), crcl=crcl)))
        for crcl in (25, 80)
    )
    assert low - enough == pytest.approx(AVOID)


def test_a_dose_above_what_the_kidneys_bear_is_mended_by_a_lower_one():
    reason = ("type-2-diabetes", next(i.role for i in TABLES.indications if i.drug == "metformin"))
    before = start(taking(("metformin", 2000, reason), conditions=("type-2-diabetes",), crcl=40))
    assert total(before) == pytest.approx(BEERS_WEIGHTS[BeersKind.DOSE_ADJUST])
    better = after(before, ("metformin", "dose_reduce"))
    assert better.harm.options[better.regimen[0]].dose == 1000.0  # renal_max_mg, which is the usual dose
    assert total(better) == 0.0


def test_half_of_a_usual_dose_loses_a_fifth_of_the_effect():
    before = start(taking(("lisinopril", 10, PRESSURE), conditions=("hypertension",)))
    lower = after(before, ("lisinopril", "dose_reduce"))
    assert total(lower) == pytest.approx(points.UNTREATED["major"] * points.DOSE_RESPONSE / 2)
    high = start(taking(("lisinopril", 20, PRESSURE), conditions=("hypertension",)))
    assert total(after(high, ("lisinopril", "dose_reduce"))) == 0.0  # to the usual dose
    highest = start(taking(("lisinopril", 40, PRESSURE), conditions=("hypertension",)))
    assert total(after(highest, ("lisinopril", "dose_reduce"))) == 0.0  # to twice that, no better than the usual


def test_a_drug_without_a_reason_is_a_burden_and_can_be_stopped():
    before = start(taking(("acetaminophen", 2000, None)))
    assert total(before) == points.NO_REASON
    assert total(after(before, ("acetaminophen", "stop"))) == 0.0


# --------------------------------------------------------------------------- several drugs


def of_pressure(n: int) -> ReviewState:
    drugs = ("amlodipine", "lisinopril", "hydrochlorothiazide")[:n]
    doses = [TABLES.drugs[drug].usual_mg for drug in drugs]
    listed = [(drug, dose, PRESSURE) for drug, dose in zip(drugs, doses, strict=True)]
    return start(taking(*listed, conditions=("hypertension",)))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_role_is_untreated_when_the_last_drug_for_it_is_stopped(n):
    state = of_pressure(n)
    names = [option.drug for option in (state.harm.options[i] for i in state.regimen)]
    for i, drug in enumerate(names):
        state = after(state, (drug, "stop"))
        left = state.harm.total(state.regimen)
        if i < n - 1:
            assert left < points.UNTREATED["major"]
    assert total(state) == points.UNTREATED["major"]


def sedated(*drugs: str) -> float:
    """Harm of drugs without interactions, which are not what is looked at."""
    listed = [(drug, TABLES.drugs[drug].usual_mg, None) for drug in drugs]
    harm = harm_without_interactions(taking(*listed), TABLES)
    return harm.total(harm.start)


def test_three_drugs_for_the_brain_meet_a_criterion_that_two_do_not():
    one, two, three = "gabapentin", "sertraline", "venlafaxine"
    alone = sum(sedated(drug) for drug in (one, two, three))
    assert sedated(one, two) == pytest.approx(sedated(one) + sedated(two))
    assert sedated(one, two, three) == pytest.approx(alone + AVOID)


def test_a_protecting_drug_lifts_a_criterion_and_its_loss_brings_it_back():
    alone = start(taking(("naproxen", 500, PAIN), conditions=("osteoarthritis",)))
    assert total(alone) == pytest.approx(AVOID)
    reflux = ("gerd", "acid-suppression")
    listed = (("naproxen", 500, PAIN), ("omeprazole", 20, reflux))
    both = start(taking(*listed, conditions=("osteoarthritis", "gerd")))
    assert total(both) == 0.0
    unprotected = after(both, ("omeprazole", "stop"))
    assert total(unprotected) == pytest.approx(AVOID + points.UNTREATED["minor"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9_999), st.sampled_from(list(TASKS.values())), st.randoms(use_true_random=False))
def test_changes_of_one_place_are_those_of_the_total(seed, task, random):
    harm = harm_of(patient(seed, task, TABLES), TABLES)
    regimen = tuple(random.choice(np.flatnonzero(harm.place == place).tolist()) for place in range(len(harm.start)))
    options = [random.randrange(len(harm.options)) for _ in range(5)]
    for option, found in zip(options, harm.changes(regimen, options), strict=True):
        place = int(harm.place[option])
        other = (*regimen[:place], option, *regimen[place + 1 :])
        assert found == pytest.approx(harm.total(other) - harm.total(regimen), abs=1e-9)


def test_what_cannot_be_known_without_asking_are_interactions_alone():
    for seed in range(20):
        who = patient(seed, COMPLEX, TABLES)
        bare, full = harm_without_interactions(who, TABLES), harm_of(who, TABLES)
        assert np.array_equal(bare.alone, full.alone)
        assert (full.pairs >= bare.pairs).all()
        asked = interactions([m.drug for m in who.medications], who.conditions, TABLES)[:, :, 0, 0].sum() / 2
        assert full.total(full.start) - bare.total(bare.start) == pytest.approx(asked)


# --------------------------------------------------------------------------- no exploit


def stop_everything(observation: ReviewObservation, _: Situation) -> ReviewAction:
    taken = [m.drug for m in observation.medications if not m.stopped]
    return change(taken[0], Intervention.STOP) if taken and observation.interventions_left else FINISH


def do_nothing(observation: ReviewObservation, _: Situation) -> ReviewAction:
    return FINISH


def substitute_whatever(observation: ReviewObservation, _: Situation) -> ReviewAction:
    first = next(((m.drug, m.substitutes[0]) for m in observation.medications if m.substitutes and not m.stopped), None)
    if first is None or not observation.interventions_left:
        return FINISH
    return change(first[0], Intervention.SUBSTITUTE, first[1])


def spend_at_random(env) -> Callable[[ReviewObservation, Situation], ReviewAction]:
    from harness.agents import registry as agents

    return agents.make("random", env).decide


def scores(env, decide, episodes: int) -> list[float]:
    found = []
    for seed in range(100_000, 100_000 + episodes):
        observation, step, over = env.reset(seed), 0, False
        while not over:
            moved = env.step(decide(observation, Situation(env.why_illegal, seed=seed, step=step)))
            observation, over, step = moved.observation, moved.terminated, step + 1
        found.append(env.grade().score)
    return found


@pytest.mark.parametrize("task", TASKS)
def test_brute_means_score_badly(task):
    env = make(f"polypharmacy/{task}")
    for decide in (stop_everything, do_nothing, spend_at_random(env)):
        reached = scores(env, decide, 80)
        upper = max(reached) if len(set(reached)) == 1 else of_mean(reached).upper
        assert upper < 0.35, (decide, reached)


def test_the_sizes_of_harms_stand_in_an_order_that_makes_sense():
    untreated, severity = points.UNTREATED, SEVERITY
    assert untreated["vital"] > severity[Severity.CONTRAINDICATED] > untreated["major"] > severity[Severity.SEVERE]
    assert severity[Severity.SEVERE] == AVOID
    assert severity[Severity.MODERATE] == BEERS_WEIGHTS[BeersKind.CAUTION] == untreated["minor"]
