"""A run that learns by a network from logged transitions.

manifest.json             what it was told, from which data (SHA-256), versions; names the algorithm
checkpoint.safetensors    the network and everything that the next step depends on
policy.npz                its policy and outputs in every state, see `harness.agents.tabular_policy`
curve.json                exact value and length at every look
summary.json              the exact value at the end; its presence means that the run has finished

The agent in the folder is the table, which is what the network does: nothing is lost by it, and torch is not needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.agents import tabular_policy
from harness.agents.offline.neural import Training, advance, curve, policy
from harness.agents.offline.neural_checkpoint import about, restore, save
from harness.agents.offline.neural_settings import NEURAL, Settings
from harness.core.errors import InvalidPolicy, RunError
from harness.core.run import MANIFEST, SUMMARY, TRAINING, RunFolder, read_manifest
from harness.core.seeds import check_training_seeds
from harness.envs.ids import short_name
from harness.evaluation import datasets
from harness.evaluation.manifest import made_by
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.tabular import BoolArray
from harness.training.curves import CURVE
from harness.training.reinforce import PACKAGES
from harness.training.tables import Learned, learned, source, summary

SAVED_EVERY = 30.0
"""Seconds of work after which a training is saved."""


@dataclass(frozen=True)
class Trained:
    """A finished run: what was learned, and a row for every look.

    Attributes
    ----------
    learned : Learned
    curve : list of dict
        `steps`, mean `loss` since the look before, exact `value` and `length`; the last two None where the policy
        never ended.
    """

    learned: Learned
    curve: list[dict[str, Any]]


def start(path: Path, name: str, settings: Settings, out: Path, env_id: str | None = None) -> RunFolder:
    """A new run folder with its manifest.

    Raises
    ------
    UsageError
        As `datasets.read`, or if the seed is no training seed.
    RunError
        If the data cannot be read or the run cannot be written.
    """
    check_training_seeds([settings.seed])
    env, said, data = datasets.read(path, env_id)
    what = tabular_policy.about(
        env.spec,
        name,
        options={} if said is None else said.options,
        settings=settings.model_dump(mode="json"),
        seeds=[settings.seed],
        episodes=data.n_episodes,
        transitions=len(data),
        data=source(path, said) | {"path": str(path.resolve())},
    )
    folder = RunFolder.create(out, f"{short_name(env.spec.id)}-{name}".replace("/", "-"))
    folder.write_json(MANIFEST, {"kind": TRAINING, **what, **made_by(PACKAGES)})
    return folder


def told(folder: Path) -> tuple[dict[str, Any], Settings]:
    """The manifest and the settings of a run.

    Raises
    ------
    RunError
        If it is of another kind.
    """
    manifest = read_manifest(folder, TRAINING)
    try:
        return manifest, NEURAL[manifest["algorithm"]].model_validate(manifest["settings"])
    except (KeyError, TypeError, ValidationError) as error:
        raise RunError(f"The run {folder} is no training of a neural offline learner.") from error


def carry_out(folder: RunFolder, watch: Callable[[Training], None], path: Path | None = None) -> Trained:
    """Train to the last step, going on from what the run's folder holds.

    Parameters
    ----------
    path : Path, optional
        Where the data are now, if not where they were.

    Raises
    ------
    RunError
        If the folder is of another kind of run, its checkpoint does not belong to it or is damaged, or the data are not
        those it began with.
    InvalidPolicy
        If the policy learned never ends (γ = 1).
    """
    manifest, settings = told(folder.path)
    found = Path(manifest["data"]["path"]) if path is None else path
    env, said, data = datasets.read(found, manifest["env"])
    if source(found, said)["sha256"] != manifest["data"]["sha256"]:
        raise RunError(f"{found} is not what the run {folder.path} began to learn from; name that file with --data.")
    what = about(env.spec, data, settings)
    training = restore(folder.path, env.spec, data, settings)
    saved = time.monotonic()

    def after(training: Training) -> None:
        nonlocal saved
        if time.monotonic() - saved >= SAVED_EVERY or training.steps == settings.steps:
            save(training, what, folder.path)
            saved = time.monotonic()
        watch(training)

    advance(training, after)
    rows = looked_at(training, env)
    table = policy(settings, training.outputs[-1], allowed(env))
    worth = evaluate(env.mdp, table)
    kept = {name: manifest[name] for name in (*tabular_policy.REQUIRED, "options", "settings", "seeds")}
    tabular_policy.save(folder.path, about=kept, policy=table, q=training.outputs[-1])
    folder.write_json(CURVE, {"looks": rows})
    folder.write_json(SUMMARY, summary(env, worth))
    name, episodes = manifest["algorithm"], data.n_episodes
    return Trained(learned(folder, env, name, manifest["settings"], worth, episodes, len(data)), rows)


def allowed(env: TabularEnvironment[Any, Any]) -> BoolArray:
    """The actions that a network may take, shape (S, A): admissible ones, as in CQL-sepsis."""
    return env.mdp.admissible & env.mdp.legal


def looked_at(training: Training, env: TabularEnvironment[Any, Any]) -> list[dict[str, Any]]:
    """A row for every look so far, see `Trained`."""
    rows = []
    for row, outputs in zip(curve(training), training.outputs, strict=True):
        try:
            worth = evaluate(env.mdp, policy(training.settings, outputs, allowed(env)))
        except InvalidPolicy:
            rows.append({**row, "value": None, "length": None})
            continue
        rows.append({**row, "value": worth.J, "length": worth.length})
    return rows
