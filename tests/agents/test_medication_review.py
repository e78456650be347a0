"""Agents of the medication review: none beats the informed optimum, none knows what it did not ask about."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from harness.agents import registry as agents
from harness.agents.heuristics import medication_review as reviewers
from harness.agents.heuristics.beliefs import LEVELS, PSEUDO_PAIRS, REVIEWS, Outcome, experience, tendency
from harness.agents.heuristics.charts import between, left_of
from harness.agents.heuristics.information import best_question
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.core.seeds import EVALUATION_START
from harness.envs.polypharmacy.harm import harm_of, harm_without_interactions
from harness.envs.polypharmacy.interactions import interactions
from harness.envs.polypharmacy.optimum import Optimum
from harness.envs.polypharmacy.patients import COMPLEX, TASKS, patient
from harness.envs.polypharmacy.review import ReviewAction
from harness.envs.polypharmacy.shown import query_result
from harness.envs.polypharmacy.state import ReviewState, pair_of
from harness.envs.polypharmacy.tables import load
from harness.envs.registry import make
from harness.evaluation.intervals import of_mean
from tests.envs.polypharmacy.patients import taking

TABLES = load()
ALL = ("random", "fallback", "heuristic", "pharmacist", "uninformed", "experienced", "informed")
EPISODES = {"easy-screening": 12, "budgeted-screening": 8, "complex-tradeoff": 4}


def played(env, agent, seed):
    """Return, value of the optimum, and every action of one episode."""
    shown, total, over, actions = env.reset(seed), 0.0, False, []
    value = env.reference.value()
    while not over:
        action = agent.decide(shown, Situation(env.why_illegal, seed=seed, step=len(actions)))
        moved = env.step(action)
        assert moved.observation.problem is None, (agent.id, action, moved.observation.problem)
        shown, over, total = moved.observation, moved.terminated, total + moved.reward
        actions.append(action)
    return total, value, actions


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ALL)
def test_no_agent_beats_the_informed_optimum_on_any_seed_and_none_breaks_a_rule(task, name):
    env = make(f"polypharmacy/{task}")
    agent = agents.make(name, env)
    lost = []
    for seed in range(EVALUATION_START, EVALUATION_START + EPISODES[task]):
        total, value, _ = played(env, agent, seed)
        assert total <= value + 1e-9
        lost.append(value - total)
    assert name != "informed" or max(lost) < 1e-9


def test_rules_are_better_than_chance_and_knowledge_better_than_rules():
    env = make("polypharmacy/budgeted-screening")
    seeds = range(EVALUATION_START, EVALUATION_START + 20)
    order = ("random", "heuristic", "pharmacist", "experienced")
    returns = {name: [played(env, agents.make(name, env), seed)[0] for seed in seeds] for name in order}
    for worse, better in pairwise(order):
        gained = of_mean(np.array(returns[better]) - np.array(returns[worse]))
        assert gained.lower > 0, (worse, better)


@pytest.mark.parametrize("name", ["random", "heuristic", "pharmacist", "uninformed", "experienced"])
def test_what_was_not_asked_about_changes_no_decision(name):
    """The same patients, in a world where no drugs interact: until an answer differs, so does nothing else."""
    env, harmless = (make("polypharmacy/complex-tradeoff") for _ in range(2))
    agent = agents.make(name, env)
    harmless.tables = replace(TABLES, interactions={}, pairs=())
    for seed in range(EVALUATION_START, EVALUATION_START + 3):
        shown = env.reset(seed)
        harmless._patient = env._patient
        harm = harm_of(env._patient, harmless.tables)
        harmless._state = harmless._first = ReviewState(harm, harm.start, frozenset(), 12, 5, 30)
        harmless._shown = other = shown
        step, answers = 0, 0
        while not shown.done:
            situation = Situation(env.why_illegal, seed=seed, step=step)
            action = agent.decide(shown, situation)
            assert agent.decide(other, situation) == action
            shown, other, step = env.step(action).observation, harmless.step(action).observation, step + 1
            if [q.findings for q in shown.queries] != [q.findings for q in other.queries]:
                answers += 1
                break


async def test_the_same_observation_gets_the_same_decision():
    env = make("polypharmacy/budgeted-screening")
    for name in ALL:
        one, other = agents.make(name, env), agents.make(name, make("polypharmacy/budgeted-screening"))
        assert one.memoryless
        shown = env.reset(EVALUATION_START + 3)
        situation = Situation(env.why_illegal, seed=3, step=0)
        other.decide(env.reset(EVALUATION_START + 4), situation)
        assert (await one.act(shown, situation)).action == (await other.act(shown, situation)).action


@pytest.mark.parametrize("name", ["heuristic", "pharmacist", "uninformed", "experienced", "informed"])
def test_another_task_is_a_sentence(name, sepsis):
    with pytest.raises(UsageError, match=f"The agent '{name}' reviews medications, and icu-sepsis is another task"):
        agents.make(name, sepsis)


@pytest.mark.parametrize(
    ("part", "who"), [("random", "random"), ("expert", "pharmacist"), ("optimal", "informed"), ("fallback", "fallback")]
)
def test_the_parts_that_tables_play_elsewhere_are_played_here_too(part, who):
    assert agents.make(part, make("polypharmacy/easy-screening")).id == who


def test_worst_has_no_stand_in():
    with pytest.raises(UsageError, match="needs a tabular environment; polypharmacy/easy-screening is not one"):
        agents.make("worst", make("polypharmacy/easy-screening"))


# --------------------------------------------------------------------------- what is believed


def test_an_answer_is_worth_what_the_tables_say_of_the_pair():
    for seed in range(10):
        who = patient(seed, COMPLEX, TABLES)
        drugs = [m.drug for m in who.medications]
        found = interactions(drugs, who.conditions, TABLES)
        for i, a in enumerate(drugs):
            for j, b in enumerate(drugs[:i]):
                left = left_of(query_result(a, b, who, TABLES))
                first, second = (i, j) if pair_of(a, b) == (a, b) else (j, i)
                assert np.allclose(left, found[first, second])


def test_whoever_asked_about_everything_knows_the_harm():
    who = patient(7, COMPLEX, TABLES)
    bare, full = harm_without_interactions(who, TABLES), harm_of(who, TABLES)
    pairs = [(a, b) for i, a in enumerate(full.drugs) for b in full.drugs[i + 1 :]]
    known = {pair_of(a, b): left_of(query_result(a, b, who, TABLES)) for a, b in pairs}
    assert np.allclose(bare.with_interactions(between(bare, known)).pairs, full.pairs)


@pytest.mark.parametrize("learnt", [tendency, experience])
def test_what_is_learnt_is_a_distribution_and_symmetric(learnt):
    belief = learnt(TABLES)
    assert belief.probability.shape[2] == len(LEVELS)
    assert np.allclose(belief.probability.sum(axis=2), 1.0)
    assert (belief.probability >= 0).all()
    assert np.allclose(belief.probability, belief.probability.transpose(1, 0, 2))
    a, b = "apixaban", "naproxen"
    assert np.allclose(belief.expected([a, b])[0, 1], sum(o.probability * o.left for o in belief.outcomes(a, b)))
    assert np.allclose(belief.expected([a, b])[0, 1], belief.expected([b, a])[0, 1].T)


def test_experience_of_two_classes_is_their_frequencies_drawn_toward_what_is_usual():
    belief, usual = experience(TABLES), tendency(TABLES)
    pair = belief.number["apixaban"], belief.number["sertraline"]
    counts = np.zeros(len(LEVELS))
    for seed in range(REVIEWS):
        who = patient(seed, COMPLEX, TABLES)
        drugs = [m.drug for m in who.medications]
        of = [belief.number[drug] for drug in drugs]
        if pair[0] in of and pair[1] in of:
            found = interactions(drugs, who.conditions, TABLES)[:, :, 0, 0]
            for i in np.flatnonzero(np.array(of) == pair[0]):
                for j in np.flatnonzero(np.array(of) == pair[1]):
                    counts[np.abs(LEVELS - found[i, j]).argmin()] += 1
    expected = (counts + PSEUDO_PAIRS * usual.probability[pair]) / (counts.sum() + PSEUDO_PAIRS)
    assert counts.sum() > 20
    assert np.allclose(belief.probability[pair], expected)


def test_a_question_is_worth_most_where_the_answer_changes_the_plan():
    """One pair may be severe or nothing, another is severe for certain: only of the first can anything be learnt.

    Substituting for the pain costs a change and gains nothing; if the two interact, it takes away 0.3.
    """
    pain, sleep = ("osteoarthritis", "analgesic"), ("gerd", "acid-suppression")
    who = taking(
        ("acetaminophen", 2000, pain), ("famotidine", 20, sleep), ("metformin", 1000, None), ("atorvastatin", 20, None),
        conditions=("osteoarthritis", "gerd"),
    )  # fmt: skip
    bare = harm_without_interactions(who, TABLES)
    drugs = ["acetaminophen", "famotidine", "atorvastatin", "metformin"]
    open_, sure = (drugs[0], drugs[1]), (drugs[2], drugs[3])
    severe = np.full((4, 4), 0.3)
    answers = {open_: (Outcome(0.5, np.zeros((4, 4))), Outcome(0.5, severe)), sure: (Outcome(1.0, severe),)}
    mean = {pair: sum(o.probability * o.left for o in found) for pair, found in answers.items()}
    harm = bare.with_interactions(between(bare, mean))
    state = ReviewState(harm, harm.start, frozenset(), 12, 5, 30)
    question, worth = best_question(state, Optimum(harm).useful, answers)
    assert question == open_
    assert worth > 0.01
    _, nothing = best_question(state, Optimum(harm).useful, {sure: answers[sure]})
    assert nothing == pytest.approx(0.0, abs=1e-12)


def test_the_heuristic_asks_first_about_what_looks_riskiest_and_then_deals_with_what_is_severe():
    env = make("polypharmacy/complex-tradeoff")
    agent = agents.make("heuristic", env)
    dealt_with = 0
    for seed in range(EVALUATION_START, EVALUATION_START + 15):
        shown, step = env.reset(seed), 0
        risk = {m.drug: 2 * m.critical + len(m.flags) for m in shown.medications}
        first = agent.decide(shown, Situation(env.why_illegal, seed=seed)).action
        assert risk[first.drug_id_1] + risk[first.drug_id_2] == max(
            risk[a] + risk[b] for a in risk for b in risk if a < b
        )
        while not shown.done:
            done = agent.decide(shown, Situation(env.why_illegal, seed=seed, step=step)).action
            if done.action_type == "propose_intervention":
                severe = [q for q in shown.queries if q.severity in reviewers.SEVERE]
                assert done.target_drug_id in {drug for q in severe for drug in (q.drug_id_1, q.drug_id_2)}
                dealt_with += 1
            shown, step = env.step(ReviewAction(action=done)).observation, step + 1
    assert dealt_with > 5


def test_the_pharmacist_does_what_is_plain_before_it_asks():
    env = make("polypharmacy/complex-tradeoff")
    agent = agents.make("pharmacist", env)
    first = set()
    for seed in range(EVALUATION_START, EVALUATION_START + 20):
        action = agent.decide(env.reset(seed), Situation(env.why_illegal, seed=seed)).action
        bare = harm_without_interactions(env._patient, TABLES)
        _, gain = reviewers._best_change(ReviewState(bare, bare.start, frozenset(), 12, 5, 30))
        if gain >= reviewers.PLAIN:
            assert action.action_type == "propose_intervention"
        first.add(action.action_type)
    assert "propose_intervention" in first


def test_suspicion_grows_with_shared_labels_and_critical_drugs():
    assert reviewers.suspicion("lorazepam", "oxycodone", TABLES) > reviewers.suspicion(
        "lorazepam", "cetirizine", TABLES
    )
    assert reviewers.suspicion("clarithromycin", "simvastatin", TABLES) >= 1.0
