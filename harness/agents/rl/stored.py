"""How trainings are kept: one file of safetensors, so that arrays and what is said of them always belong together.

The format holds arrays and text and nothing that is run. A file is replaced as a whole.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from harness.core.errors import RunError

CHECKPOINT = "checkpoint.safetensors"

TRAINING = "training"
"""The file's one entry of text."""

Curve = list[dict[str, Any]]


def digest(columns: Any) -> str:
    """What tells plain data from other data."""
    return sha256(json.dumps(columns).encode()).hexdigest()


def write(folder: Path, tensors: dict[str, Tensor], what: dict[str, Any], curve: Curve) -> None:
    """Replace what a folder holds by this.

    Raises
    ------
    RunError
        If it cannot be written; what was saved before is kept.
    """
    target = folder / CHECKPOINT
    partial = target.with_suffix(".partial")
    try:
        # one entry: of several the format keeps no order, and the same training would not be the same file
        save_file(tensors, partial, {TRAINING: json.dumps({"about": what, "curve": curve})})
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        raise RunError(f"Cannot write {target}: {error}. What was saved before is kept.") from error


def read(path: Path) -> tuple[dict[str, Any], Curve, dict[str, Tensor]]:
    """What a training is, its curve, and its arrays.

    Raises
    ------
    RunError
        If the file is no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            words = json.loads((file.metadata() or {})[TRAINING])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return dict(words["about"]), list(words["curve"]), tensors
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} cannot be read ({error}); it is no checkpoint of a training, or damaged.") from error


def require_same(path: Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """See that a checkpoint is of the training expected.

    Raises
    ------
    RunError
        If it is of another algorithm, version, environment or settings, or of other features or actions.
    """
    kinds = [f"{of.get('algorithm')} version {of.get('checkpoint_version')}" for of in (found, expected)]
    if kinds[0] != kinds[1]:
        raise RunError(
            f"The checkpoint {path} is of {kinds[0]}; expected {kinds[1]}. Train anew, or use the harness that made it."
        )
    tasks = [f"{of.get('env')} v{of.get('env_version')}" for of in (found, expected)]
    if tasks[0] != tasks[1]:
        raise RunError(
            f"The checkpoint {path} was trained in {tasks[0]}, and this is {tasks[1]}; train an agent for it."
        )
    if found.get("columns_sha256") != expected["columns_sha256"]:
        raise RunError(
            f"The checkpoint {path} was trained with other actions or features than {tasks[1]} has now; train anew."
        )
    if found.get("settings") != expected["settings"]:
        raise RunError(f"The checkpoint {path} was made with other settings; give those, or another folder.")
