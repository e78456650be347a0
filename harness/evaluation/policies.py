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
from harness.evaluation.summary import summary_of
from harness.evaluation.tabular import recorded_bounds
from harness.mdp.certify import completion
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate, values
from harness.mdp.policy import check_policy
from harness.mdp.tabular import FloatArray


@dataclass(frozen=True, eq=False)
class NamedPolicy:
    """A policy table (S, A) with its name; `caveat` is what is to be minded of it, or empty.

    Of a run that did not ask all states, `table` decides the others optimally and `worst` as badly as can be, and
    `bounds` are the certain bounds of the run's value: those of the two tables, but for labels that were not listed.
    """

    name: str
    table: FloatArray
    caveat: str = ""
    worst: FloatArray | None = None
    bounds: tuple[float, float] | None = None

    def completions(self) -> tuple[NamedPolicy, ...]:
        """Policies of which every decision is known: this one, or both ends of what it may be."""
        if self.worst is None:
            return (self,)
        said = "decisions that are not known are taken to be"
        return (
            NamedPolicy(f"{self.name}, at best", self.table, f"{said} optimal; {self.caveat}"),
            NamedPolicy(f"{self.name}, at worst", self.worst, f"{said} the worst; {self.caveat}"),
        )


def named_policy(who: str, env: TabularEnvironment[Any, Any], options: Mapping[str, str] | None = None) -> NamedPolicy:
    """The policy of an agent's id, of a training's folder, or of the folder of a run by exact or certify.

    Of a run that did not ask all states there are both ends of what its policy may be, and the caveat says how often it
    is not known what it decides. `options` are those that the environment was made with, if any.

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


def certain_bounds(env: TabularEnvironment[Any, Any], policies: Sequence[NamedPolicy]) -> list[tuple[float, float]]:
    """Certain bounds on what policies are worth; both are the exact value where every decision is known."""
    exact = values(env.mdp, [policy.table for policy in policies])
    return [policy.bounds or (float(value), float(value)) for policy, value in zip(policies, exact, strict=True)]


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
    bounds = recorded_bounds(path, env)
    best, worst = (completion(env.mdp, bounds, worst=end) for end in (False, True))
    who = decider(manifest, config)
    summary = summary_of(path)
    caveats = [*summary.caveats] if summary is not None else []
    if config.samples > 1:
        caveats.append(f"its probabilities are shares of {config.samples} replies in each state, an estimate")
    unknown = np.where(bounds.asked, bounds.unseen, 1.0)
    share = max(float(o @ unknown / o.sum()) for o in (evaluate(env.mdp, table).occupancy for table in (best, worst)))
    if share == 0:
        return NamedPolicy(who, best, "; ".join(caveats))
    caveats.append(f"up to {100 * share:.1f} % of its decisions are not known")
    known = np.array_equal(best, worst)
    return NamedPolicy(who, best, "; ".join(caveats), None if known else worst, (bounds.lower.J, bounds.upper.J))
