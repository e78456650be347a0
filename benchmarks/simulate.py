"""Simulated decisions per second on ICU-Sepsis: our arrays beside the icu-sepsis package's Gymnasium environment.

One core, the random policy, in one run. Memory is the peak of a process that simulates a million episodes.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import resource
import subprocess
import sys
import time
import warnings

import numpy as np

EPISODES = 1_000_000
STEPS = 20_000


def ours() -> float:
    from harness.envs.icu_sepsis.environment import Inadmissible, mdp
    from harness.mdp.policy import uniform
    from harness.mdp.simulate import simulate

    tabular = mdp(Inadmissible.MEAN)
    policy = uniform(tabular.legal)
    simulate(tabular, policy, 1_000, seed=0)
    started = time.perf_counter()
    seen = simulate(tabular, policy, EPISODES, seed=100_000)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = seen.lengths.sum() / seconds
    print(f"{'arrays':28} {rate:14,.0f} decisions/s   {EPISODES:,} episodes in {seconds:.1f} s, peak {peak:.0f} MiB")
    return float(rate)


def gymnasium_loop() -> float:
    warnings.simplefilter("ignore")
    import gymnasium
    import icu_sepsis  # noqa: F401 - registers the environment

    env = gymnasium.make("Sepsis/ICU-Sepsis-v2")
    rng = np.random.default_rng(0)
    actions = rng.integers(25, size=STEPS)
    env.reset(seed=0)
    started = time.perf_counter()
    for action in actions:
        _, _, terminated, truncated, _ = env.step(int(action))
        if terminated or truncated:
            env.reset()
    rate = STEPS / (time.perf_counter() - started)
    print(f"{'icu-sepsis, Gymnasium loop':28} {rate:14,.0f} decisions/s   {STEPS:,} decisions")
    return float(rate)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ours()
    else:
        done = subprocess.run([sys.executable, __file__, "ours"], stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, end="")
        rate = float(done.stdout.split()[1].replace(",", ""))
        print(f"ratio {rate / gymnasium_loop():.0f}")
