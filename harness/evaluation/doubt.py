"""How much of what an optimum on an estimated MDP claims is left when other patients judge it.

The policy that is best in an estimated MDP was chosen for looking good there. So it is learned on one half of the
patients and judged on the other (then the halves change places), and the whole construction is done again on resampled
patients. On a stand-in the true value is known, and stands beside.

References
----------
Efron: Estimating the error rate of a prediction rule. JASA 1983;78:316 (judging on what a resample left out).
Jin, Yang, Wang: Is pessimism provably efficient for offline RL? ICML 2021 (the pessimistic optimum).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from harness.agents.offline import pessimistic
from harness.construction.build import Construction, construct
from harness.construction.estimate import Estimated
from harness.construction.patients import ordered, take
from harness.construction.recipe import Recipe
from harness.construction.truth import in_truth, process_of
from harness.core.seeds import stream
from harness.data.table import IntArray, Table
from harness.evaluation.intervals import CONFIDENCE
from harness.evaluation.off_policy.estimate import FEW
from harness.evaluation.off_policy.every import WEIGHTED, by_model, by_weights
from harness.evaluation.off_policy.weights import estimated_behaviour
from harness.evaluation.resampled import judged, value
from harness.mdp.dataset import Dataset
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.mdp.solve import solve
from harness.mdp.tabular import FloatArray, TabularMDP

Tell = Callable[[str], None]

BETA = 0.1
"""β of the pessimistic optimum, in ranges of the data's returns."""
JUDGES = 200
"""Resamples of the other patients, for the interval of what an MDP of theirs says."""
TRUE_PATIENTS = 4_000
TRUE_SEED = 100_000
ESTIMATORS = ("WIS", "WDR", "FQE")


@dataclass(frozen=True)
class Judged:
    """A policy's value by one way of judging; of the halves the mean.

    Attributes
    ----------
    policy : str
        'optimal', 'pessimistic' or 'as in the data'.
    by : str
        Who judges.
    value : float
    lower, upper : float
        95 % interval; NaN where there is none.
    n : int
        Patients (or resamples) that it comes from.
    note : str
    ess : float
        Effective episodes of an off-policy estimate, in the half that has fewer.
    supported : bool
        False where the data hardly hold what the policy does: fewer than `FEW` effective episodes, or weights that do
        not average to 1. Nothing is to be read off the value then, and it has no interval.
    """

    policy: str
    by: str
    value: float
    lower: float = math.nan
    upper: float = math.nan
    n: int = 0
    note: str = ""
    ess: float = math.nan
    supported: bool = True


CLAIM, HELD_OUT, TRUTH = "the MDP it was found in", "an MDP of the other patients", "the true process"
BOOTSTRAP, LEFT_OUT = "its own claim, on resampled patients", "an MDP of the patients that a resample left out"

SAYS = {
    BOOTSTRAP: "how much the claim varies, not what a policy is worth",
    LEFT_OUT: "policies of each two thirds of the patients",
    HELD_OUT: "the interval is of what all such patients would say with these states",
}
"""What the interval of each is one of; `benchmarks/doubt_coverage.py` counts what it holds."""


