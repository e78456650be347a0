"""Differential evolution, best/1/bin, over sets of drugs.

With the differential weight F = 1, `best + F (a - b)` of 0/1 vectors, clipped to [0, 1], is a 0/1 vector again: every
member stays a set of drugs.

References
----------
Storn, Price: Differential evolution. Journal of Global Optimization 1997;11:341. The population, steps and rates are
those of Larouche et al. 2023 (arXiv 2212.05190).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

POPULATION, GENERATIONS = 32, 16
CROSSOVER = 0.9
"""Probability that an entry is taken from the mutant."""


def maximise(
    objective: Callable[[FloatArray], NDArray[np.floating]],
    population: FloatArray,
    rng: np.random.Generator,
    generations: int = GENERATIONS,
) -> tuple[FloatArray, float]:
    """The best member found, and its value.

    Parameters
    ----------
    objective : callable
        Values, shape (n,), of 0/1 members, shape (n, D). It may be random: a member keeps the value that it was
        first given.
    population : float array, shape (n, D)
        0/1; n at least 4, so that a mutant has the best and two others.
    """
    members = population.copy()
    values = np.array(objective(members))
    n, width = members.shape
    everyone = np.arange(n)
    for _ in range(generations):
        first, second = _two_others(rng, n)
        mutants = members[first] - members[second]
        mutants += members[values.argmax()]
        np.clip(mutants, 0.0, 1.0, out=mutants)
        crossed = rng.random((n, width), dtype=np.float32) < CROSSOVER
        crossed[everyone, rng.integers(width, size=n)] = True
        trials = np.where(crossed, mutants, members)
        found = objective(trials)
        better = found >= values
        members[better] = trials[better]
        values[better] = found[better]
    best = int(values.argmax())
    return members[best], float(values[best])


def _two_others(rng: np.random.Generator, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For every member two different others, uniformly, as shifts around the circle of members."""
    one = rng.integers(1, n, size=n)
    two = rng.integers(1, n - 1, size=n)
    two += two >= one
    everyone = np.arange(n)
    return (everyone + one) % n, (everyone + two) % n
