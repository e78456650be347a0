"""The latest episodes, whole, and transitions drawn from them.

Episodes are kept a round at a time, all of the same length, so that what was seen some steps before a state need not be
stored with it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class Transitions(NamedTuple):
    """`b` of them: what was seen, done, earned over some steps, and seen then.

    `after` is 0 where the episode was over by then, else the discount of what follows.
    """

    seen: Float32Array
    actions: IntArray
    earned: Float32Array
    then: Float32Array
    after: Float32Array


@dataclass
class Replay:
    """A ring of rounds.

    Attributes
    ----------
    seen : float array, shape (rounds, steps + 1, patients, features)
    actions : int array, shape (rounds, steps, patients)
    rewards : float array, shape (rounds, steps, patients)
    added : int
        Rounds added so far, also those that were overwritten since.
    """

    seen: Float32Array
    actions: npt.NDArray[np.int16]
    rewards: Float32Array
    added: int

    def add(self, seen: Float32Array, actions: IntArray, rewards: Float32Array) -> None:
        """A round, in place of the oldest where all places are taken."""
        place = self.added % len(self.seen)
        self.seen[place], self.actions[place], self.rewards[place] = seen, actions, rewards
        self.added += 1

    def draw(self, n: int, lags: Sequence[int], ahead: int, discount: float, rng: np.random.Generator) -> Transitions:
        """`n` transitions over at most `ahead` steps, each as likely as any other."""
        rounds, steps, patients = self.actions.shape
        where = rng.integers(min(self.added, rounds), size=n)
        who, at = rng.integers(patients, size=n), rng.integers(steps, size=n)
        end = np.minimum(at + ahead, steps)
        during = at[:, None] + np.arange(ahead)
        counted = np.where(during < steps, discount ** np.arange(ahead), 0.0)
        rewards = self.rewards[where[:, None], np.minimum(during, steps - 1), who[:, None]]
        return Transitions(
            looked_back(self.seen, (where, at, who), lags),
            self.actions[where, at, who].astype(np.int64),
            (rewards * counted).sum(axis=1).astype(np.float32),
            looked_back(self.seen, (where, end, who), lags),
            np.where(end < steps, discount ** (end - at), 0.0).astype(np.float32),
        )


def nothing(rounds: int, steps: int, patients: int, features: int) -> Replay:
    """No episodes yet."""
    return Replay(
        np.zeros((rounds, steps + 1, patients, features), dtype=np.float32),
        np.zeros((rounds, steps, patients), dtype=np.int16),
        np.zeros((rounds, steps, patients), dtype=np.float32),
        0,
    )


def looked_back(seen: Float32Array, places: tuple[IntArray, IntArray, IntArray], lags: Sequence[int]) -> Float32Array:
    """What was seen at some places (round, step, patient) and so many steps before, shape (n, lags * features).

    Before the first step stands what was seen at it.
    """
    where, at, who = places
    back = np.maximum(at[:, None] - np.asarray(lags), 0)
    return np.asarray(seen[where[:, None], back, who[:, None]].reshape(len(at), -1))
