"""What the intervals of `harness doubt` hold, where the truth is known: python benchmarks/doubt_coverage.py [repeats].

Two kinds of stand-in, each made anew in every repeat:

- patients of a known tabular MDP, whose states are given and Markov: the true value of a policy is exact;
- patients of the simulated process behind the stand-in for hypotension, whose states are clusters of rows: the true
  value is simulated, and what 4,000 other patients say with the same states stands beside it.

A share is of the repeats in which a 95 % interval holds the truth, with Wilson's 95 % interval. The held-out judges'
interval is of the policy found on the other half; the other two are of the policy found on all patients.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from harness.construction.build import Construction, build, construct
from harness.construction.estimate import estimate
from harness.construction.patients import take
from harness.construction.recipe import Recipe, changed, load
from harness.construction.truth import in_truth, process_of
from harness.data.stand_ins.simulate import simulate
from harness.data.table import Source, Table
from harness.evaluation.doubt import BOOTSTRAP, HELD_OUT, resampled
from harness.evaluation.intervals import wilson
from harness.evaluation.resampled import episodes, judged
from harness.mdp.build import from_arrays
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.mdp.simulate import record
from harness.mdp.solve import solve
from harness.mdp.tabular import TabularMDP

PATIENTS, STATES, VISITS, STEPS = 400, 30, 10, 47
JUDGES, RESAMPLES = 60, 40
MANY, TRUE_PATIENTS = 4_000, 1_000

Held = dict[str, list[tuple[float, float, float]]]
"""By name: an interval's bounds and the truth, of each repeat."""


def recipe() -> Recipe:
    found = changed(load("hypotension"), states=STATES, visits=VISITS, seed=0)
    return found.model_copy(update={"states": found.states.model_copy(update={"restarts": 1, "fit_rows": 5_000})})


def table(n: int, seed: int) -> Table:
    process = process_of("hypotension")
    assert process is not None
    source = Source(Path("hypotension"), "simulated", "stand-in")
    return Table(process.schema, simulate(process, n, seed).columns, np.arange(n + 1) * process.steps, source)


def lasting(mdp: TabularMDP, continuation: float) -> TabularMDP:
    """The MDP in which nobody's observation stops, discounted by the chance to go on instead: the same values."""
    live, stop = mdp.decision_states, int(np.flatnonzero(mdp.terminal)[-1])
    P = np.zeros((mdp.n_states, mdp.n_actions, mdp.n_states))
    P[live] = mdp.rows.toarray()[mdp.row_of[live]]
    P[live, :, stop] = 0.0
    P[live] /= continuation
    reward = np.where(mdp.terminal[:, None], 0.0, mdp.reward())
    return from_arrays(P, reward, mdp.start, terminal=mdp.terminal, discount=continuation)


def known_mdp(repeats: int, patients: int) -> Held:
    """Patients of the MDP that was built of 4,000 others, under their clinicians' policy, for as many steps."""
    whole_table = build(table(4_000, 777_000), recipe())
    built, continuation = whole_table.estimated, whole_table.data.discount
    mdp, terminal = built.mdp, built.mdp.terminal
    process_of_patients = lasting(mdp, continuation)
    held: Held = defaultdict(list)
    for i in range(repeats):
        data = record(process_of_patients, built.behaviour, patients, seed=i, horizon=STEPS)
        half = np.arange(patients) < patients // 2
        here, there = (episodes(data, np.flatnonzero(mask)) for mask in (half, ~half))
        own = estimate(here, terminal, VISITS)
        policy = deterministic(own.mdp, solve(own.mdp).actions)
        found = judged(there, [policy, own.behaviour], terminal, VISITS, resamples=JUDGES, seed=i)
        for name, each, table_ in zip(("optimal", "usual"), found, (policy, own.behaviour), strict=True):
            held[f"{HELD_OUT}, {name}: truth"].append((each.lower, each.upper, evaluate(mdp, table_).J))
        whole = estimate(data, terminal, VISITS)
        truth = evaluate(mdp, deterministic(mdp, solve(whole.mdp).actions)).J
        rng = np.random.default_rng(i)
        claims = [
            solve(estimate(episodes(data, np.sort(rng.integers(0, patients, patients))), terminal, VISITS).mdp).J
            for _ in range(RESAMPLES)
        ]
        lower, upper = np.quantile(claims, (0.025, 0.975))
        held[f"{BOOTSTRAP}: truth"].append((lower, upper, truth))
    return held


def process(repeats: int, patients: int) -> Held:
    """Patients of the simulated process, states by clustering."""
    wanted, known = recipe(), process_of("hypotension")
    assert known is not None
    others = table(MANY, 999_000)
    held: Held = defaultdict(list)

    def true(found: Construction, policy: np.ndarray, continuation: float) -> float:
        return in_truth(found, policy, known, continuation, n=TRUE_PATIENTS, seed=100_000).mean

    for i in range(repeats):
        all_of_them = table(patients, i)
        here, there = (take(all_of_them, which) for which in np.array_split(np.arange(patients), 2))
        found = construct(here, wanted)
        data = found.transitions(here)
        own = found.estimate(data)
        policy = deterministic(own.mdp, solve(own.mdp).actions)
        (each,) = judged(found.transitions(there), [policy], found.terminal, VISITS, resamples=JUDGES, seed=i)
        said = evaluate(found.estimate(found.transitions(others)).mdp, policy).J
        held[f"{HELD_OUT}: what {MANY:,} others say"].append((each.lower, each.upper, said))
        held[f"{HELD_OUT}: truth"].append((each.lower, each.upper, true(found, policy, data.discount)))
        whole = build(all_of_them, wanted)
        best = deterministic(whole.estimated.mdp, solve(whole.estimated.mdp).actions)
        truth = true(whole.construction, best, whole.data.discount)
        for by in resampled(all_of_them, wanted, RESAMPLES, 1_000 * i, lambda what: None):
            held[f"{by.by}: truth"].append((by.lower, by.upper, truth))
    return held


def main() -> None:
    repeats = int(sys.argv[1]) if sys.argv[1:] else 40
    for patients in (PATIENTS, 4 * PATIENTS):
        for title, study in (("a known MDP", known_mdp), ("the process behind 'hypotension'", process)):
            often = repeats * (3 if study is known_mdp else 1)  # it is quick
            print(f"{title}, {patients:,} patients, {STATES} states, {often} repeats", flush=True)
            for name, rows in study(often, patients).items():
                lower, upper, truth = np.array(rows).T
                share = wilson(int(((lower <= truth) & (truth <= upper)).sum()), len(rows))
                print(
                    f"  {name}: holds {100 * share.value:.0f} % ({100 * share.lower:.0f} to {100 * share.upper:.0f}); "
                    f"middle {((lower + upper) / 2).mean():.3f}, truth {truth.mean():.3f}, width "
                    f"{(upper - lower).mean():.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
