"""The tasks `polypharmacy/easy-screening`, `polypharmacy/budgeted-screening` and `polypharmacy/complex-tradeoff`.

A patient of 65 or more takes several drugs that several prescribers ordered. An agent may ask a database whether two of
them interact (so many questions), change medications (so many interventions) and end the review. What it cannot see
is which drugs interact; everything else that is scored is shown or can be looked up.

`scoring="harm"` (the default) rewards a change by the harm that it takes away (`harm.py`) less its cost, so that the
return is harm before, less harm after, less what was spent. `scoring="original"` plays by the original's formulas
(`original.py`), which have no computed optimum here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from harness.core.environment import Action, EnvSpec, Grade, ReferenceKind, Transition
from harness.core.errors import IllegalAction, UsageError
from harness.envs.polypharmacy.harm import harm_of
from harness.envs.polypharmacy.optimum import Optimum
from harness.envs.polypharmacy.original_score import OriginalScore
from harness.envs.polypharmacy.patients import BUDGETED, COMPLEX, EASY, Task, patient
from harness.envs.polypharmacy.review import (
    FINISH,
    InterventionRecord,
    ProposeIntervention,
    QueryDDI,
    ReviewAction,
    ReviewObservation,
    change,
)
from harness.envs.polypharmacy.shown import first_observation, medications, query_result
from harness.envs.polypharmacy.spec import spec_of
from harness.envs.polypharmacy.state import ReviewState
from harness.envs.polypharmacy.tables import Tables, load

Scoring = Literal["harm", "original"]

NOTHING = 1e-9
"""Gains below this are none."""


class MedicationReview:
    """One review at a time.

    Parameters
    ----------
    task : Task
    scoring : 'harm' or 'original'
    tables : Tables

    Raises
    ------
    UsageError
        If `scoring` is neither.
    """

    def __init__(self, task: Task, scoring: Scoring, tables: Tables) -> None:
        if scoring not in ("harm", "original"):
            raise UsageError(f"'{scoring}' is no scoring; expected one of: harm, original.")
        self.task = task
        self.tables = tables
        self.spec: EnvSpec = spec_of(task, scoring)
        self.action_type: type[Action] = ReviewAction
        self._by_original = scoring == "original"
        self._begin(0)

    @property
    def reference(self) -> InformedReference | None:
        """The informed optimum from the current state; None with the original's scoring, whose optimum is not known."""
        return None if self._by_original else InformedReference(self._optimum, self._state)

    def reset(self, seed: int) -> ReviewObservation:
        """Make the patient that belongs to `seed` and show the first observation."""
        self._begin(seed)
        return self._shown

    def _begin(self, seed: int) -> None:
        task = self.task
        self._patient = patient(seed, task, self.tables)
        harm = harm_of(self._patient, self.tables)
        self._first = self._state = ReviewState(
            harm, harm.start, frozenset(), task.queries, task.interventions, task.steps
        )
        self._optimum = Optimum(harm)
        self._return = 0.0
        self._refused = 0
        self._shown = first_observation(task.name, self._patient, self._state, self.tables)
        self._original = OriginalScore(task, self._patient, self._state, self.tables) if self._by_original else None

    def step(self, action: ReviewAction) -> Transition[ReviewObservation]:
        """Carry out an action, or refuse it and say why; `info['admissible']` is whether the rules allowed it.

        Raises
        ------
        IllegalAction
            If the review is over.
        """
        before = self._state
        if before.over:
            raise IllegalAction(f"{self.spec.id}: the review is over; call reset.")
        problem = before.refusal(action)
        self._state, reward = before.after(action)
        if self._original is not None:
            reward = self._original.reward(before, action, self._state)
        self._return += reward
        self._refused += problem is not None
        self._shown = self._next_shown(action, reward, problem)
        # running out of time is an end by the rules, with its price, and no cut of something that would go on
        return Transition(self._shown, reward, self._state.over, False, {"admissible": problem is None})

    def _next_shown(self, action: ReviewAction, reward: float, problem: str | None) -> ReviewObservation:
        state, shown, done = self._state, self._shown, action.action
        changes: dict[str, Any] = {}
        if problem is None and isinstance(done, QueryDDI):
            found = query_result(done.drug_id_1, done.drug_id_2, self._patient, self.tables)
            changes["queries"] = (*shown.queries, found)
        if problem is None and isinstance(done, ProposeIntervention):
            record = InterventionRecord(
                target_drug_id=done.target_drug_id,
                intervention_type=done.intervention_type,
                proposed_new_drug_id=done.proposed_new_drug_id,
                reward=reward,
            )
            changes["interventions"] = (*shown.interventions, record)
            changes["medications"] = medications(self._patient, state, self.tables)
        return shown.model_copy(
            update={
                **changes,
                "queries_left": state.queries,
                "interventions_left": state.interventions,
                "steps_left": state.steps,
                "reward": reward,
                "problem": problem,
                "done": state.over,
            }
        )

    def grade(self) -> Grade:
        """The score of the review so far (see `spec.score`)."""
        if self._original is not None:
            return self._original.grade()
        first, state = self._first, self._state
        best = self._optimum.value(first.regimen, first.interventions, first.steps)
        gained = self._return / best if best > NOTHING else 1.0 + self._return
        return Grade(
            score=min(max(gained, 0.0), 1.0),
            components={
                "harm_before": first.harm.total(first.regimen),
                "harm_after": state.harm.total(state.regimen),
                "optimal": best,
                "queries": float(first.queries - state.queries),
                "interventions": float(first.interventions - state.interventions),
                "refused": float(self._refused),
            },
        )

    def describe(self, observation: Mapping[str, Any]) -> str:
        """A few words for traces, of an observation as plain data."""
        o = observation
        drugs = sum(not medication["stopped"] for medication in o["medications"])
        done = f"{len(o['queries'])} asked, {len(o['interventions'])} changed"
        refused = f"; refused: {o['problem']}" if o["problem"] else ""
        return f"{o['age']} {o['sex']}, clearance {o['crcl_ml_min']:.0f} mL/min, {drugs} drugs; {done}{refused}"

    def why_illegal(self, action: ReviewAction) -> str | None:
        """None: what breaks a rule is carried out, refused and paid for, and the next observation says why."""
        return "the review is over" if self._state.over else None

    def fallback(self) -> ReviewAction:
        """The review is finished."""
        return FINISH


