"""Decisions that Q-learning plays and learns from per second: seeds in lockstep beside a plain Python loop.

The loop is the icu-sepsis package's Gymnasium environment with a table in numpy, one agent, one update a decision; once
by the same rule as ours and the paper's, Adam over the whole table at every decision, and once by the plain rule of
textbooks with a constant step, which does less than ours. Seconds of one core, in one run, taken in turns.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
import warnings

import numpy as np

SEEDS, MANY = 20, 100
BLOCKS, LOOP, ROUNDS = 20, 5_000, 3


def lockstep(seeds: int) -> float:
    from harness.agents.rl.tabular.q_learning import BLOCK, QLearning, Settings
    from harness.envs.icu_sepsis.environment import Inadmissible, mdp

    learner = QLearning(mdp(Inadmissible.MEAN), Settings(), range(seeds))
    learner.advance()
    started = time.process_time()
    for _ in range(BLOCKS):
        learner.advance()
    return seeds * BLOCKS * BLOCK / (time.process_time() - started)


def plain_loop(*, with_adam: bool) -> float:
    warnings.simplefilter("ignore")
    import gymnasium
    import icu_sepsis  # noqa: F401 - registers the environment

    from harness.agents.rl.tabular.adam import Adam

    env = gymnasium.make("Sepsis/ICU-Sepsis-v2")
    rng = np.random.default_rng(0)
    Q, gradient = np.zeros((716, 25)), np.zeros((716, 25))
    adam = Adam(Q, 0.0025, 1e-8)
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
        error = Q[state, action] - (reward + (0.0 if terminated else Q[following, admissible].max()))
        if with_adam:
            gradient[:] = 0.0
            gradient[state, action] = 2 * error
            adam.step(gradient)
        else:
            Q[state, action] -= 0.01 * error
        state = following
        if terminated or truncated:
            state, info = env.reset()
            admissible = info["admissible_actions"]
    return LOOP / (time.process_time() - started)


if __name__ == "__main__":
    rates = {
        f"lockstep, {SEEDS} seeds": lambda: lockstep(SEEDS),
        f"lockstep, {MANY} seeds": lambda: lockstep(MANY),
        "plain loop, Adam": lambda: plain_loop(with_adam=True),
        "plain loop, constant step": lambda: plain_loop(with_adam=False),
    }
    found = {name: [] for name in rates}
    for _ in range(ROUNDS):
        for name, rate in rates.items():
            found[name].append(rate())
    for name, measured in found.items():
        print(f"{name:28} {np.median(measured):12,.0f} decisions/s ({min(measured):,.0f} to {max(measured):,.0f})")
    for loop in list(found)[2:]:
        for ours in list(found)[:2]:
            ratios = np.array(found[ours]) / np.array(found[loop])
            print(f"{ours} / {loop}: {np.median(ratios):.1f} per core ({ratios.min():.1f} to {ratios.max():.1f})")
