"""How trainings are kept: one file of safetensors, so that arrays and what is said of them always belong together.

The format holds arrays and text and nothing that is run. A file is replaced as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from harness.agents.rl.layers import Weights
from harness.core.environment import EnvSpec
from harness.core.errors import RunError
from harness.core.files import whole

CHECKPOINT = "checkpoint.safetensors"

TRAINING = "training"
"""The file's one entry of text."""

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Names that torch gives to Adam's running means."""

Curve = list[dict[str, Any]]

Tensors = dict[str, Tensor]

S = TypeVar("S", bound=BaseModel)


def about(algorithm: str, version: int, spec: EnvSpec, columns: Any, settings: BaseModel) -> dict[str, Any]:
    """What a training is, as plain data."""
    return {
        "checkpoint_version": version,
        "algorithm": algorithm,
        "env": spec.id,
        "env_version": spec.version,
        "columns_sha256": digest(columns),
        "settings": settings.model_dump(mode="json"),
    }


def digest(columns: Any) -> str:
    """What tells plain data from other data."""
    return sha256(json.dumps(columns).encode()).hexdigest()


def identity(folder: Path, algorithm: str, **done: int) -> dict[str, Any]:
    """Which training an agent comes from, for manifests."""
    return {
        "algorithm": algorithm,
        **done,
        "checkpoint_sha256": sha256((folder / CHECKPOINT).read_bytes()).hexdigest(),
    }


def learnt(weights: Weights, adam: torch.optim.Adam, steps: int) -> Tensors:
    """What is saved of weights after some steps of Adam: them, and its running means."""
    tensors = {f"weights/{name}": values.detach() for name, values in weights.items()}
    for moment in MOMENTS if steps else ():
        tensors |= {f"{moment}/{name}": adam.state[values][moment] for name, values in weights.items()}
    return tensors


def learn(weights: Weights, adam: torch.optim.Adam, steps: int, tensors: Tensors) -> None:
    """Put weights and Adam in the state that is `learnt`."""
    with torch.no_grad():
        for name, values in weights.items():
            values.copy_(tensors[f"weights/{name}"])
            if steps:
                moments = {moment: tensors[f"{moment}/{name}"] for moment in MOMENTS}
                adam.state[values] = {"step": torch.tensor(float(steps)), **moments}


def write(folder: Path, tensors: Tensors, what: dict[str, Any], curve: Curve) -> None:
    """Replace what a folder holds by this.

    Raises
    ------
    RunError
        If it cannot be written; what was saved before is kept.
    """
    target = folder / CHECKPOINT
    try:
        with whole(target) as partial:
            # one entry: of several the format keeps no order, and the same training would not be the same file
            save_file(tensors, partial, {TRAINING: json.dumps({"about": what, "curve": curve})})
    except SafetensorError as error:
        raise RunError(f"Cannot write {target}: {error}. What was saved before is kept.") from error


def load(
    folder: Path, settings: S | None, kind: type[S], expected: Callable[[S], dict[str, Any]]
) -> tuple[S, Curve, Tensors | None]:
    """Settings, curve and arrays of the training that `folder` holds; None for the arrays if it holds none yet.

    Parameters
    ----------
    settings : BaseModel, optional
        Those that it must have been made with; if not given, those that it says.
    kind : type
        The algorithm's settings.
    expected : function of settings
        `about` the training.

    Raises
    ------
    RunError
        If there is none and no settings, or it is of another environment, version or settings, or damaged.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        if settings is None:
            raise RunError(f"'{folder}' holds no trained agent (it has no {CHECKPOINT}); `harness train` makes one.")
        return settings, [], None
    what, curve, tensors = read(path)
    try:
        found = kind.model_validate(what.get("settings", {})) if settings is None else settings
    except ValueError as error:
        raise RunError(f"{path} cannot be read: its settings are not of this version of the harness.") from error
    require_same(path, what, expected(found))
    return found, curve, tensors


@contextmanager
def fitting(folder: Path) -> Iterator[None]:
    """See that what was read fits where it is put.

    Raises
    ------
    RunError
        If something is missing, or of another shape.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        path = folder / CHECKPOINT
        raise RunError(f"{path} cannot be read ({error}); it was damaged after it was written.") from error


def read(path: Path) -> tuple[dict[str, Any], Curve, Tensors]:
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
