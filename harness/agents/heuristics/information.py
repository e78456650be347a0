"""What an answer about a pair of drugs is worth to somebody who plans by what is to be expected.

The expected harm that the best plan leaves is a concave function of what is believed of a pair. Knowing the answer, one
may plan for it: the worth of asking is the harm left by the one plan for all answers, less the mean of what is left by
the best plan for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.agents.heuristics.beliefs import Outcome
from harness.envs.polypharmacy.harm import BoolArray, FloatArray, Harm
from harness.envs.polypharmacy.search import best_regimen
from harness.envs.polypharmacy.state import Pair, ReviewState

MOST_LOOKED_AT = 5
"""Pairs whose answers are planned for in one decision: those of which least is known."""


def best_question(
    state: ReviewState, among: BoolArray, answers: Mapping[Pair, Sequence[Outcome]]
) -> tuple[Pair | None, float]:
    """The pair that is most worth asking about, and its worth in harm points.

    Parameters
    ----------
    state : ReviewState
        With the harm that is believed in.
    among : bool array, shape (O,)
        Options to plan with (`Optimum.useful`).
    answers : mapping of pair to its outcomes
        By what is done about the two in alphabetical order.
    """
    open_ = sorted(answers, key=lambda pair: -_spread(answers[pair]))[:MOST_LOOKED_AT]
    left = _left(state, state.harm, among)
    best, most = None, 0.0
    for pair in open_:
        mean = sum((o.probability * o.left for o in answers[pair]), np.zeros((4, 4)))
        wide = among | np.array([option.drug in pair for option in state.harm.options])
        known = sum(
            o.probability * _left(state, _with_pair(state.harm, pair, o.left - mean), wide) for o in answers[pair]
        )
        if left - known > most:
            best, most = pair, left - known
    return best, most


def _spread(outcomes: Sequence[Outcome]) -> float:
    """Variance of the harm of a pair about which nothing is done."""
    mean = sum(o.probability * o.left[0, 0] for o in outcomes)
    return float(sum(o.probability * (o.left[0, 0] - mean) ** 2 for o in outcomes))


def _left(state: ReviewState, harm: Harm, among: BoolArray) -> float:
    """Harm and cost after the best plan."""
    most = min(state.interventions, state.steps - 1)
    return harm.total(state.regimen) - best_regimen(harm, state.regimen, most, among)[0]


def _with_pair(harm: Harm, pair: Pair, change: FloatArray) -> Harm:
    """The same harm but for one pair of drugs."""
    rows, columns = ([i for i, option in enumerate(harm.options) if option.drug == drug] for drug in pair)
    done = np.array([option.reduced + 2 * option.monitored for option in harm.options])
    more = change[np.ix_(done[rows], done[columns])]
    pairs = harm.pairs.copy()
    pairs[np.ix_(rows, columns)] += more
    pairs[np.ix_(columns, rows)] += more.T
    return replace(harm, pairs=pairs)
