"""A run that trains a Q-network; its folder is that of `harness.training.reinforce`, the curve's rows are rounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.agents.rl.dqn import Settings, Training, advance
from harness.agents.rl.dqn_checkpoint import ALGORITHM, about, restore, save
from harness.agents.rl.dqn_tasks import task_of
from harness.core.run import RunFolder
from harness.core.seeds import check_training_seeds
from harness.envs import registry as envs
from harness.training.curves import CURVE
from harness.training.reinforce import Trained, finish, new_folder, told

CHECKPOINT_EVERY = 20
"""Rounds after which a training is saved, some ten seconds."""

Watch = Callable[[Training], None]


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
    what = about(env.spec, task_of(env), settings)
    check_training_seeds([settings.seed])
    return new_folder(out, what)


def carry_out(folder: RunFolder, watch: Watch) -> Trained[Settings]:
    """Train to the last round, going on from what the run's folder holds.

    Raises
    ------
    RunError
        If the folder is of another kind of run, or its checkpoint does not belong to it or is damaged.
    """
    env_id, settings = told(folder, ALGORITHM, Settings)
    env = envs.make(env_id)
    task = task_of(env)
    what = about(env.spec, task, settings)
    training = restore(folder.path, env.spec, task, settings)

    def after(training: Training) -> None:
        if training.rounds % CHECKPOINT_EVERY == 0 or training.rounds == settings.rounds:
            save(training, what, folder.path)
            folder.write_json(CURVE, {"rounds": training.curve})
        watch(training)

    advance(training, task, after)
    finish(folder, env_id, training.curve)
    return Trained(str(folder.path), env_id, settings, training.curve)
