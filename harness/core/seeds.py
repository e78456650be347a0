"""Seeds: which may be used for what, and the named random streams that grow from one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import UsageError

TRAINING_SEEDS = range(0, 10_000)
EVALUATION_START = 100_000
"""Evaluation seeds start here, so that nothing is evaluated on what it was trained on."""

MOST_EPISODES = 10_000_000
"""Of one evaluation: the outcomes of all of them are in memory."""

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


def streams(seeds: Sequence[int], name: str) -> Iterator[np.random.Generator]:
    """`stream(seed, name)` of one seed after another, in a fraction of the time: for thousands of simulated patients.

    It is one generator, set anew for each seed: use it before the next one is taken. NumPy guarantees its seeding to
    stay as it is, so it can be done here for all seeds at once (`SeedSequence`, then PCG64; tested against `stream`).

    Raises
    ------
    UsageError
        If a seed is negative.
    """
    if len(seeds) and not 0 <= min(seeds) <= max(seeds) <= LARGEST_WORD:
        for seed in seeds:
            yield stream(seed, name)
        return
    bits = np.random.PCG64(0)
    generator = np.random.Generator(bits)
    words = _seeded(np.asarray(seeds), zlib.crc32(name.encode()))
    for a, b, c, d in zip(*(word.tolist() for word in words), strict=True):
        increment = (c << 65 | d << 1 | 1) & _LONG
        state = ((increment + (a << 64 | b)) * _PCG64 + increment) & _LONG
        bits.state = {
            "bit_generator": "PCG64", "state": {"state": state, "inc": increment}, "has_uint32": 0, "uinteger": 0
        }  # fmt: skip
        yield generator


_LONG = 2**128 - 1
_PCG64 = 0x2360ED051FC65DA44385DF649FCCF645
"""Multiplier of PCG64 (O'Neill, HMC-CS-2014-0905)."""


def _seeded(seeds: NDArray[np.int64], name: int) -> list[NDArray[np.uint64]]:
    """What `SeedSequence([seed, name]).generate_state(4, uint64)` gives for each seed, (n,) four times."""
    constant = 0x43B0D7E5

    def hashed(value: NDArray[np.uint32], multiplier: int) -> NDArray[np.uint32]:
        nonlocal constant
        value = value ^ np.uint32(constant)
        constant = constant * multiplier & LARGEST_WORD
        value = value * np.uint32(constant)
        return value ^ value >> np.uint32(16)

    words = [seeds.astype(np.uint32), *(np.full(len(seeds), word, dtype=np.uint32) for word in (name, 0, 0))]
    pool = [hashed(word, 0x931E8875) for word in words]
    for source in range(4):
        for other in range(4):
            if source != other:
                mixed = np.uint32(0xCA01F9DD) * pool[other] - np.uint32(0x4973F715) * hashed(pool[source], 0x931E8875)
                pool[other] = mixed ^ mixed >> np.uint32(16)
    constant = 0x8B51F9DD
    state = [hashed(pool[i % 4], 0x58F38DED).astype(np.uint64) for i in range(8)]
    return [low | high << np.uint64(32) for low, high in zip(state[::2], state[1::2], strict=True)]


def evaluation_seeds(start: int, n: int) -> range:
    """`n` evaluation seeds from `start`.

    Raises
    ------
    UsageError
        If they would reach below `EVALUATION_START`, where the training seeds are, there are none, or more than
        `MOST_EPISODES`.
    """
    if start < EVALUATION_START:
        raise UsageError(
            f"Seed {start} cannot be used to evaluate: evaluation seeds start at {EVALUATION_START} "
            f"(training seeds are {TRAINING_SEEDS.start} to {TRAINING_SEEDS.stop - 1})."
        )
    if n < 1:
        raise UsageError(f"{n} episodes were asked for; expected at least 1.")
    if n > MOST_EPISODES:
        raise UsageError(f"{n:,} episodes were asked for; expected at most {MOST_EPISODES:,}.")
    return range(start, start + n)
