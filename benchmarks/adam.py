"""Whether it matters to Q-learning on ICU-Sepsis how Adam treats entries of a table that were not used.

Three optimisers, the same training seeds and random numbers: dense as published, which is the paper's (every entry
moves at every step); lazy, which is ours (the same without touching the others); and sparse, which is not the paper's
(an entry moves, and forgets, only when it is used). Exact values at the end, and their paired differences from dense.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import math

import numpy as np

from harness.agents.rl.tabular import q_learning
from harness.agents.rl.tabular.adam import BETA_1, BETA_2, Adam, LazyAdam
from harness.agents.rl.tabular.training import advance, begin
from harness.envs.icu_sepsis.environment import Inadmissible, mdp
from harness.evaluation.intervals import student_t


class DenseAdam:
    """`Adam` with the calls of `LazyAdam`."""

    def __init__(self, lanes, size, learning_rate, epsilon, block):
        self._table = np.zeros((lanes, size))
        self._flat = self._table.reshape(-1)
        self._adam = Adam(self._table, learning_rate, epsilon)

    def memory(self, name):
        """As there."""
        return self._adam.memory(name)

    def set(self, slots, value):
        """As there."""
        self._flat[slots] = value

    def begin(self):
        """As there."""

    def end(self):
        """As there."""

    def read(self, i, slots, pairs, out):
        """As there."""
        self._flat.take(slots, out=out, mode="clip")

    def step(self, i, slots, value, gradient):
        """As there."""
        whole = np.zeros_like(self._table)
        whole.reshape(-1)[slots] = gradient
        self._adam.step(whole)

    def table(self):
        """As there."""
        return self._table


class SparseAdam(DenseAdam):
    """Only the entry used changes, moments and all; the bias is corrected by the steps of the table."""

    def __init__(self, lanes, size, learning_rate, epsilon, block):
        super().__init__(lanes, size, learning_rate, epsilon, block)
        self._rate, self._epsilon, self._t = learning_rate, epsilon, 0
        self._mean, self._square = np.zeros(lanes * size), np.zeros(lanes * size)

    def step(self, i, slots, value, gradient):
        """As there."""
        self._t += 1
        mean = self._mean[slots] = BETA_1 * self._mean[slots] + (1 - BETA_1) * gradient
        square = self._square[slots] = BETA_2 * self._square[slots] + (1 - BETA_2) * gradient**2
        root = math.sqrt(1 - BETA_2**self._t)
        rate = self._rate * root / (1 - BETA_1**self._t)
        self._flat[slots] = value - rate * mean / (np.sqrt(square) + self._epsilon * root)


def final_values(optimiser, seeds, episodes):
    q_learning.LazyAdam = optimiser
    settings = q_learning.Settings(episodes=episodes)
    training = begin(mdp(Inadmissible.MEAN), "q-learning", settings, range(seeds))
    advance(training, lambda _: None)
    return training.value[:, -1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--episodes", type=int, default=20_000)
    told = parser.parse_args()
    found = {}
    for name, optimiser in (("dense", DenseAdam), ("lazy", LazyAdam), ("sparse", SparseAdam)):
        found[name] = final_values(optimiser, told.seeds, told.episodes)
        own, apart = student_t(found[name]), student_t(found[name] - found["dense"])
        print(
            f"{name:7} exact value {own.value:.4f} ({own.lower:.4f} to {own.upper:.4f})   "
            f"less dense {apart.value:+.4f} ({apart.lower:+.4f} to {apart.upper:+.4f})   "
            f"n = {told.seeds} seeds, {told.episodes:,} episodes",
            flush=True,
        )
