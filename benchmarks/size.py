"""Time and memory of exact work as MDPs grow: ICU-Sepsis, then synthetic ones of 10^3, 10^4 and 10^5 states.

    python benchmarks/size.py

Synthetic MDPs have 20 actions and 10 successors an action, of which a tenth of the probability ends the episode; γ = 1.
Half of the actions of a state repeat the first one, as inadmissible actions do in ICU-Sepsis. Every size runs in a
process of its own. `optimum`: policy iteration; `evaluate`: value, occupancy, length and variance of one policy;
`episodes`: simulated per second; `error`: the largest residual of the optimality equation. The last rows evaluate many
policies of ICU-Sepsis one by one, and what they share.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np
from scipy import sparse

from harness.envs.icu_sepsis.environment import Inadmissible, mdp
from harness.mdp.build import from_arrays
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import uniform
from harness.mdp.simulate import simulate
from harness.mdp.solve import solve
from harness.mdp.tabular import TabularMDP

SIZES = (1_000, 10_000, 100_000)
ACTIONS, SUCCESSORS, ENDS = 20, 10, 0.1
EPISODES = 20_000
SEED = 7


def synthetic(states: int) -> TabularMDP:
    rng = np.random.default_rng(SEED)
    n = states + 1  # the last one ends an episode
    pairs = states * ACTIONS
    columns = rng.integers(0, states, size=(pairs, SUCCESSORS))
    weights = (1 - ENDS) * rng.dirichlet(np.ones(SUCCESSORS), size=pairs)
    rewards = rng.random(pairs)
    repeats = np.arange(pairs).reshape(states, ACTIONS)
    repeats[:, ACTIONS // 2 :] = repeats[:, :1]
    columns, weights, rewards = (x[repeats.ravel()] for x in (columns, weights, rewards))
    indices = np.column_stack([columns, np.full(pairs, states)])
    data = np.column_stack([weights, np.full(pairs, ENDS)])
    rows = sparse.csr_array(
        (data.ravel(), indices.ravel(), np.arange(0, pairs * (SUCCESSORS + 1) + 1, SUCCESSORS + 1)), shape=(pairs, n)
    )
    last = sparse.csr_array((np.ones(ACTIONS), (np.arange(ACTIONS), np.full(ACTIONS, states))), shape=(ACTIONS, n))
    transitions = sparse.csr_array(sparse.vstack([rows, last], format="csr"))
    paid = np.vstack([rewards.reshape(states, ACTIONS), np.zeros((1, ACTIONS))])
    start = np.append(np.full(states, 1 / states), 0.0)
    return from_arrays(transitions, paid, start, terminal=np.arange(n) == states)


def measure(states: int) -> dict[str, float]:
    def timed(work):
        began = time.perf_counter()
        found = work()
        return found, time.perf_counter() - began

    built, build = timed(lambda: synthetic(states) if states else mdp(Inadmissible.MEAN))
    _, choices = timed(lambda: (built.choices, built.always_ends))
    optimum, solved = timed(lambda: solve(built))
    policy = uniform(built.legal)
    _, evaluated = timed(lambda: evaluate(built, policy))
    _, simulated = timed(lambda: simulate(built, policy, EPISODES, seed=SEED))
    residual = float(np.abs(np.nanmax(optimum.Q, axis=1) - optimum.V)[built.decision_states].max())
    return {
        "states": built.n_states,
        "rows": built.rows.shape[0],
        "build": build + choices,
        "solve": solved,
        "evaluate": evaluated,
        "episodes": EPISODES / simulated,
        "error": residual,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def many() -> None:
    """One hundred policies of ICU-Sepsis, near one another as checkpoints are."""
    built = mdp(Inadmissible.MEAN)
    rng = np.random.default_rng(SEED)
    base = uniform(built.legal)
    policies = [0.9 * base + 0.1 * rng.dirichlet(np.ones(built.n_actions), size=built.n_states) for _ in range(100)]
    began = time.perf_counter()
    alone = [evaluate(built, policy).J for policy in policies]
    one = time.perf_counter() - began
    from harness.mdp.evaluate import values

    began = time.perf_counter()
    together = values(built, policies)
    shared = time.perf_counter() - began
    print(
        f"100 policies of ICU-Sepsis: {1e3 * one:.0f} ms one by one (value, occupancy, length, variance), "
        f"{1e3 * shared:.0f} ms for the values alone, each from the one before; ratio {one / shared:.1f}; "
        f"greatest difference {np.abs(np.array(alone) - together).max():.0e}"
    )


def main() -> None:
    headings = ("states", "rows", "build s", "optimum s", "evaluate s", "episodes/s", "error", "peak MiB")
    print(" ".join(f"{heading:>10}" for heading in headings))
    for states in (0, *SIZES):
        done = subprocess.run([sys.executable, __file__, str(states)], stdout=subprocess.PIPE, text=True, check=True)
        f = json.loads(done.stdout)
        print(
            f"{f['states']:10,} {f['rows']:10,} {f['build']:10.2f} {f['solve']:10.4f} {f['evaluate']:10.4f} "
            f"{f['episodes']:10,.0f} {f['error']:10.0e} {f['peak']:10,.0f}",
            flush=True,
        )
    many()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
