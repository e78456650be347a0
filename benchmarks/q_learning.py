"""Decisions that Q-learning plays and learns from per second: 20 seeds in lockstep beside a plain loop.

The loop is the usual one: the icu-sepsis package's Gymnasium environment, a table in numpy, one update a decision. It
does without Adam, which would make it slower. Seconds of one core, in one run, taken in turns.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
import warnings

import numpy as np

SEEDS, BLOCKS, LOOP = 20, 30, 10_000
ROUNDS = 3


def lockstep() -> float:
    from harness.agents.rl.tabular.q_learning import BLOCK, QLearning, Settings
    from harness.envs.icu_sepsis.environment import Inadmissible, mdp

    learner = QLearning(mdp(Inadmissible.MEAN), Settings(), range(SEEDS))
    learner.advance()
    started = time.process_time()
    for _ in range(BLOCKS):
        learner.advance()
    return SEEDS * BLOCKS * BLOCK / (time.process_time() - started)


def plain_loop() -> float:
    warnings.simplefilter("ignore")
    import gymnasium
    import icu_sepsis  # noqa: F401 - registers the environment

    env = gymnasium.make("Sepsis/ICU-Sepsis-v2")
    rng = np.random.default_rng(0)
    Q = np.zeros((716, 25))
    state, info = env.reset(seed=0)
    admissible = info["admissible_actions"]
    started = time.process_time()
    for step in range(LOOP):
        if rng.random() < 1 - 0.999 * step / LOOP:
            action = admissible[int(rng.integers(len(admissible)))]
        else:
            action = admissible[int(Q[state, admissible].argmax())]
        following, reward, terminated, truncated, info = env.step(int(action))
        admissible = info["admissible_actions"]
        best = 0.0 if terminated else Q[following, admissible].max()
        Q[state, action] += 0.01 * (reward + best - Q[state, action])
        state = following
        if terminated or truncated:
            state, info = env.reset()
            admissible = info["admissible_actions"]
    return LOOP / (time.process_time() - started)


if __name__ == "__main__":
    ratios = []
    for _ in range(ROUNDS):
        ours, theirs = lockstep(), plain_loop()
        ratios.append(ours / theirs)
        print(f"lockstep, {SEEDS} seeds {ours:12,.0f} decisions/s   plain loop {theirs:9,.0f} decisions/s")
    print(f"ratio per core {np.median(ratios):.1f} (from {min(ratios):.1f} to {max(ratios):.1f})")
