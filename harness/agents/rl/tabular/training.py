"""A training: learners in lockstep, what their episodes brought, and looks at what they have learned, exact.

Everything that a training is stands in arrays, so that it can be written down between two blocks and gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.agents.rl.tabular.algorithms import ALGORITHMS, Learner
from harness.agents.rl.tabular.lanes import Memory
from harness.agents.rl.tabular.settings import TrainingSettings
from harness.core.arrays import read_arrays, write_arrays
from harness.core.errors import RunError
from harness.mdp.evaluate import evaluate
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

VERSION = 1
"""Rises when a checkpoint means something else, or the same seed would give another training."""

LOOKS = 100
"""Exact evaluations of every lane in a training, evenly over its episodes."""

BINS = 500
"""Parts of a training for which what episodes brought is added up."""


@dataclass(eq=False)
class Training:
    """K lanes of one algorithm, at some block.

    Attributes
    ----------
    returns, steps : float and int array, shape (K, bins)
        Sum of the undiscounted returns, and of the decisions, of the episodes of each part of the training.
    value, length : float array, shape (K, looks)
        Exactly of the policy at each look; NaN where it has not come to it.
    final : float array, shape (K, S, A)
        The policy when the lane had its last episode; zero until then.
    q : float array, shape (K, S, A)
        Its action-values then, NaN where there are none.
    """

    mdp: TabularMDP
    algorithm: str
    settings: TrainingSettings
    learner: Learner
    returns: FloatArray
    steps: IntArray
    value: FloatArray
    length: FloatArray
    final: FloatArray
    q: FloatArray
    carried: FloatArray
    """What the unfinished episode of each lane has brought, and its decisions, shape (K, 2)."""

    @property
    def episodes(self) -> int:
        """Of every lane, when it is trained."""
        return self.settings.episodes

    @property
    def done(self) -> int:
        """Episodes finished by all lanes together."""
        return int(np.minimum(self.learner.lanes.episodes, self.episodes).sum())

    @property
    def memory(self) -> Memory:
        """Everything that must be kept."""
        own = ("returns", "steps", "value", "length", "final", "q", "carried")
        return self.learner.memory | {f"training/{name}": getattr(self, name) for name in own}


def looks_at(episodes: int) -> IntArray:
    """After how many episodes a policy is evaluated, rising, the last after all."""
    return np.unique(np.ceil(np.arange(1, LOOKS + 1) * (episodes / LOOKS)).astype(np.int64))


def bin_size(episodes: int) -> int:
    """Episodes of each part of a training but perhaps the last."""
    return -(-episodes // BINS)


def begin(mdp: TabularMDP, algorithm: str, settings: TrainingSettings, seeds: Sequence[int]) -> Training:
    """A training before its first decision.

    Raises
    ------
    InvalidMDP
        If an episode of this MDP may never end.
    """
    learner = ALGORITHMS[algorithm].learner(mdp, settings, seeds)
    k, episodes = len(seeds), settings.episodes
    parts = -(-episodes // bin_size(episodes))
    looks, shape = len(looks_at(episodes)), (k, mdp.n_states, mdp.n_actions)
    return Training(
        mdp, algorithm, settings, learner, np.zeros((k, parts)), np.zeros((k, parts), dtype=np.int64),
        np.full((k, looks), np.nan), np.full((k, looks), np.nan), np.zeros(shape), np.full(shape, np.nan),
        np.zeros((k, 2)),
    )  # fmt: skip


def advance(training: Training, after: Callable[[Training], None]) -> None:
    """Train until every lane has had its episodes; `after` is told every block.

    A lane is at its end after the block in which its last episode ended. It goes on beside the others, and nothing of
    that is kept.
    """
    while training.done < training.episodes * len(training.carried):
        before = training.learner.lanes.episodes.copy()
        training.learner.advance()
        _count(training, before)
        _look(training, before)
        after(training)


def _count(training: Training, before: IntArray) -> None:
    """Add up what the episodes brought that ended in the last block."""
    lanes = training.learner.lanes
    ended = lanes.ended.T
    lane, moment = np.nonzero(ended)
    rank = ended.cumsum(axis=1)[lane, moment] - 1
    brought = lanes.rewards.T.cumsum(axis=1) + training.carried[:, :1]
    decided = np.arange(1, ended.shape[1] + 1) + training.carried[:, 1:]
    part = (before[lane] + rank) // bin_size(training.episodes)
    kept = before[lane] + rank < training.episodes
    for now, sums, column in ((brought, training.returns, 0), (decided, training.steps, 1)):
        at_end = now[lane, moment]
        earlier = np.where(rank == 0, 0.0, np.roll(at_end, 1))
        np.add.at(sums, (lane[kept], part[kept]), (at_end - earlier)[kept].astype(sums.dtype))
        last = np.zeros(len(now))
        last[lane] = at_end  # the last of each lane remains
        training.carried[:, column] = now[:, -1] - last


def _look(training: Training, before: IntArray) -> None:
    now, looks = training.learner.lanes.episodes, looks_at(training.episodes)
    passed = (before[:, None] < looks) & (looks <= now[:, None])
    if not passed.any():
        return
    policy = training.learner.policy()
    for k in np.flatnonzero(passed.any(axis=1)):
        found = evaluate(training.mdp, policy[k])
        training.value[k, passed[k]], training.length[k, passed[k]] = found.J, found.length
    finished = passed[:, -1]
    if finished.any():
        training.final[finished] = policy[finished]
        values = training.learner.values()
        if values is not None:
            training.q[finished] = values[finished]


# --------------------------------------------------------------------------- files


def save(training: Training, path: Path, about: dict[str, Any]) -> None:
    """Replace a checkpoint by this state of the training.

    Raises
    ------
    RunError
        If it cannot be written; what was saved before is kept.
    """
    text = np.array(json.dumps({**about, "version": VERSION}))
    write_arrays(path, {**training.memory, "about": text}, compressed=False)


def restore(training: Training, path: Path, about: dict[str, Any]) -> None:
    """Bring a training that has just begun to the state of a checkpoint.

    Raises
    ------
    RunError
        If the checkpoint is of another training, or damaged.
    """
    arrays = read_arrays(path)
    try:
        found = json.loads(str(arrays.pop("about")))
        if found != {**about, "version": VERSION}:
            raise RunError(f"The checkpoint {path} is of another training, or another version of the harness.")
        memory = training.memory
        if arrays.keys() != memory.keys():
            raise KeyError("other arrays")
        for name, array in memory.items():
            if array.shape != arrays[name].shape or array.dtype != arrays[name].dtype:
                raise ValueError(f"{name} has another form")
        for name, array in memory.items():
            array[...] = arrays[name]
    except (KeyError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}); it was damaged after it was written.") from error
