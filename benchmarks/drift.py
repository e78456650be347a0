"""What a sample of states says of a drifted model's value: how often its interval holds the exact change, and how wide.

    python benchmarks/drift.py

An old policy of ICU-Sepsis and new ones that differ from it in a share of the states, drawn at random. Each is sampled
repeatedly, by what is at stake and, for comparison, by visits; `held` is the share of intervals that hold the exact
change (an honest 95 % is 95 or more), `width` their mean width, `rest` the mean size of what the first order in the
flips leaves out of the change, as a share of the width by stake.
"""

from __future__ import annotations

import numpy as np

from harness.envs.registry import make
from harness.evaluation.drift import Stakes, draw, first_order, stakes
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic

SEED = 100_000
POLICIES, SAMPLES = 20, 20
SHARES, SIZES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5), (50, 200)


def by_visits(found: Stakes, visits: np.ndarray) -> Stakes:
    """The same with draws by visits alone."""
    most = np.divide(found.stake, visits, out=np.zeros_like(visits), where=visits > 0).max()
    return Stakes(found.policy, found.worth, most * visits)


def main() -> None:
    env = make("icu-sepsis")
    assert isinstance(env, TabularEnvironment)
    mdp, rng = env.mdp, np.random.default_rng(SEED)

    def drawn() -> np.ndarray:
        return np.array([rng.choice(np.flatnonzero(row)) if row.any() else 0 for row in mdp.legal])

    print(f"{'old policy':12}{'states':>7}{'flipped':>9}{'held':>7}{'width':>9}{'held':>9}{'width':>9}{'rest':>8}")
    print(f"{'':28}{'by stake':>16}{'by visits':>18}")
    for name, old in (("drawn", drawn()), ("optimal", env.optimum.actions), ("worst", env.worst.actions)):
        table = deterministic(mdp, old)
        known = evaluate(mdp, table)
        at_stake = stakes(mdp, table, ~mdp.terminal)
        designs = (at_stake, by_visits(at_stake, known.occupancy))
        for n in SIZES:
            for share in SHARES:
                held: tuple[list[bool], ...] = ([], [])
                widths: tuple[list[float], ...] = ([], [])
                rests = []
                for _ in range(POLICIES):
                    new = deterministic(mdp, np.where(rng.random(mdp.n_states) < share, drawn(), old))
                    change = evaluate(mdp, new).J - known.J
                    rests.append(abs(change - float((new * at_stake.worth).sum())))
                    for i, design in enumerate(designs):
                        for _ in range(SAMPLES):
                            states = draw(design, ~mdp.terminal, n, int(rng.integers(2**31)))
                            estimate = first_order(design, states, new[states])
                            held[i].append(estimate.lower <= change <= estimate.upper)
                            widths[i].append(estimate.upper - estimate.lower)
                cells = [f"{100 * np.mean(h):7.1f}{np.mean(w):9.4f}" for h, w in zip(held, widths, strict=True)]
                rest = np.mean(rests) / np.mean(widths[0])
                print(f"{name:12}{n:7}{100 * share:8.0f}%{'  '.join(cells)}{100 * rest:7.0f}%", flush=True)


if __name__ == "__main__":
    main()
