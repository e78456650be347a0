"""A run that learns a tabular policy from logged transitions, or as a contextual bandit, and values it exactly.

manifest.json   what it was told, from which data (SHA-256), versions; names the algorithm
policy.npz      the policy and its action-values, see `harness.agents.tabular_policy`
summary.json    the exact value beside those of the reference policies; its presence means that the run has finished
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.agents import tabular_policy
from harness.agents.bandits import contextual
from harness.agents.offline.learners import learner, within_legal
from harness.core.environment import ReferenceKind
from harness.core.run import MANIFEST, SUMMARY, TRAINING, RunFolder
from harness.envs import registry as envs
from harness.envs.ids import short_name
from harness.evaluation import datasets
from harness.evaluation.manifest import made_by
from harness.evaluation.references import reference_values
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import Evaluation, evaluate
from harness.mdp.tabular import FloatArray

PACKAGES = ("numpy", "scipy")


@dataclass(frozen=True)
class Learned:
    """A learned policy and what it is worth.

    Attributes
    ----------
    run_dir : str
    env : str
    options : dict of str to str
        Of the environment, those that are not its defaults.
    algorithm : str
    settings : dict
    episodes : int
        Learned from.
    transitions : int or None
        Learned from, where they were logged.
    value_name : str
        What a value is, e.g. survival.
    value : float
        Exact.
    length : float
        Exact mean number of decisions.
    references : dict of str to float
        Exact values of the reference policies.
    reference_kind : ReferenceKind
        What 'optimal' among them is.
    """

    run_dir: str
    env: str
    options: dict[str, str]
    algorithm: str
    settings: dict[str, Any]
    episodes: int
    transitions: int | None
    value_name: str
    value: float
    length: float
    references: dict[str, float]
    reference_kind: ReferenceKind


def train(path: Path, name: str, settings: BaseModel, out: Path, env_id: str | None = None) -> Learned:
    """Learn from a file of logged transitions.

    Parameters
    ----------
    path : Path
    name : str
        Of the learner.
    settings : BaseModel
        The learner's.
    out : Path
        Folder for the run's folder.
    env_id : str, optional
        The environment that the data must be of.

    Raises
    ------
    UsageError
        As `datasets.read`, or if there is no such learner, or the learned policy never ends (γ = 1).
    RunError
        If the data cannot be read or the run cannot be written.
    """
    found = learner(name)
    env, about, data = datasets.read(path, env_id)
    policy, q = found.learn(data, settings)
    return keep(
        env,
        name,
        settings,
        within_legal(policy, env.mdp.legal),
        q,
        out=out,
        episodes=data.n_episodes,
        transitions=len(data),
        more={"data": source(path, about)},
    )


def train_bandit(
    env_id: str,
    name: str,
    settings: contextual.Settings,
    out: Path,
    watch: Callable[[int], None] = lambda done: None,
    options: Mapping[str, str] | None = None,
) -> Learned:
    """Let a contextual bandit learn on simulated patients; `options` are the environment's.

    Raises
    ------
    UsageError
        If the environment is not tabular, the seed is no training seed, or the learned policy never ends (γ = 1).
    RunError
        If the run cannot be written.
    """
    env = envs.make_tabular(env_id, **(options or {}))
    policy, mean = contextual.learn(env, settings, watch)
    return keep(env, name, settings, policy, mean, out=out, episodes=settings.episodes)


def keep(
    env: TabularEnvironment[Any, Any],
    name: str,
    settings: BaseModel,
    policy: FloatArray,
    q: FloatArray | None,
    *,
    out: Path,
    episodes: int,
    transitions: int | None = None,
    more: dict[str, Any] | None = None,
) -> Learned:
    """Value a policy exactly and write the folder of its training.

    Raises
    ------
    InvalidPolicy
        If it never ends (γ = 1).
    RunError
        If the folder cannot be written.
    """
    told = settings.model_dump(mode="json")
    what = tabular_policy.about(
        env.spec,
        name,
        options=dict(env.options),
        settings=told,
        episodes=episodes,
        transitions=transitions,
        **(more or {}),
    )
    worth = evaluate(env.mdp, policy)
    with RunFolder.create(out, f"{short_name(env.spec.id)}-{name}".replace("/", "-")) as folder:
        folder.write_json(MANIFEST, {"kind": TRAINING, **what, **made_by(PACKAGES)})
        tabular_policy.save(folder.path, about=what, policy=policy, q=q)
        folder.write_json(SUMMARY, summary(env, worth))
        return learned(folder, env, name, told, worth, episodes, transitions)


def learned(
    folder: RunFolder,
    env: TabularEnvironment[Any, Any],
    name: str,
    told: dict[str, Any],
    worth: Evaluation,
    episodes: int,
    transitions: int | None,
) -> Learned:
    """What a learned policy is worth, beside the reference policies."""
    return Learned(
        run_dir=str(folder.path),
        env=env.spec.id,
        options=dict(env.options),
        algorithm=name,
        settings=told,
        episodes=episodes,
        transitions=transitions,
        value_name=env.spec.value_name,
        value=worth.J,
        length=worth.length,
        references={name: reference.value for name, reference in reference_values(env).items()},
        reference_kind=env.reference_kind,
    )


def summary(env: TabularEnvironment[Any, Any], worth: Evaluation) -> dict[str, Any]:
    """What `summary.json` says of a learned policy."""
    return {"env": env.spec.id, "value": worth.J, "length": worth.length, "exact": True}


def source(path: Path, about: datasets.About | None) -> dict[str, Any]:
    """What a manifest says of the data."""
    return {
        "file": path.name,
        "sha256": datasets.sha256_of(path),
        "about": None if about is None else about.model_dump(),
    }
