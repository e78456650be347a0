"""A training of a Q-network on disk: weights, those of the target network, the state of Adam, replay and the curve.

The episodes kept for replay are in it until the training has ended, and no longer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.agents.rl.checkpoint import MOMENTS
from harness.agents.rl.dqn import Settings, Training, begin
from harness.agents.rl.dqn_tasks import Task
from harness.agents.rl.stored import CHECKPOINT, digest, read, require_same, write
from harness.core.environment import EnvSpec
from harness.core.errors import RunError

CHECKPOINT_VERSION = 1
"""Rises when files mean something else, or the same seed would give another training."""

ALGORITHM = "dqn"

KEPT = ("seen", "actions", "rewards")
"""Arrays of the replay."""


def about(spec: EnvSpec, task: Task, settings: Settings) -> dict[str, Any]:
    """What a training is, as plain data."""
    return {
        "checkpoint_version": CHECKPOINT_VERSION,
        "algorithm": ALGORITHM,
        "env": spec.id,
        "env_version": spec.version,
        "columns_sha256": digest([task.features, task.actions]),
        "settings": settings.model_dump(mode="json"),
    }


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
    tensors: dict[str, Tensor] = {}
    for name, values in training.weights.items():
        tensors[f"weights/{name}"] = values.detach()
        tensors[f"target/{name}"] = training.target[name]
        for moment in MOMENTS if training.rounds else ():
            tensors[f"{moment}/{name}"] = training.adam.state[values][moment]
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
    path = folder / CHECKPOINT
    if not path.exists():
        if settings is None:
            raise RunError(f"'{folder}' holds no trained agent (it has no {CHECKPOINT}); `harness train` makes one.")
        return begin(task, settings)
    what, curve, tensors = read(path)
    made_with = what.get("settings", {}) if settings is None else settings.model_dump(mode="json")
    try:
        found = Settings.model_validate(made_with)
    except ValueError as error:
        raise RunError(f"{path} cannot be read: its settings are not of this version of the harness.") from error
    require_same(path, what, about(spec, task, found))
    training = begin(task, found)
    training.curve = curve
    try:
        training.rounds = int(curve[-1]["round"]) if curve else 0
        _fill(training, tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{path} cannot be read ({error}); it was damaged after it was written.") from error
    return training


def _fill(training: Training, tensors: dict[str, Tensor]) -> None:
    steps = torch.tensor(float(training.rounds * training.settings.updates))
    with torch.no_grad():
        for name, values in training.weights.items():
            values.copy_(tensors[f"weights/{name}"])
            training.target[name].copy_(tensors[f"target/{name}"])
            if training.rounds:
                moments = {moment: tensors[f"{moment}/{name}"] for moment in MOMENTS}
                training.adam.state[values] = {"step": steps.clone(), **moments}
    if training.rounds < training.settings.rounds:
        replay = training.replay
        for name in KEPT:
            getattr(replay, name)[: training.rounds] = tensors[f"replay/{name}"].numpy()
        replay.added = training.rounds