def doubt(table: Table, recipe: Recipe, *, resamples: int, seed: int, tell: Tell = lambda what: None) -> list[Judged]:
    """Judge the optimum of a recipe on a table in all these ways.

    Parameters
    ----------
    table : Table
    recipe : Recipe
    resamples : int
        Of the patients, each with the whole construction; none if 0.
    seed : int
        Of the halves and the resamples.

    Raises
    ------
    UsageError
        As `harness.construction.build.build`.
    """
    table = ordered(table)
    n = table.n_patients
    order = stream(seed, "halves").permutation(n)
    halves = [np.sort(order[: n // 2]), np.sort(order[n // 2 :])]
    folds: list[list[Judged]] = []
    for i, (here, there) in enumerate((halves, halves[::-1]), start=1):
        tell(f"half {i} of 2: construction")
        folds.append(_fold(take(table, here), take(table, there), recipe, seed))
        tell(f"half {i} of 2: judged")
    found = [_mean(parts) for parts in zip(*folds, strict=True)]
    return found + resampled(table, recipe, resamples, seed, tell)


def survived(found: list[Judged], policy: str, by: str) -> float:
    """The gain over the data's policy that a judge sees, as a share of the one claimed.

    NaN where none was claimed, or the judge has not seen what the policy does.
    """
    values = {(j.policy, j.by): j.value if j.supported else math.nan for j in found}
    claimed = values["optimal", CLAIM] - values["as in the data", CLAIM]
    usual = values.get(("as in the data", by), values["as in the data", HELD_OUT])
    return (values[policy, by] - usual) / claimed if claimed > 0 else math.nan


def _fold(here: Table, there: Table, recipe: Recipe, seed: int) -> list[Judged]:
    construction = construct(here, recipe)
    data, other = construction.transitions(here), construction.transitions(there)
    own = construction.estimate(data)
    spread = float(np.ptp(data.returns)) or 1.0
    cautious, _ = pessimistic.learn(data, pessimistic.Settings(beta=BETA * spread))
    policies = {
        "optimal": deterministic(own.mdp, solve(own.mdp).actions),
        "pessimistic": _ended(cautious, own),
        "as in the data": own.behaviour,
    }
    found = []
    visits = construction.recipe.visits
    judges = judged(other, list(policies.values()), construction.terminal, visits, resamples=JUDGES, seed=seed)
    for (name, policy), held in zip(policies.items(), judges, strict=True):
        found.append(Judged(name, CLAIM, value(own.mdp, policy), n=here.n_patients))
        found.append(Judged(name, HELD_OUT, held.value, held.lower, held.upper, there.n_patients, SAYS[HELD_OUT]))
        if name != "as in the data":
            found += _estimated(name, policy, other, own.mdp)
        found += _in_truth(name, policy, construction, data.discount, there)
    return found


def _estimated(name: str, policy: FloatArray, other: Dataset, mdp: TabularMDP) -> list[Judged]:
    """Off-policy estimates on the other patients.

    Where observation stops, weights reach to its end alone; what would come after it is the value that the MDP of the
    first patients has for the last state.
    """
    ended = other
    if other.discount < 1.0:
        last = np.append(other.first[1:], len(other)) - 1
        reward = other.reward.copy()
        reward[last] += other.discount * evaluate(mdp, policy).V[other.next_state[last]]
        ended = replace(other, reward=reward)
    estimates = {e.estimator: e for e in by_weights(ended, policy, estimated_behaviour(ended))}
    estimates |= {e.estimator: e for e in by_model(other, policy)}
    found = []
    for each in ESTIMATORS:
        e = estimates[each]
        supported = e.ess >= FEW and not (each in WEIGHTED and e.note)
        lower, upper = (e.lower, e.upper) if supported else (math.nan, math.nan)
        found.append(Judged(name, each, e.value, lower, upper, e.n, "", e.ess, supported))
    return found


def _in_truth(
    name: str, policy: FloatArray, construction: Construction, continuation: float, table: Table
) -> list[Judged]:
    process = process_of(table.schema.id) if table.source.stand_in and continuation < 1.0 else None
    if process is None:
        return []
    usual = name == "as in the data"
    true = in_truth(construction, None if usual else policy, process, continuation, n=TRUE_PATIENTS, seed=TRUE_SEED)
    half = 1.96 * true.standard_error
    return [Judged(name, TRUTH, true.mean, true.mean - half, true.mean + half, true.n, "simulated")]


def _ended(policy: FloatArray, own: Estimated) -> FloatArray:
    """A learned policy (S, A) with nothing to choose where the MDP has ended."""
    found = policy.copy()
    found[own.mdp.terminal] = 0.0
    return found


def _mean(parts: tuple[Judged, ...]) -> Judged:
    """Of both halves: the mean of the values, and of the bounds."""
    first = parts[0]
    value, lower, upper = (float(np.mean([getattr(p, name) for p in parts])) for name in ("value", "lower", "upper"))
    notes = dict.fromkeys(part for p in parts for part in p.note.split("; ") if part)
    n = first.n if first.by == TRUTH else sum(p.n for p in parts)  # in truth both halves meet the same patients
    ess, supported = min(p.ess for p in parts), all(p.supported for p in parts)
    return Judged(first.policy, first.by, value, lower, upper, n, "; ".join(notes), ess, supported)


def resampled(table: Table, recipe: Recipe, resamples: int, seed: int, tell: Tell) -> list[Judged]:
    """The optimum found on resampled patients, by its own claim and by those left out; none below 2 resamples."""
    claims: list[float] = []
    others: list[float] = []
    n = table.n_patients
    for i in range(resamples):
        tell(f"resample {i + 1} of {resamples}: the whole construction")
        drawn: IntArray = np.sort(stream(seed + i, "resamples").integers(0, n, n))
        left_out = np.setdiff1d(np.arange(n), drawn)
        here = take(table, drawn)
        construction = construct(here, recipe.model_copy(
            update={"states": recipe.states.model_copy(update={"seed": recipe.states.seed + i})}
        ))  # fmt: skip
        own = construction.estimate(construction.transitions(here))
        best = solve(own.mdp)
        held = construction.estimate(construction.transitions(take(table, left_out)))
        claims.append(best.J)
        others.append(value(held.mdp, deterministic(held.mdp, best.actions)))
    if resamples < 2:
        return []
    tails = (0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2)
    found = []
    for by, values in ((BOOTSTRAP, claims), (LEFT_OUT, others)):
        lower, upper = (float(q) for q in np.nanquantile(values, tails))
        note = f"mean and percentiles of {resamples} resamples; {SAYS[by]}"
        found.append(Judged("optimal", by, float(np.nanmean(values)), lower, upper, resamples, note))
    return found
