"""A training on disk: one file with weights, the state of Adam and the curve, so that they always belong together.

The file is in safetensors' format, which holds arrays and text and nothing that is run. It is replaced as a whole.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from harness.agents.rl.network import Weights
from harness.agents.rl.reinforce import Settings, Training, begin
from harness.agents.rl.views import Views
from harness.core.environment import EnvSpec
from harness.core.errors import RunError

CHECKPOINT_VERSION = 1
"""Rises when files mean something else, or the same seed would give another training."""

ALGORITHM = "reinforce"
CHECKPOINT = "checkpoint.safetensors"

TRAINING = "training"
"""The file's one entry of text."""

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Names that torch gives to Adam's running means."""


def about(spec: EnvSpec, views: Views, settings: Settings) -> dict[str, Any]:
    """What a training is, as plain data."""
    return {
        "checkpoint_version": CHECKPOINT_VERSION,
        "algorithm": ALGORITHM,
        "env": spec.id,
        "env_version": spec.version,
        "columns_sha256": sha256(json.dumps(views.columns).encode()).hexdigest(),
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
    target = folder / CHECKPOINT
    partial = target.with_suffix(".partial")
    try:
        # one entry: of several the format keeps no order, and the same training would not be the same file
        save_file(tensors, partial, {TRAINING: json.dumps({"about": what, "curve": training.curve})})
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        raise RunError(f"Cannot write {target}: {error}. What was saved before is kept.") from error


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
    what, curve, tensors = _read(path)
    made_with = what.get("settings", {}) if settings is None else settings.model_dump(mode="json")
    try:
        found = Settings.model_validate(made_with)
    except ValueError as error:
        raise RunError(f"{path} cannot be read: its settings are not of this version of the harness.") from error
    _require_same(path, what, about(spec, views, found))
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


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, float]], Weights]:
    try:
        with safe_open(path, framework="pt") as file:
            words = json.loads((file.metadata() or {})[TRAINING])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return dict(words["about"]), list(words["curve"]), tensors
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} cannot be read ({error}); it is no checkpoint of a training, or damaged.") from error


def _require_same(path: Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    if found.get("checkpoint_version") != CHECKPOINT_VERSION or found.get("algorithm") != ALGORITHM:
        raise RunError(
            f"The checkpoint {path} is of {found.get('algorithm')} version {found.get('checkpoint_version')}; expected "
            f"{ALGORITHM} version {CHECKPOINT_VERSION}. Train anew, or use the harness that made it."
        )
    tasks = [f"{of.get('env')} v{of.get('env_version')}" for of in (found, expected)]
    if tasks[0] != tasks[1]:
        raise RunError(
            f"The checkpoint {path} was trained in {tasks[0]}, and this is {tasks[1]}; train an agent for it."
        )
    if found.get("columns_sha256") != expected["columns_sha256"]:
        raise RunError(
            f"The checkpoint {path} was trained with other drugs or features than {tasks[1]} has now; train anew."
        )
    if found.get("settings") != expected["settings"]:
        raise RunError(f"The checkpoint {path} was made with other settings; give those, or another folder.")