class InformedReference:
    """The best that whoever knows all interactions can still gain, from one state of a review."""

    kind = ReferenceKind.INFORMED

    def __init__(self, optimum: Optimum, state: ReviewState) -> None:
        self._optimum = optimum
        self._state = state

    def value(self) -> float:
        """What the optimum gains from here."""
        return self._of(self._state)

    def action_value(self, action: ReviewAction) -> float:
        """What `action` is rewarded with, and what the optimum gains after it."""
        after, reward = self._state.after(action)
        return reward + self._of(after)

    def action_values(self) -> None:
        """The actions are no list."""
        return

    def best_action(self) -> ReviewAction:
        """What the optimum does next."""
        state, harm = self._state, self._state.harm
        best = self._optimum.best(state.regimen, state.interventions, state.steps)
        for place, (now, then) in enumerate(zip(state.regimen, best.regimen, strict=True)):
            if now == then:
                continue
            for (kind, new), option in state.ways(place).items():
                if harm.steps[option, then] < harm.steps[now, then] and new not in state.places:
                    return change(str(harm.options[now].drug), kind, new)
        return FINISH

    def _of(self, state: ReviewState) -> float:
        return 0.0 if state.over else self._optimum.value(state.regimen, state.interventions, state.steps)


def easy_screening(scoring: Literal["harm", "original"] = "harm") -> MedicationReview:
    """Three to five drugs; `scoring` is 'harm' or 'original'."""
    return MedicationReview(EASY, scoring, load())


def budgeted_screening(scoring: Literal["harm", "original"] = "harm") -> MedicationReview:
    """Six to ten drugs; `scoring` is 'harm' or 'original'."""
    return MedicationReview(BUDGETED, scoring, load())


def complex_tradeoff(scoring: Literal["harm", "original"] = "harm") -> MedicationReview:
    """Ten to fifteen drugs; `scoring` is 'harm' or 'original'."""
    return MedicationReview(COMPLEX, scoring, load())
