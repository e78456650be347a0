"""Policy tables by name: of an agent, of a training's folder, or of a run that asked states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.agents import registry as agents
from harness.agents.tabular_policy import home
from harness.agents.trained import is_folder
from harness.core.agent import HasTable
from harness.core.errors import RunError, UsageError
from harness.core.run import DECISIONS, EVALUATION, MANIFEST, kind_of, read_manifest
from harness.evaluation.config import Method
from harness.evaluation.manifest import decider, opened, part_of, require_environment
from harness.evaluation.state_decision import read_decisions
from harness.evaluation.tabular import bounds_from
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
        If the folder is of another environment or of other options, is a rollout, or holds no decisions.
    """
    if who not in agents.AGENTS.entries() and is_folder(who):
        _require_policy(Path(who))
        if (Path(who) / DECISIONS).is_file():
            return _of_run(Path(who), env, dict(options or {}))
    agent = agents.make(who, env)
    if not isinstance(agent, HasTable):
        raise UsageError(
            f"The agent '{who}' has no policy table; name one that has (random, expert, optimal, a tabular training's "
            "folder), or the folder of its run by `harness eval --method exact`."
        )
    return NamedPolicy(agent.id, check_policy(env.mdp, agent.policy(env.mdp)))


def named_policies(
    those: Sequence[str], env: TabularEnvironment[Any, Any], options: Mapping[str, str] | None = None
) -> list[NamedPolicy]:
    """Several of them; of those that have one name, each that is of a folder is told by the folder too.

    Raises
    ------
    UsageError, RunError
        As `named_policy`.
    """
    found = [named_policy(who, env, options) for who in those]
    times = Counter(policy.name for policy in found)
    return [
        replace(policy, name=f"{policy.name} ({home(Path(who))[0].resolve().name})")
        if times[policy.name] > 1 and who not in agents.AGENTS.entries()
        else policy
        for policy, who in zip(found, those, strict=True)
    ]


def _require_policy(path: Path) -> None:
    """Refuse a run that played episodes: it says what was done in the states that were met, and in no other."""
    if not (path / MANIFEST).is_file() or kind_of(path) != EVALUATION:
        return
    if part_of(read_manifest(path), ("config", "method")) == Method.ROLLOUT:
        raise RunError(
            f"The run {path} is by rollout, which tells no policy for every state; expected a run by exact or certify: "
            "harness eval --method exact."
        )


def _of_run(path: Path, env: TabularEnvironment[Any, Any], options: dict[str, str]) -> NamedPolicy:
    manifest, config = opened(path)
    require_environment(path, manifest, env)
    if config.env_options != options:
        said = ", ".join(f"{name}={value}" for name, value in config.env_options.items()) or "no options"
        raise RunError(f"The run {path} was made with {said} of {env.spec.id}; give the same here.")
    bounds = bounds_from(env, read_decisions(path))
    table = completion(env.mdp, bounds)
    occupancy = evaluate(env.mdp, table).occupancy
    unknown = np.where(bounds.asked, bounds.unseen, 1.0)
    share = float(occupancy @ unknown / occupancy.sum())
    caveat = f"{100 * share:.1f} % of its decisions are not known and taken to be optimal" if share > 0 else ""
    return NamedPolicy(decider(manifest, config), table, caveat)
