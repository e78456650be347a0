"""What optima of built MDPs claim and what they are worth in truth, by data size, on stand-ins.

    python benchmarks/claim_by_size.py [recipe ...]

Each size has several data sets; shown are means over them with Student-t 95 % intervals.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from harness.construction.build import build
from harness.construction.recipe import load
from harness.construction.truth import in_truth, process_of
from harness.data.stand_ins.simulate import simulate
from harness.data.table import Source, Table
from harness.evaluation.intervals import Estimate, student_t
from harness.mdp.policy import deterministic
from harness.mdp.solve import solve

RECIPES = ("hypotension", "hypotension-pls", "sepsis", "art-hiv")
SIZES, DATA_SETS = (250, 1_000, 4_000), 8
TRUE_PATIENTS, SEED = 1_000, 100_000


def shown(found: Estimate) -> str:
    return f"{found.value:7.3f} ± {found.upper - found.value:.3f}"


def main() -> None:
    print(f"{'recipe':16} patients   the optimum claims   in truth           usual care in truth")
    for name in sys.argv[1:] or RECIPES:
        recipe = load(name)
        process = process_of(recipe.data or "")
        assert process is not None, f"{name} has no stand-in"
        for n in SIZES:
            offsets, source = np.arange(n + 1) * process.steps, Source(Path(name), "simulated", "stand-in")
            claims, worth, usual = [], [], []
            for seed in range(DATA_SETS):
                built = build(Table(process.schema, simulate(process, n, seed).columns, offsets, source), recipe)
                best, stays = solve(built.estimated.mdp), built.data.discount
                policy = deterministic(built.estimated.mdp, best.actions)
                true, of_usual = (
                    in_truth(
                        built.construction, each, process, stays, n=TRUE_PATIENTS, seed=SEED + TRUE_PATIENTS * seed
                    )
                    for each in (policy, None)
                )
                claims.append(best.J)
                worth.append(true.mean)
                usual.append(of_usual.mean)
            cells = [shown(student_t(values)) for values in (claims, worth, usual)]
            print(f"{name:16} {n:8,}   {cells[0]:18}   {cells[1]:16}   {cells[2]}", flush=True)
    print(f"{DATA_SETS} data sets of each size; in truth: the mean of {TRUE_PATIENTS:,} other patients, simulated.")


if __name__ == "__main__":
    main()
