"""A training by REINFORCE on disk: weights, the state of Adam and the curve."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from harness.agents.rl import stored
from harness.agents.rl.reinforce import Settings, Training, begin
from harness.agents.rl.stored import fitting, learn, learnt, load, write
from harness.agents.rl.views import Views
from harness.core.environment import EnvSpec

CHECKPOINT_VERSION = 1
"""Rises when files mean something else, or the same seed would give another training."""

ALGORITHM = "reinforce"


def about(spec: EnvSpec, views: Views, settings: Settings) -> dict[str, Any]:
    """What a training is, as plain data."""
    return stored.about(ALGORITHM, CHECKPOINT_VERSION, spec, views.columns, settings)


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
    write(folder, learnt(training.weights, training.adam, training.updates), what, training.curve)


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
    found, curve, tensors = load(folder, settings, Settings, partial(about, spec, views))
    training = begin(views, found)
    if tensors is not None:
        with fitting(folder):
            training.curve, training.updates = curve, int(curve[-1]["update"]) if curve else 0
            learn(training.weights, training.adam, training.updates, tensors)
    return training
