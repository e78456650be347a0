"""Agents of the medication review that need no model: chance, two sets of rules, and two computed plans.

None but `informed` knows an interaction before it asks. What all of them know is what anybody can look up: the drugs'
doses and limits, the Beers criteria, indications and substitutes, and the price of every harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from harness.agents.heuristics.beliefs import Belief, experience, tendency
from harness.agents.heuristics.charts import Charts, between, found
from harness.agents.heuristics.information import best_question
from harness.agents.rules import RuleAgent, luck
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.envs.polypharmacy.environment import NOTHING, InformedReference, MedicationReview
from harness.envs.polypharmacy.harm import harm_of
from harness.envs.polypharmacy.interactions import SEVERITY
from harness.envs.polypharmacy.optimum import Optimum
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.original import INTERVENTION_COST, QUERY_COST
from harness.envs.polypharmacy.review import FINISH, QueryResult, ReviewAction, ReviewObservation, ask, change
from harness.envs.polypharmacy.rows import SEVERE, Severity
from harness.envs.polypharmacy.shown import state_shown
from harness.envs.polypharmacy.state import Pair, ReviewState
from harness.envs.polypharmacy.tables import Tables


def _review(env: Any, name: str) -> MedicationReview:
    if not isinstance(env, MedicationReview):
        raise UsageError(
            f"The agent '{name}' reviews medications, and {env.spec.id} is another task; take "
            "--env polypharmacy/complex-tradeoff, or another agent."
        )
    return env


def chance(env: Any) -> RuleAgent:
    """Everything that the rules allow, equally often."""
    charts = Charts(_review(env, "random").tables)

    def decide(observation: ReviewObservation, situation: Situation) -> ReviewAction:
        actions = list(charts.state(observation).actions())
        return actions[int(luck(situation).integers(len(actions)))]

    return RuleAgent("random", decide)


def nothing(env: Any) -> RuleAgent:
    """Never a legal action: the review is finished at once."""
    _review(env, "fallback")
    return RuleAgent("fallback", lambda observation, situation: FINISH)


def informed(env: Any) -> RuleAgent:
    """The informed optimum: it knows every interaction, and nothing can do better."""
    charts = Charts(_review(env, "informed").tables, harm_of)

    def decide(observation: ReviewObservation, situation: Situation) -> ReviewAction:
        optimum = charts.chart(observation).optimum
        return InformedReference(optimum, state_shown(observation, optimum.harm)).best_action()

    return RuleAgent("informed", decide)


# --------------------------------------------------------------------------- rules


def heuristic(env: Any) -> RuleAgent:
    """Asks about the riskiest pairs first, deals with what is severe, and finishes."""

    def riskiest(observation: ReviewObservation, pairs: Sequence[Pair]) -> Pair:
        risk = {m.drug: 2 * m.critical + len(m.flags) for m in observation.medications if not m.stopped}
        return max(pairs, key=lambda pair: risk[pair[0]] + risk[pair[1]])

    return asks_and_deals("heuristic", env, riskiest)


def asks_and_deals(name: str, env: Any, first: Callable[[ReviewObservation, Sequence[Pair]], Pair]) -> RuleAgent:
    """Asks as long as it may, deals with what is severe, and finishes.

    Parameters
    ----------
    first : function of an observation and the pairs that were not asked about
        The pair to ask about.

    Raises
    ------
    UsageError
        If the environment is no medication review.
    """
    charts = Charts(_review(env, name).tables)

    def decide(observation: ReviewObservation, situation: Situation) -> ReviewAction:
        state = charts.state(observation)
        for query in observation.queries:
            if state.interventions and query.severity in SEVERE:
                answer = _dealt_with(query, observation, state)
                if answer is not None:
                    return answer
        if state.queries and (pairs := _not_asked(state)):
            return ask(*first(observation, pairs))
        return FINISH

    return RuleAgent(name, decide)


def _not_asked(state: ReviewState) -> list[Pair]:
    return [pair for pair in combinations(sorted(state.places), 2) if pair not in state.asked]


def _dealt_with(query: QueryResult, observation: ReviewObservation, state: ReviewState) -> ReviewAction | None:
    """What to do about a severe interaction; None if it was dealt with, or nothing can be done."""
    taken = {m.drug: m for m in observation.medications if not m.stopped}
    pair = [taken[drug] for drug in (query.drug_id_1, query.drug_id_2) if drug in taken]
    if len(pair) < 2 or any(m.monitored or m.reduced for m in pair):
        return None
    for medication in sorted(pair, key=lambda m: (m.critical, m.condition is not None, -len(m.flags))):
        ways = state.ways(state.places[medication.drug])
        for kind, new in ways:
            if kind is Intervention.SUBSTITUTE and new not in state.places:
                return change(medication.drug, kind, new)
        if not medication.critical and medication.condition is None:
            return change(medication.drug, Intervention.STOP)
    monitored, reduced = _management(query)
    if monitored:
        return change(pair[0].drug, Intervention.ADD_MONITORING)
    if reduced:
        return change(reduced[0], Intervention.DOSE_REDUCE)
    spare = [m for m in pair if not m.critical]
    return change(spare[0].drug, Intervention.STOP) if spare else None


def _management(query: QueryResult) -> tuple[bool, list[str]]:
    """Whether monitoring helps with the worst that was found, and of which drugs a lower dose does."""
    worst = [finding for finding in query.findings if finding.severity == query.severity]
    reduced = [drug for finding in worst for drug in finding.reducing_helps]
    return any(finding.monitoring_helps for finding in worst), reduced


PLAIN = 0.20
"""Gain in harm points from which on the pharmacist makes a change before it asks anything."""

SUSPECT = 1.0
"""Suspicion from which on it asks about a pair. Of 0.2, 0.3, 0.4 and 1, 1.5 the best two on training seeds."""

DUPLICATION = SEVERITY[Severity.MODERATE]
"""What the pharmacist takes two drugs of one therapeutic class to do together until it is told."""


def pharmacist(env: Any) -> RuleAgent:
    """Changes what plainly harms, asks about pairs that their classes make suspect, and changes what is found.

    What it goes by: Beers criteria, doses for kidneys and liver, two drugs of one therapeutic class, drugs without a
    reason or against another's side effect, what was found, and what a change would leave untreated.
    """
    charts = Charts(tables := _review(env, "pharmacist").tables)

    def decide(observation: ReviewObservation, situation: Situation) -> ReviewAction:
        state = charts.state(observation)
        if not state.interventions or state.steps < 2:
            return FINISH
        pairs = _not_asked(state)
        twice = (pair for pair in pairs if len({tables.drugs[drug].classes[0] for drug in pair}) == 1)
        known = {pair: np.full((4, 4), DUPLICATION) for pair in twice} | found(observation)
        answer, gain = _best_change(replace(state, harm=state.harm.with_interactions(between(state.harm, known))))
        if gain < PLAIN and state.queries and state.steps > state.interventions + 1:
            suspect = max(pairs, key=lambda pair: suspicion(*pair, tables), default=None)
            if suspect is not None and suspicion(*suspect, tables) >= SUSPECT:
                return ask(*suspect)
        return answer if gain > NOTHING else FINISH

    return RuleAgent("pharmacist", decide)


@lru_cache(maxsize=20_000)
def suspicion(a: str, b: str, tables: Tables) -> float:
    """How much there is to suspect of a pair: labels that both carry, critical drugs, and what moves drug levels."""
    pair = tables.drugs[a], tables.drugs[b]
    shared = set(pair[0].classes) & set(pair[1].classes)
    moving = sum(label.startswith(("cyp", "pgp")) for drug in pair for label in drug.classes)
    return len(shared) + 0.5 * sum(drug.critical for drug in pair) + 0.5 * moving


def _best_change(state: ReviewState) -> tuple[ReviewAction, float]:
    """The one intervention that takes away most harm, and how much it gains; to finish where no drug is left."""
    ways = [
        ((drug, kind, new), option)
        for drug, place in state.places.items()
        for (kind, new), option in state.ways(place).items()
        if new not in state.places
    ]
    if not ways:
        return FINISH, 0.0
    changes = state.harm.changes(state.regimen, [option for _, option in ways])
    best = int(changes.argmin())
    return change(*ways[best][0]), -float(changes[best]) - INTERVENTION_COST


# --------------------------------------------------------------------------- a plan by what is to be expected


OVERRATED = 4.0
"""How many times its price an answer must be worth to `uninformed` where more than `FEW_DRUGS` are taken: what classes
tend to do then overrates what an answer changes. Chosen on training seeds, where asking whatever is worth its price
gains 0.014 of easy reviews (400 seeds, ± 0.008) and loses 0.012 of budgeted (± 0.007) and 0.025 of complex ones (150
seeds, ± 0.012) against this factor, at which hardly anything is asked. To `experienced`, who knows what two classes do,
answers are worth what they seem (complex: 0.009 ± 0.010 gained, 100 seeds)."""

FEW_DRUGS = 5


def uninformed(env: Any) -> RuleAgent:
    """Plans by how much each class of drugs tends to interact, and asks where an answer is worth more than it costs."""
    return _planner("uninformed", tendency, _review(env, "uninformed").tables, OVERRATED)


def experienced(env: Any) -> RuleAgent:
    """The same by what any two classes did in patients of the training seeds: most of the tables by heart."""
    return _planner("experienced", experience, _review(env, "experienced").tables)


def _planner(name: str, learnt: Callable[[Tables], Belief], tables: Tables, overrated: float = 1.0) -> RuleAgent:
    belief, charts = learnt(tables), Charts(tables)

    def decide(observation: ReviewObservation, situation: Situation) -> ReviewAction:
        state = charts.state(observation)
        expected = between(state.harm, found(observation), belief.expected(state.harm.drugs))
        believed = replace(state, harm=state.harm.with_interactions(expected))
        optimum = Optimum(believed.harm)
        if state.queries and state.interventions and state.steps > state.interventions + 1:
            answers = {pair: belief.outcomes(*pair) for pair in _not_asked(state)}
            question, worth = best_question(believed, optimum.useful, answers)
            price = QUERY_COST * (1.0 if len(state.places) <= FEW_DRUGS else overrated)
            if question is not None and worth > price:
                return ask(*question)
        return InformedReference(optimum, believed).best_action()

    return RuleAgent(name, decide)
