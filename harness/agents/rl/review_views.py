"""Views of a medication review: a row for every drug, and one for every question and change that the rules allow.

They hold what anybody can look up (classes, doses, limits, criteria, what a change would leave untreated) and what was
found by asking; no interaction that was not asked about.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from harness.agents.heuristics.charts import Charts, between, found
from harness.agents.rl.views import FloatArray, View
from harness.core.environment import Action
from harness.envs.polypharmacy.harm import UNTREATED, Harm
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.original import INTERVENTION_COST, QUERY_COST
from harness.envs.polypharmacy.review import FINISH, Medication, ReviewObservation, ask, change
from harness.envs.polypharmacy.state import ReviewState, pair_of
from harness.envs.polypharmacy.tables import Tables

CONTEXT = (
    "age", "female", "clearance", "liver", "drugs", "queries", "interventions", "steps", "unasked pairs",
    "found", "best gain", "best gains",
)  # fmt: skip
DRUG = (
    "critical", "reason", "cascade", "untreated", "alone", "reduced", "monitored", "dose", "days", "found", "unasked",
    "new",
)  # fmt: skip
ACTION = (
    "ask", "finish", *(str(kind) for kind in Intervention),
    "gain", "short of best", "alone", "shared classes", "same class", "unasked",
)  # fmt: skip

LIVERS = ("normal", "mild", "moderate", "severe")
MOST = 2.0
"""Harm points beyond which more makes no difference to the network, so that no input is huge."""


class Choice(NamedTuple):
    """A legal action: what it is, its row in the view, and the drugs' rows that it is about."""

    first: str = ""
    second: str | None = None
    kind: Intervention | None = None
    """None for a question, and for the end where `first` is empty."""

    def action(self) -> Action:
        """The action."""
        if self.kind is not None:
            return change(self.first, self.kind, self.second)
        return ask(self.first, str(self.second)) if self.first else FINISH


