"""The original's rewards and grade for one review, by the formulas of `original.py` on this project's tables.

Where the published description leaves something open: an interaction scores what `interactions.SEVERITY` says of the
worst rule (the original had a number for each of its 24 pairs), and contraindicated counts as severe; a high-risk drug
is one whose abrupt loss is dangerous; every drug that meets a criterion counts its weight; monitoring changes no risk,
and a lower dose only the criteria about it; a change of drug is a stop or a substitution.
"""

from __future__ import annotations

from itertools import combinations

from harness.core.environment import Grade
from harness.envs.polypharmacy import original
from harness.envs.polypharmacy.criteria import criteria_met
from harness.envs.polypharmacy.interactions import SEVERITY
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.patients import BUDGETED, EASY, Patient, Task
from harness.envs.polypharmacy.review import FinishReview, ProposeIntervention, QueryDDI, ReviewAction
from harness.envs.polypharmacy.rows import SEVERE, Severity
from harness.envs.polypharmacy.shown import query_result
from harness.envs.polypharmacy.state import ReviewState
from harness.envs.polypharmacy.tables import Tables


class OriginalScore:
    """Follows one review from its first state.

    Parameters
    ----------
    task : Task
    patient : Patient
    state : ReviewState
        The first.
    tables : Tables
    """

    def __init__(self, task: Task, patient: Patient, state: ReviewState, tables: Tables) -> None:
        self._task = task
        self._patient = patient
        self._tables = tables
        self._first = self._last = self.risk(state)
        pairs = combinations(sorted(state.places), 2)
        self._severe = {drug for pair in pairs if self._severity(*pair) in SEVERE for drug in pair}
        self._queries = self._found = self._interventions = self._lowered = self._changes = self._critical = 0
        self._touched = False

    def risk(self, state: ReviewState) -> float:
        """The risk of the drugs and doses that are taken in a state."""
        options = [state.harm.options[option] for option in state.regimen]
        taken = [
            self._patient.medications[o.place].model_copy(update={"drug": o.drug, "dose_mg": o.dose})
            for o in options
            if o.drug is not None
        ]
        severities = (self._severity(a.drug, b.drug) for a, b in combinations(taken, 2))
        scores = [SEVERITY[Severity(severity)] for severity in severities if severity != "none"]
        met = criteria_met(self._patient, taken, self._tables)
        kinds = [self._tables.beers[criterion].kind for criterion, drugs in met.items() for _ in drugs]
        critical = sum(self._tables.drugs[medication.drug].critical for medication in taken)
        return original.risk(scores, kinds, critical, len(taken))

    def reward(self, before: ReviewState, action: ReviewAction, after: ReviewState) -> float:
        """The reward of what was done in `before` and led to `after`; called once for each step, in order."""
        done = action.action
        if before.refusal(action) is not None:
            reward = -original.INVALID_COST
        elif isinstance(done, QueryDDI):
            severity = self._severity(done.drug_id_1, done.drug_id_2)
            severe, moderate = severity in SEVERE, severity == Severity.MODERATE
            self._queries += 1
            self._found += severe or moderate
            reward = original.query_reward(severe=severe, moderate=moderate)
        elif isinstance(done, ProposeIntervention):
            reward = self._intervention(done, after)
        else:
            reward = self.score()
        if after.over and not isinstance(done, FinishReview):
            reward -= original.TIMEOUT_COST
        return original.clamped(reward)

    def _intervention(self, done: ProposeIntervention, after: ReviewState) -> float:
        before, self._last = self._last, self.risk(after)
        drug, kind = done.target_drug_id, done.intervention_type
        self._interventions += 1
        self._lowered += self._last < before
        self._touched |= drug in self._severe
        self._changes += kind in (Intervention.STOP, Intervention.SUBSTITUTE)
        self._critical += kind is Intervention.STOP and self._tables.drugs[drug].critical
        return original.intervention_reward(before, self._last)

    def score(self) -> float:
        """The grader's score of the review so far."""
        first, last = self._first, self._last
        if self._task == EASY:
            return original.easy_score(first, last, touched=self._touched)
        if self._task == BUDGETED:
            return original.medium_score(
                first,
                last,
                lowered=self._lowered,
                interventions=self._interventions,
                found=self._found,
                queries=self._queries,
            )
        return original.hard_score(first, last, drug_changes=self._changes, critical_stops=self._critical)

    def grade(self) -> Grade:
        """The score, and the risk at first and now."""
        return Grade(score=self.score(), components={"risk_before": self._first, "risk_after": self._last})

    def _severity(self, a: str, b: str) -> Severity | str:
        return query_result(a, b, self._patient, self._tables).severity
