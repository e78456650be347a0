"""Seeds: which may be used for what, and the named random streams that grow from one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np

from harness.core.errors import UsageError

TRAINING_SEEDS = range(0, 10_000)
EVALUATION_START = 100_000
"""Evaluation seeds start here, so that nothing is evaluated on what it was trained on."""

LARGEST_WORD = 2**32 - 1


def stream(seed: int, name: str) -> np.random.Generator:
    """The random stream `name` of an episode, e.g. 'patient', 'dynamics' or 'laboratory'.

    Streams of one seed are independent, so drawing more from one (ordering a test) never changes another (the
    patient).

    Raises
    ------
    UsageError
        If the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"The seed is {seed}; expected 0 or more.")
    both = [seed, zlib.crc32(name.encode())]
    # what `default_rng` makes of the list; an array is the same entropy, and taken at twice the speed
    entropy = np.array(both, dtype=np.uint32) if seed <= LARGEST_WORD else both
    return np.random.Generator(np.random.PCG64(entropy))


def check_training_seeds(seeds: Iterable[int]) -> None:
    """See that all are training seeds.

    Raises
    ------
    UsageError
        Naming the first that is not.
    """
    for seed in seeds:
        if seed not in TRAINING_SEEDS:
            raise UsageError(
                f"Seed {seed} cannot be used to train: training seeds are {TRAINING_SEEDS.start} to "
                f"{TRAINING_SEEDS.stop - 1}."
            )


def evaluation_seeds(start: int, n: int) -> range:
    """`n` evaluation seeds from `start`.

    Raises
    ------
    UsageError
        If they would reach below `EVALUATION_START`, where the training seeds are, or there are none.
    """
    if start < EVALUATION_START:
        raise UsageError(
            f"Seed {start} cannot be used to evaluate: evaluation seeds start at {EVALUATION_START} "
            f"(training seeds are {TRAINING_SEEDS.start} to {TRAINING_SEEDS.stop - 1})."
        )
    if n < 1:
        raise UsageError(f"{n} episodes were asked for; expected at least 1.")
    return range(start, start + n)
