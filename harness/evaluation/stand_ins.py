"""Who decides in a model's place while a run is planned: policies whose occupancy is known, or that can be played."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.agents import registry as agents
from harness.agents.reference import TableAgent
from harness.core.agent import Agent, Decision, Outcome
from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.evaluation import plan
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import Evaluation, evaluate
from harness.mdp.tabular import FloatArray


@dataclass(frozen=True, eq=False)
class StandIn:
    """A policy that stands in for the model's, and what is exactly known of it."""

    name: str
    env: TabularEnvironment[Any, Any]
    table: FloatArray

    @cached_property
    def value(self) -> Evaluation | None:
        """None where its episodes may not end, or have no mean length."""
        if self.env.mdp.discount == 1.0 and not self.env.mdp.always_ends:
            return None
        found = evaluate(self.env.mdp, self.table)
        return found if math.isfinite(found.length) else None

    @cached_property
    def meets(self) -> FloatArray | None:
        """How likely an episode meets each state, shape (S,); None where that is not worked out."""
        return None if self.value is None else plan.met(self.env, self.table)

    @cached_property
    def loss_deviation(self) -> float:
        """Standard deviation of an episode's summed regrets."""
        return plan.loss_deviation(self.env, self.table)

    @property
    def agent(self) -> TableAgent:
        """The same as an agent."""
        return TableAgent(self.name, self.env, self.table)


def stand_ins(env: Environment[Any, Any]) -> list[StandIn]:
    """Those of a tabular environment; none for another."""
    if not isinstance(env, TabularEnvironment):
        return []
    return [StandIn(name, env, table) for name, table in plan.policies(env).items()]


def players(env: Environment[Any, Any]) -> Iterator[tuple[str, Agent]]:
    """Who plays where there are no tables: reference agents that know the environment, and its fallback."""
    for name in ("expert", "random"):
        try:
            yield f"the agent '{name}'", agents.make(name, env)
        except UsageError:
            continue
    yield "the environment's fallback, always", _Fallback()


class _Fallback:
    """Never says anything, so that the environment's fallback is taken."""

    id = "fallback"
    memoryless = True

    async def act(self, observation: Any, situation: Any) -> Decision:
        return Decision(action=None, outcome=Outcome.INVALID)

    async def close(self) -> None:
        """Nothing is held."""
