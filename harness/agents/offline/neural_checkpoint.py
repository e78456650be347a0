"""A training of a neural offline learner on disk: weights, target network, Adam, and what the looks saw."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch

from harness.agents.offline.neural import Training, begin, curve
from harness.agents.offline.neural_settings import NEURAL, Settings
from harness.agents.rl import stored
from harness.agents.rl.stored import fitting, learn, learnt, load, write
from harness.core.environment import EnvSpec
from harness.mdp.dataset import Dataset

CHECKPOINT_VERSION = 1
"""Rises when files mean something else, or the same seed would give another training."""


def about(spec: EnvSpec, data: Dataset, settings: Settings) -> dict[str, Any]:
    """What a training is, as plain data."""
    (algorithm,) = (name for name, kind in NEURAL.items() if type(settings) is kind)
    return stored.about(algorithm, CHECKPOINT_VERSION, spec, [data.n_states, data.n_actions], settings)


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
    tensors = learnt(training.weights, training.adam, training.steps)
    tensors |= {f"target/{name}": values for name, values in training.target.items()}
    tensors |= {"steps": torch.tensor(training.steps), "loss": training.loss}
    if training.outputs:
        tensors["outputs"] = torch.stack([torch.from_numpy(seen) for seen in training.outputs])
    write(folder, tensors, what, curve(training))


def restore(folder: Path, spec: EnvSpec, data: Dataset, settings: Settings) -> Training:
    """The training that `folder` holds as it was last saved; a new one if it holds none.

    Raises
    ------
    RunError
        If it is of another environment, version or settings, or damaged.
    """
    _, rows, tensors = load(folder, settings, type(settings), partial(about, spec, data))
    training = begin(data, settings)
    if tensors is not None:
        with fitting(folder):
            training.steps, training.loss = int(tensors["steps"]), tensors["loss"]
            training.losses = [float(row["loss"]) for row in rows]
            training.outputs = [seen.numpy() for seen in tensors["outputs"]] if rows else []
            learn(training.weights, training.adam, training.steps, tensors)
            with torch.no_grad():
                for name, values in training.target.items():
                    values.copy_(tensors[f"target/{name}"])
    return training
