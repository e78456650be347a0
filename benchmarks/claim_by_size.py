"""What an optimum claims and what it is worth in truth, by data size: python benchmarks/claim_by_size.py [recipe …]."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from harness.construction.build import build
from harness.construction.recipe import load
from harness.construction.truth import in_truth, process_of
from harness.data.stand_ins.simulate import simulate
from harness.data.table import Source, Table
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.mdp.solve import solve

SIZES = (250, 1_000, 4_000)
TRUE_PATIENTS, SEED = 1_000, 100_000


def main() -> None:
    for name in sys.argv[1:] or ("hypotension", "hypotension-pls"):
        recipe = load(name)
        process = process_of(recipe.data or "")
        assert process is not None, f"{name} has no stand-in"
        for n in SIZES:
            offsets = np.arange(n + 1) * process.steps
            source = Source(Path(name), "simulated", "stand-in")
            built = build(Table(process.schema, simulate(process, n, 0).columns, offsets, source), recipe)
            mdp, usual = built.estimated.mdp, built.estimated.behaviour
            best = solve(mdp)
            policy = deterministic(mdp, best.actions)
            values = [
                in_truth(built.construction, each, process, built.data.discount, n=TRUE_PATIENTS, seed=SEED)
                for each in (policy, None)
            ]
            told = [f"{v.mean:.3f} ± {1.96 * v.standard_error:.3f}" for v in values]
            print(
                f"{name}, {n:,} patients: optimum claims {best.J:.3f}, in truth {told[0]}; usual care "
                f"{evaluate(mdp, usual).J:.3f}, in truth {told[1]} (n = {TRUE_PATIENTS:,})",
                flush=True,
            )


if __name__ == "__main__":
    main()
