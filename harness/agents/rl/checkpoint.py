"""A training by REINFORCE on disk: weights, the state of Adam and the curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.agents.rl.network import Weights
from harness.agents.rl.reinforce import Settings, Training, begin
from harness.agents.rl.stored import CHECKPOINT, digest, read, require_same, write
from harness.agents.rl.views import Views
from harness.core.environment import EnvSpec
from harness.core.errors import RunError

CHECKPOINT_VERSION = 1
"""Rises when files mean something else, or the same seed would give another training."""

ALGORITHM = "reinforce"

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Names that torch gives to Adam's running means."""


def about(spec: EnvSpec, views: Views, settings: Settings) -> dict[str, Any]:
    """What a training is, as plain data."""
    return {
        "checkpoint_version": CHECKPOINT_VERSION,
        "algorithm": ALGORITHM,
        "env": spec.id,
        "env_version": spec.version,
        "columns_sha256": digest(views.columns),
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
        for moment in MOMENTS if training.updates else ():
            tensors[f"{moment}/{name}"] = training.adam.state[values][moment]
    write(folder, tensors, what, training.curve)


def restore(folder: Path, spec: EnvSpec, views: Views, settings: Settings | None = None) -> Training:
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
        return begin(views, settings)
    what, curve, tensors = read(path)
    made_with = what.get("settings", {}) if settings is None else settings.model_dump(mode="json")
    try:
        found = Settings.model_validate(made_with)
    except ValueError as error:
        raise RunError(f"{path} cannot be read: its settings are not of this version of the harness.") from error
    require_same(path, what, about(spec, views, found))
    training = begin(views, found)
    training.curve = curve
    try:
        training.updates = int(curve[-1]["update"]) if curve else 0
        _fill(training, tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{path} cannot be read ({error}); it was damaged after it was written.") from error
    return training


def _fill(training: Training, tensors: Weights) -> None:
    with torch.no_grad():
        for name, values in training.weights.items():
            values.copy_(tensors[f"weights/{name}"])
            if training.updates:
                moments = {moment: tensors[f"{moment}/{name}"] for moment in MOMENTS}
                training.adam.state[values] = {"step": torch.tensor(float(training.updates)), **moments}
