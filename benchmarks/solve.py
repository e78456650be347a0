"""Time and memory of solving ICU-Sepsis: ours, quantecon's DiscreteDP, and dense value iteration.

    make bench

Every contestant runs in a process of its own, gets the published arrays, and is timed from there to an optimal policy:
once for building what it needs from the arrays, then the best of several solves. The authors' helper
(`icu_sepsis_helpers.utils.mdp`) multiplies the whole (716, 25, 716) array with rewards plus V a sweep, until V changes
by less than 1e-6; one row does as it does, the other makes a sweep one matrix product and goes on to 1e-9. quantecon
solves discounted problems only, so it gets a discount of 1 - 1e-9, and is asked to guarantee 1e-9 as ours does.
That makes its iterations go on to a change of 1e-18; a second row lets it stop on a change of 1e-9, as dense value
iteration does, which guarantees nothing. `J* - J` is how far the found policy's exact value is from ours.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

REPEATS = 20
SECONDS = 20.0
"""Solves are repeated until either is reached; a contestant that has not finished one by `LIMIT` is given up."""

LIMIT = 60.0
TOLERANCE = 1e-9
HELPER_TOLERANCE = 1e-6
DISCOUNT = 1 - 1e-9


def ours() -> tuple[Callable[[], object], Callable[[], np.ndarray]]:
    from harness.envs.icu_sepsis.environment import Inadmissible, mdp
    from harness.mdp.solve import solve

    def build() -> object:
        built = mdp(Inadmissible.MEAN)
        return built.choices, built.always_ends

    return build, lambda: solve(mdp(Inadmissible.MEAN)).actions


def arrays() -> tuple[np.ndarray, np.ndarray]:
    from harness.envs.icu_sepsis.data import parameters

    given = parameters()
    reward = np.einsum("sat,sat->sa", given.tx_mat, given.r_mat)
    reward[713:] = 0.0  # the package pays on entering; what follows the end is not paid again
    return given.tx_mat, reward


def helper_style() -> tuple[Callable[[], object], Callable[[], np.ndarray]]:
    from harness.envs.icu_sepsis.data import parameters

    def solve_it() -> np.ndarray:
        given = parameters()
        V = np.zeros(716)
        while True:
            Q = (given.tx_mat * (given.r_mat + V)).sum(axis=2)
            new = Q.max(axis=1)
            if np.abs(new - V).max() < HELPER_TOLERANCE:
                return Q.argmax(axis=1)
            V = new

    return lambda: None, solve_it


def dense() -> tuple[Callable[[], object], Callable[[], np.ndarray]]:
    built: list[tuple[np.ndarray, np.ndarray]] = []

    def solve_it() -> np.ndarray:
        P, R = built[0]
        V = np.zeros(716)
        while True:
            Q = R + P @ V
            new = Q.max(axis=1)
            if np.abs(new - V).max() < TOLERANCE:
                return Q.argmax(axis=1)
            V = new

    return lambda: built.append(arrays()), solve_it


def quantecon(method: str, epsilon: float = TOLERANCE) -> tuple[Callable[[], object], Callable[[], np.ndarray]]:
    from quantecon.markov import DiscreteDP
    from scipy import sparse

    built: list[DiscreteDP] = []

    def build() -> object:
        P, R = arrays()
        rows = sparse.csr_matrix(P.reshape(-1, 716))
        states, actions = np.repeat(np.arange(716), 25), np.tile(np.arange(25), 716)
        built.append(DiscreteDP(R.ravel(), rows, DISCOUNT, states, actions))
        return built

    return build, lambda: built[0].solve(method=method, epsilon=epsilon, max_iter=100_000).sigma


CONTESTANTS = {
    "ours (policy iteration, distinct rows)": ours,
    "quantecon modified policy iteration": lambda: quantecon("mpi"),
    "the same, stopping on a change of 1e-9": lambda: quantecon("mpi", epsilon=TOLERANCE / (1 - DISCOUNT)),
    "quantecon policy iteration": lambda: quantecon("pi"),
    "quantecon value iteration": lambda: quantecon("vi"),
    "dense value iteration, one product a sweep": dense,
    "dense value iteration, helper style": helper_style,
}


def measure(name: str) -> dict[str, float]:
    """In a process of its own: seconds to build and to solve, peak memory, and the policy's exact value."""
    build, solve_it = CONTESTANTS[name]()
    from harness.envs.icu_sepsis.data import parameters

    parameters()  # reading the file is the same for all
    started = time.perf_counter()
    build()
    built = time.perf_counter() - started
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < SECONDS:
        started = time.perf_counter()
        actions = solve_it()
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    from harness.envs.icu_sepsis.environment import Inadmissible, mdp
    from harness.mdp.evaluate import evaluate
    from harness.mdp.policy import deterministic

    tabular = mdp(Inadmissible.MEAN)
    value = evaluate(tabular, deterministic(tabular, actions)).J
    return {"build": built, "solve": min(times), "peak": peak, "value": value}


def main() -> None:
    headings = ("build s", "solve ms", "ratio", "peak MiB", "J* - J")
    print(f"{'ICU-Sepsis, optimal policy':44} {'{:>8} {:>9} {:>7} {:>9} {:>9}'.format(*headings)}")
    best: dict[str, float] = {}
    for name in CONTESTANTS:
        try:
            words = [sys.executable, __file__, name]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            over, ratio = f">{1e3 * LIMIT:.0f}", f">{LIMIT / best['solve']:.0f}"
            print(f"{name:44} {'':8} {over:>9} {ratio:>7}", flush=True)
            continue
        f = json.loads(done.stdout)
        best = best or f
        print(
            f"{name:44} {f['build']:8.2f} {1e3 * f['solve']:9.1f} {f['solve'] / best['solve']:7.1f} "
            f"{f['peak']:9.0f} {best['value'] - f['value']:9.1e}",
            flush=True,
        )
    print(f"best of up to {REPEATS} solves, one process a row; peak memory includes the arrays as read (205 MiB)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
