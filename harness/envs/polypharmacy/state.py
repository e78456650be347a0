"""The state of a review and its rules: what is refused and why, what follows an action, and what it is worth.

All of it is a function of plain data, so that the environment, its optimum and agents that plan go by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from harness.envs.polypharmacy.harm import Harm, Regimen
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.original import INTERVENTION_COST, INVALID_COST, QUERY_COST, TIMEOUT_COST
from harness.envs.polypharmacy.review import (
    FINISH,
    ProposeIntervention,
    QueryDDI,
    ReviewAction,
    ask,
    change,
)

Pair = tuple[str, str]
"""Two drugs in alphabetical order."""


def pair_of(a: str, b: str) -> Pair:
    """Two drugs as a pair."""
    return min(a, b), max(a, b)


@dataclass(frozen=True, eq=False)
class ReviewState:
    """Where a review stands.

    Attributes
    ----------
    harm : Harm
    regimen : Regimen
    asked : frozenset of Pair
    queries, interventions, steps : int
        What is left of each.
    finished : bool
    """

    harm: Harm
    regimen: Regimen
    asked: frozenset[Pair]
    queries: int
    interventions: int
    steps: int
    finished: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing can be done any more."""
        return self.finished or self.steps < 1

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of every drug that is taken now."""
        options = (self.harm.options[option] for option in self.regimen)
        return {option.drug: option.place for option in options if option.drug is not None}

    def refusal(self, action: ReviewAction) -> str | None:
        """Why an action breaks the rules, for an agent to read; None if it does not."""
        if self.over:
            return "the review is over"
        match action.action:
            case QueryDDI(drug_id_1=a, drug_id_2=b):
                return self._refused_query(a, b)
            case ProposeIntervention() as proposed:
                return self._refused_intervention(proposed)
        return None

    def _refused_query(self, a: str, b: str) -> str | None:
        if self.queries < 1:
            return "no questions are left"
        if a == b:
            return f"'{a}' was named twice; a question is about two drugs"
        if unknown := next((drug for drug in (a, b) if drug not in self.places), None):
            return f"the patient does not take '{unknown}'; taken are {', '.join(sorted(self.places))}"
        if pair_of(a, b) in self.asked:
            return f"'{a}' and '{b}' were asked about before"
        return None

    def _refused_intervention(self, proposed: ProposeIntervention) -> str | None:
        drug, kind, new = proposed.target_drug_id, proposed.intervention_type, proposed.proposed_new_drug_id
        if self.interventions < 1:
            return "no interventions are left"
        if drug not in self.places:
            return f"the patient does not take '{drug}'; taken are {', '.join(sorted(self.places))}"
        if (new is None) == (kind is Intervention.SUBSTITUTE):
            return "a substitute needs a new drug" if new is None else f"'{kind}' takes no new drug"
        ways = self.ways(self.places[drug])
        if (kind, new) in ways and new not in self.places:
            return None
        if kind is Intervention.DOSE_REDUCE:
            return f"the dose of '{drug}' was reduced before"
        if kind is Intervention.ADD_MONITORING:
            return f"'{drug}' is monitored already"
        sensible = sorted(str(new) for _, new in ways if new is not None and new not in self.places)
        valid = f"sensible are {', '.join(sensible)}" if sensible else "there is none"
        return f"'{new}' is no sensible substitute for '{drug}' in this patient; {valid}"

    def ways(self, place: int) -> dict[tuple[Intervention, str | None], int]:
        """The options that one intervention on a place leads to, by its kind and new drug.

        A new drug that is taken elsewhere by now is among them, though it is refused.
        """
        options, now = self.harm.options, self.regimen[place]
        before = options[now]
        found: dict[tuple[Intervention, str | None], int] = {}
        for index in np.flatnonzero(self.harm.steps[now] == 1).tolist():
            after = options[index]
            if after.drug is None:
                found[Intervention.STOP, None] = index
            elif after.drug != before.drug:
                found[Intervention.SUBSTITUTE, after.drug] = index
            elif after.reduced and not before.reduced:
                found[Intervention.DOSE_REDUCE, None] = index
            else:
                found[Intervention.ADD_MONITORING, None] = index
        return found

    def after(self, action: ReviewAction) -> tuple[ReviewState, float]:
        """The state that follows an action, allowed or not, and the reward: harm before, less harm after, less costs.

        A step is used up by whatever is done. If it was the last and did not finish the review, time has run out.
        """
        reward = 0.0
        done = action.action
        following = replace(self, steps=self.steps - 1)
        if self.refusal(action) is not None:
            reward = -INVALID_COST
        elif isinstance(done, QueryDDI):
            asked = self.asked | {pair_of(done.drug_id_1, done.drug_id_2)}
            following, reward = replace(following, queries=self.queries - 1, asked=asked), -QUERY_COST
        elif isinstance(done, ProposeIntervention):
            place = self.places[done.target_drug_id]
            to = self.ways(place)[done.intervention_type, done.proposed_new_drug_id]
            regimen = (*self.regimen[:place], to, *self.regimen[place + 1 :])
            reward = self.harm.total(self.regimen) - self.harm.total(regimen) - INTERVENTION_COST
            following = replace(following, regimen=regimen, interventions=self.interventions - 1)
        else:
            following = replace(following, finished=True)
        if following.steps < 1 and not following.finished:
            reward -= TIMEOUT_COST
        return following, reward

    def actions(self) -> Iterator[ReviewAction]:
        """Everything that the rules allow: questions, then interventions, then the end."""
        if self.over:
            return
        if self.queries:
            yield from (ask(*pair) for pair in combinations(sorted(self.places), 2) if pair not in self.asked)
        if self.interventions:
            for drug, place in sorted(self.places.items()):
                for kind, new in self.ways(place):
                    if new not in self.places:
                        yield change(drug, kind, new)
        yield FINISH
