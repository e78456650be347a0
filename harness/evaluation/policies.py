"""Policy tables by name: of an agent, of a training's folder, or of a run that asked states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.agents import registry as agents
from harness.agents.tabular_policy import home
from harness.agents.trained import is_folder
from harness.core.agent import HasTable
from harness.core.errors import RunError, UsageError
from harness.core.run import DECISIONS
from harness.evaluation.manifest import opened, require_environment
from harness.evaluation.tabular import recorded_bounds
from harness.mdp.certify import completion
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import check_policy
from harness.mdp.tabular import FloatArray


@dataclass(frozen=True, eq=False)
class NamedPolicy:
    """A policy table (S, A) with its name; `caveat` is what is to be minded of it, or empty."""

    name: str
    table: FloatArray
    caveat: str = ""


def named_policy(who: str, env: TabularEnvironment[Any, Any], options: Mapping[str, str] | None = None) -> NamedPolicy:
    """The policy of an agent's id, of a training's folder, or of the folder of a run by exact or certify.

    States that a run did not ask are decided optimally, and the caveat says how often that is. `options` are those that
    the environment was made with, if any.

    Raises
    ------
    UsageError
        If there is no such agent, or it has no policy table.
    RunError
        If the folder is of another environment or of other options, or holds no decisions.
    """
    if who not in agents.AGENTS.entries() and is_folder(who) and (Path(who) / DECISIONS).is_file():
        return _of_run(Path(who), env, dict(options or {}))
    agent = agents.make(who, env)
    if not isinstance(agent, HasTable):
        raise UsageError(
            f"The agent '{who}' has no policy table; name one that has (random, expert, optimal, a tabular training's "
            "folder), or the folder of its run by `harness eval --method exact`."
        )
    return NamedPolicy(_named(who), check_policy(env.mdp, agent.policy(env.mdp)))


def _named(who: str) -> str:
    """An agent's id, or a training's folder without where it is, and its seed where one was named."""
    if who in agents.AGENTS.entries() or not is_folder(who):
        return who
    training, seed = home(Path(who))
    return training.resolve().name if seed is None else f"{training.resolve().name} seed {seed}"


def _of_run(path: Path, env: TabularEnvironment[Any, Any], options: dict[str, str]) -> NamedPolicy:
    manifest, config = opened(path)
    require_environment(path, manifest, env)
    if config.env_options != options:
        said = ", ".join(f"{name}={value}" for name, value in config.env_options.items()) or "no options"
        raise RunError(f"The run {path} was made with {said} of {env.spec.id}; give the same here.")
    bounds = recorded_bounds(path, env)
    table = completion(env.mdp, bounds)
    occupancy = evaluate(env.mdp, table).occupancy
    unknown = np.where(bounds.asked, bounds.unseen, 1.0)
    share = float(occupancy @ unknown / occupancy.sum())
    caveat = f"{100 * share:.1f} % of its decisions are not known and taken to be optimal" if share > 0 else ""
    who = config.agent or f"{config.model or config.model_id} {config.prompt}"
    return NamedPolicy(who, table, caveat)