class ReviewViews:
    """Views of reviews by one set of tables.

    Parameters
    ----------
    tables : Tables
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._charts = Charts(tables)
        names, classes = list(tables.drugs), list(tables.classes)
        self.columns = (CONTEXT, (*(f"class:{c}" for c in classes), *(f"drug:{n}" for n in names), *DRUG), ACTION)
        self._number = {name: i for i, name in enumerate(names)}
        place = {label: i for i, label in enumerate(classes)}
        self._classes = np.zeros((len(names), len(classes)), dtype=np.float32)
        for name, drug in tables.drugs.items():
            self._classes[self._number[name], [place[label] for label in drug.classes]] = 1.0
        self._labels = np.concatenate([self._classes, np.eye(len(names), dtype=np.float32)], axis=1)

    def view(self, observation: ReviewObservation) -> View:
        """The state that an observation shows."""
        state = self._charts.state(observation)
        pairs = found(observation)
        interacting = state.harm.with_interactions(between(state.harm, pairs)) if pairs else state.harm
        return self._view(observation, state, interacting)

    def _view(self, observation: ReviewObservation, state: ReviewState, harm: Harm) -> View:
        """`harm` knows what was found, the harm of `state` nothing."""
        listed = choices(state)
        chosen = np.array(state.regimen)
        taken = np.array(sorted(state.places.values()), dtype=np.int64)
        row = {int(place): i for i, place in enumerate(taken)}
        drugs = [observation.medications[place] for place in taken]
        unasked = np.full((len(taken), len(taken)), 1.0) - np.eye(len(taken))
        for a, b in state.asked:
            if a in state.places and b in state.places:
                i, j = row[state.places[a]], row[state.places[b]]
                unasked[i, j] = unasked[j, i] = 0.0
        known = harm.pairs - state.harm.pairs
        of_found = known[np.ix_(chosen[taken], chosen[taken])].sum(axis=1)
        to_ask = unasked.sum(axis=1) / 10.0

        items = [self._drug(harm, int(chosen[place]), drug) for place, drug in zip(taken, drugs, strict=True)]
        for i, values in enumerate(items):
            values[-3:] = of_found[i], to_ask[i], 0.0
        actions = np.zeros((len(listed), len(ACTION)), dtype=np.float32)
        about = np.full((len(listed), 2), -1, dtype=np.int64)
        changes = [(n, option) for n, (_, option) in enumerate(listed) if option is not None]
        gains = np.empty(0)
        if changes:
            rows, after = (np.array(column) for column in zip(*changes, strict=True))
            before = chosen[harm.place[after]]
            gains = -harm.changes(state.regimen, after.tolist()) - INTERVENTION_COST
            actions[rows, 6] = gains
            actions[rows, 7] = gains - gains.max()
            actions[rows, 8] = harm.alone[after] - harm.alone[before]
        for n, (choice, option) in enumerate(listed):
            if choice.kind is not None and option is not None:
                place = state.places[choice.first]
                about[n, 0] = row[place]
                actions[n, 2 + KINDS.index(choice.kind)] = 1.0
                actions[n, 11] = to_ask[row[place]]
                if choice.second is not None:
                    about[n, 1] = len(items)
                    new = self._drug(harm, option, observation.medications[place], choice.second)
                    new[-3:] = known[option, chosen[taken]].sum(), (len(taken) - 1) / 10.0, 1.0
                    items.append(new)
            elif choice.first:
                i, j = (row[state.places[str(drug)]] for drug in choice[:2])
                a, b = drugs[i].drug_classes, drugs[j].drug_classes
                about[n] = i, j
                actions[n, 0] = 1.0
                actions[n, 6] = -QUERY_COST
                actions[n, 9:] = len(set(a) & set(b)) / 3.0, a[0] == b[0], 0.1
            else:
                actions[n, 1] = 1.0
        best = np.sort(gains)[::-1][: state.interventions]
        o = observation
        context = (
            (o.age - 75) / 10.0, o.sex == "f", o.crcl_ml_min / 60.0, LIVERS.index(o.liver) / 3.0, len(taken) / 10.0,
            state.queries / 10.0, state.interventions / 5.0, state.steps / 30.0, to_ask.sum() / 10.0,
            of_found.sum() / 2.0, best[0] if len(best) else 0.0, best[best > 0].sum(),
        )  # fmt: skip
        width = len(self.columns[1])
        return View(
            context=_bounded(np.array(context, dtype=np.float32)),
            items=_bounded(np.array(items, dtype=np.float32).reshape(len(items), width)),
            present=len(taken),
            actions=_bounded(actions),
            about=about,
            action=lambda row: listed[row][0].action(),
        )

    def _drug(self, harm: Harm, index: int, of: Medication, new: str | None = None) -> FloatArray:
        """The row of an option of a medication, but for its last three columns; `new` is the drug it is replaced by."""
        option = harm.options[index]
        name = new or of.drug
        drug = self.tables.drugs[name]
        untreated = UNTREATED[self.tables.conditions[of.condition].untreated] if of.condition else 0.0
        own = (
            drug.critical, of.condition is not None, of.cascade_of is not None, untreated, harm.alone[index],
            option.reduced, option.monitored, option.dose / drug.usual_mg / 2.0, np.log1p(of.days) / 8.0, 0, 0, 0,
        )  # fmt: skip
        return np.concatenate([self._labels[self._number[name]], np.array(own, dtype=np.float32)])


KINDS = tuple(Intervention)


def choices(state: ReviewState) -> list[tuple[Choice, int | None]]:
    """Everything that the rules allow, as `ReviewState.actions` has it, with the option that a change leads to."""
    listed: list[tuple[Choice, int | None]] = []
    if state.over:
        return listed
    drugs = sorted(state.places)
    if state.queries:
        listed += [(Choice(*pair), None) for pair in combinations(drugs, 2) if pair_of(*pair) not in state.asked]
    if state.interventions:
        for drug in drugs:
            for (kind, new), option in state.ways(state.places[drug]).items():
                if new not in state.places:
                    listed.append((Choice(drug, new, kind), option))
    return [*listed, (Choice(), None)]


def _bounded(values: FloatArray) -> FloatArray:
    return np.asarray(np.clip(values, -MOST, MOST), dtype=np.float32)
