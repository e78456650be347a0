"""A training of a Q-network on disk: weights, those of the target network, the state of Adam, replay and the curve.

The episodes kept for replay are in it until the training has ended, and no longer.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch

from harness.agents.rl import stored
from harness.agents.rl.dqn import Settings, Training, begin
from harness.agents.rl.dqn_tasks import Task
from harness.agents.rl.stored import Tensors, fitting, learn, learnt, load, write
from harness.core.environment import EnvSpec

CHECKPOINT_VERSION = 1
"""Rises when files mean something else, or the same seed would give another training."""

ALGORITHM = "dqn"

KEPT = ("seen", "actions", "rewards")
"""Arrays of the replay."""


def about(spec: EnvSpec, task: Task, settings: Settings) -> dict[str, Any]:
    """What a training is, as plain data."""
    columns = [task.features, task.actions]
    return stored.about(ALGORITHM, CHECKPOINT_VERSION, spec, columns, settings)


def save(training: Training, what: dict[str, Any], folder: Path) -> None:
    """Replace what is saved by this.

    Parameters
    ----------
    what : dict
        `about` the training.

    Raises
    ------
    RunError
        If it cannot be written; what was saved before is kept.
    """
    tensors = learnt(training.weights, training.adam, training.rounds * training.settings.updates)
    tensors |= {f"target/{name}": values for name, values in training.target.items()}
    if training.rounds < training.settings.rounds:
        for name in KEPT:
            tensors[f"replay/{name}"] = torch.from_numpy(getattr(training.replay, name)[: training.rounds])
    write(folder, tensors, what, training.curve)


def restore(folder: Path, spec: EnvSpec, task: Task, settings: Settings | None = None) -> Training:
    """The training that `folder` holds as it was last saved; a new one by `settings` if it holds none.

    Parameters
    ----------
    settings : Settings, optional
        Those that it must have been made with; if not given, those that it says.

    Raises
    ------
    RunError
        If there is none and no settings, or it is of another environment, version or settings, or damaged.
    """
    found, curve, tensors = load(folder, settings, Settings, partial(about, spec, task))
    training = begin(task, found)
    if tensors is not None:
        with fitting(folder):
            training.curve, training.rounds = curve, int(curve[-1]["round"]) if curve else 0
            _fill(training, tensors)
    return training


def _fill(training: Training, tensors: Tensors) -> None:
    learn(training.weights, training.adam, training.rounds * training.settings.updates, tensors)
    for name, values in training.target.items():
        values.copy_(tensors[f"target/{name}"])
    if training.rounds < training.settings.rounds:
        replay = training.replay
        for name in KEPT:
            getattr(replay, name)[: training.rounds] = tensors[f"replay/{name}"].numpy()
        replay.added = training.rounds
