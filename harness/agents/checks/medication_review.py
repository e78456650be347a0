"""Rules of a shield around whoever reviews medications."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from harness.agents.checks.check import Check, Ruling, no_argument
from harness.core.errors import UsageError
from harness.envs.polypharmacy.environment import MedicationReview
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.review import (
    FinishReview,
    ProposeIntervention,
    ReviewAction,
    ReviewObservation,
    change,
)

CLOSE = 0.8
"""How alike a name must be to one that is known, for a slip of the pen (difflib's ratio)."""


def no_stop_critical(env: Any, argument: str) -> Check:
    """No drug is stopped abruptly where that is dangerous; its dose is reduced first, or it is monitored instead."""
    _refuse_others(env, "no-stop-critical", argument)

    def against(observation: ReviewObservation, action: ReviewAction) -> Ruling | None:
        done = action.action
        if not isinstance(done, ProposeIntervention) or done.intervention_type is not Intervention.STOP:
            return None
        drug = done.target_drug_id
        medication = next((m for m in observation.medications if m.drug == drug and not m.stopped), None)
        if medication is None or not medication.critical or (medication.taper and medication.reduced):
            return None
        instead = None
        if medication.taper:
            instead = change(drug, Intervention.DOSE_REDUCE)
        elif not medication.monitored:
            instead = change(drug, Intervention.ADD_MONITORING)
        elif not medication.reduced:
            instead = change(drug, Intervention.DOSE_REDUCE)
        return Ruling(f"to stop {drug} abruptly is dangerous", instead)

    return Check("no-stop-critical", against)


def known_drugs(env: Any, argument: str) -> Check:
    """Only drugs that the patient takes, or that exist; a name that is nearly one of them is put right."""
    review = _refuse_others(env, "known-drugs", argument)

    def against(observation: ReviewObservation, action: ReviewAction) -> Ruling | None:
        taken = [m.drug for m in observation.medications if not m.stopped]
        done = action.action
        if isinstance(done, FinishReview):
            return None
        names: dict[str, str] = {k: v for k, v in done.model_dump().items() if "drug_id" in k and v is not None}
        unknown, right = [], {}
        for field, name in names.items():
            valid = review.tables.drugs if field == "proposed_new_drug_id" else taken
            if name not in valid:
                unknown.append(name)
                right[field] = _nearest(name, valid)
        if not unknown:
            return None
        instead = None
        if None not in right.values():
            instead = ReviewAction(action=done.model_copy(update=right))
        return Ruling(f"'{unknown[0]}' is no drug that can be meant", instead)

    return Check("known-drugs", against)


def _nearest(name: str, valid: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(valid), n=1, cutoff=CLOSE)), None)


def _refuse_others(env: Any, rule: str, argument: str) -> MedicationReview:
    if not isinstance(env, MedicationReview):
        raise UsageError(f"The rule '{rule}' is about reviews of medications, and {env.spec.id} is none; leave it out.")
    no_argument(rule, argument)
    return env
