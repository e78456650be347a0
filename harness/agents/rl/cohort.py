"""Whose episodes a training learns from, and whose it only looks at."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.seeds import TRAINING_SEEDS, stream

HELD_OUT = range(9_000, TRAINING_SEEDS.stop)
"""Training seeds that are never learned from, for the curve: evaluation seeds stay unseen until the end."""


def learned_from(seed: int, name: str, numbers: Iterable[int]) -> list[int]:
    """The patients of numbered episodes: all that are not held out in a random order, then in another.

    Parameters
    ----------
    seed : int
        Of the training.
    name : str
        Of the random stream, before the number of the order.
    numbers : iterable of int
        From 0 on.
    """
    patients = HELD_OUT.start - TRAINING_SEEDS.start
    numbers = list(numbers)
    orders = {n: stream(seed, f"{name} {n}").permutation(patients) for n in {number // patients for number in numbers}}
    return [TRAINING_SEEDS[int(orders[n // patients][n % patients])] for n in numbers]


def blocks(patients: int, size: int) -> list[range]:
    """So many held-out patients, a block at a time."""
    seeds = HELD_OUT[:patients]
    return [seeds[start : start + size] for start in range(0, patients, size)]
