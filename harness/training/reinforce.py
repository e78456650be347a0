"""A run that trains a policy by REINFORCE, and what runs of other algorithms share with it.

manifest.json             what it was told, versions; names the algorithm
checkpoint.safetensors    weights and everything that the next update depends on
curve.json                a row for every update, and the held-out returns where they were looked at
summary.json              the last look; its presence means that the run has finished
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from harness.agents.rl.checkpoint import ALGORITHM, about, restore, save
from harness.agents.rl.reinforce import Row, Settings, Training, advance
from harness.agents.rl.tasks import views_of
from harness.core.errors import RunError
from harness.core.run import MANIFEST, SUMMARY, TRAINING, RunFolder, read_manifest
from harness.core.seeds import check_training_seeds
from harness.envs import registry as envs
from harness.envs.ids import short_name
from harness.evaluation.intervals import of_returns
from harness.evaluation.manifest import made_by
from harness.training.curves import CURVE

CHECKPOINT_EVERY = 10
"""Updates after which a training is saved, some seconds."""

PACKAGES = ("numpy", "safetensors", "torch")

Watch = Callable[[Training], None]

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class Trained(Generic[S]):
    """A finished training, with its algorithm's settings."""

    run_dir: str
    env: str
    settings: S
    curve: list[Row]


def start(out: Path, env_id: str, settings: Settings) -> RunFolder:
    """A new run folder with its manifest.

    Raises
    ------
    UsageError
        If there is no such environment, nothing can be learned in it, or the seed is no training seed.
    RunError
        If it cannot be written.
    """
    env = envs.make(env_id)
    what = about(env.spec, views_of(env), settings)
    check_training_seeds([settings.seed])
    return new_folder(out, what)


def new_folder(out: Path, what: dict[str, Any]) -> RunFolder:
    """A new run folder with the manifest of a training.

    Parameters
    ----------
    what : dict
        What the training is; names its environment (`env`) and its `algorithm`.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    folder = RunFolder.create(out, f"{short_name(what['env'])}-{what['algorithm']}".replace("/", "-"))
    folder.write_json(MANIFEST, {"kind": TRAINING, **what, **made_by(PACKAGES)})
    return folder


def told(folder: RunFolder, algorithm: str, kind: type[S]) -> tuple[str, S]:
    """The environment and the settings that a run was told.

    Raises
    ------
    RunError
        If the folder is of another kind of run, or of another algorithm.
    """
    manifest = read_manifest(folder.path, TRAINING)
    try:
        if manifest["algorithm"] != algorithm:
            raise KeyError(algorithm)
        return str(manifest["env"]), kind.model_validate(manifest["settings"])
    except (KeyError, ValidationError) as error:
        raise RunError(f"The run {folder.path} is no run of `harness train {algorithm}`.") from error


def finish(folder: RunFolder, env_id: str, curve: list[Row]) -> None:
    """Write the summary: the last look at held-out patients."""
    held_out = asdict(of_returns(curve[-1]["held_out_returns"]))
    folder.write_json(SUMMARY, {"env": env_id, "episodes": curve[-1]["episodes"], "held_out_return": held_out})


def carry_out(folder: RunFolder, watch: Watch) -> Trained[Settings]:
    """Train to the last update, going on from what the run's folder holds.

    Raises
    ------
    RunError
        If the folder is of another kind of run, or its checkpoint does not belong to it or is damaged.
    """
    env_id, settings = told(folder, ALGORITHM, Settings)
    batch = [envs.make(env_id) for _ in range(settings.batch)]
    spec, views = batch[0].spec, views_of(batch[0])
    what = about(spec, views, settings)
    training = restore(folder.path, spec, views, settings)

    def after(training: Training) -> None:
        if training.updates % CHECKPOINT_EVERY == 0 or training.updates == settings.updates:
            save(training, what, folder.path)
            folder.write_json(CURVE, {"updates": training.curve})
        watch(training)

    advance(training, batch, views, after)
    finish(folder, env_id, training.curve)
    return Trained(str(folder.path), env_id, settings, training.curve)
