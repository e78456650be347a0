"""The original's risk, rewards, clamp and graders, as functions of plain numbers, with all that is odd about them.

From PolypharmacyEnv, an environment of the OpenEnv hackathon. `scoring="original"` plays by them. What is odd:
stopping every drug leaves no risk, because nothing counts what a drug was for; the risk is divided by the number of
drugs left, so that taking away a harmless one raises it; and the clamp hides the sign of every cost. `harm.py` is what
takes their place, and keeps the costs and the weights that are named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.envs.polypharmacy.rows import BeersKind

QUERY_COST = 0.015
INTERVENTION_COST = 0.025
INVALID_COST = 0.15
TIMEOUT_COST = 0.25
SEVERE_FOUND, MODERATE_FOUND = 0.05, 0.02
"""Added to the reward of a question that found such an interaction."""

BEERS_WEIGHTS: Mapping[BeersKind, float] = {
    BeersKind.AVOID: 0.30,
    BeersKind.AVOID_IN_CONDITION: 0.25,
    BeersKind.CAUTION: 0.12,
    BeersKind.DOSE_ADJUST: 0.10,
}
HIGH_RISK_DRUG = 0.05

CLAMP = (0.001, 0.999)

RESOLVED, TOUCHED = 0.5, 0.5
"""What the easy grader gives for the risk taken away, and for any intervention on a drug of a severe pair."""

EFFECTIVE, PRECISE = 0.3, 0.2
"""What the medium grader gives, beside `RESOLVED`, for interventions that lowered the risk, and for questions that
found something."""

DRUG_CHANGE, CRITICAL_STOP = 0.05, 0.20
"""What the hard grader takes for each change of drug, and for each critical drug stopped without a substitute."""


def risk(pair_scores: Iterable[float], beers: Iterable[BeersKind], high_risk_drugs: int, drugs: int) -> float:
    """The risk of a list of `drugs` drugs, 0 to 1; that of an empty list is 0."""
    if not drugs:
        return 0.0
    total = sum(pair_scores) + sum(BEERS_WEIGHTS[kind] for kind in beers) + HIGH_RISK_DRUG * high_risk_drugs
    return min(max(total / drugs, 0.0), 1.0)


def clamped(value: float) -> float:
    """A reward or score as the original reports it."""
    return min(max(value, CLAMP[0]), CLAMP[1])


def query_reward(*, severe: bool = False, moderate: bool = False) -> float:
    """The reward of a question by what it found, before the clamp."""
    return (SEVERE_FOUND if severe else MODERATE_FOUND if moderate else 0.0) - QUERY_COST


def intervention_reward(before: float, after: float) -> float:
    """The reward of an intervention by the risk before and after it, before the clamp."""
    return before - after - INTERVENTION_COST


def reduction(first: float, last: float) -> float:
    """The share of the first risk that is gone, 0 to 1; 0 where there was none."""
    return max(0.0, first - last) / first if first > 0 else 0.0


def easy_score(first: float, last: float, *, touched: bool) -> float:
    """The easy grader: risk at first and at last, and whether a drug of a severe pair was `touched`."""
    return clamped(RESOLVED * reduction(first, last) + TOUCHED * touched)


def medium_score(first: float, last: float, *, lowered: int, interventions: int, found: int, queries: int) -> float:
    """The medium grader.

    Parameters
    ----------
    first, last : float
        Risk at first and at last.
    lowered, interventions : int
        How many interventions lowered the risk, and how many there were.
    found, queries : int
        How many questions found a severe or moderate interaction, and how many were asked.
    """
    effective = lowered / interventions if interventions else 0.0
    precise = found / queries if queries else 0.0
    return clamped(RESOLVED * reduction(first, last) + EFFECTIVE * effective + PRECISE * precise)


def hard_score(first: float, last: float, *, drug_changes: int, critical_stops: int) -> float:
    """The hard grader: risk at first and at last, drugs changed, and critical ones stopped without a substitute."""
    return clamped(reduction(first, last) - DRUG_CHANGE * drug_changes - CRITICAL_STOP * critical_stops)
