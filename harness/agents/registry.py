"""The agents by id. A factory takes the environment and returns an `Agent`."""

from __future__ import annotations

from typing import Any

from harness.core.agent import Agent
from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.core.registry import Registry

AGENTS = Registry(
    kind="agent",
    group="harness.agents",
    builtin={
        "random": "harness.agents.reference:random",
        "expert": "harness.agents.reference:expert",
        "optimal": "harness.agents.reference:optimal",
        "worst": "harness.agents.reference:worst",
        "fallback": "harness.agents.reference:fallback",
    },
)


def make(agent_id: str, env: Environment[Any, Any]) -> Agent:
    """Build the agent `agent_id` for an environment.

    Raises
    ------
    UsageError
        If there is no such agent, or it cannot act in this environment.
    """
    agent = AGENTS.load(agent_id)(env)
    if not callable(getattr(agent, "act", None)):
        raise UsageError(f"The agent '{agent_id}' has no method 'act'; see harness.core.agent.Agent.")
    result: Agent = agent
    return result
