"""The agents by id. A factory takes the environment and returns an `Agent`.

What is no id but a folder is an agent that was trained there (`harness.agents.trained`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.agents.trained import is_folder, trained
from harness.core.agent import Agent
from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.core.registry import Entry, Registry

REVIEWERS = "harness.agents.heuristics.medication_review"

AGENTS = Registry(
    kind="agent",
    group="harness.agents",
    builtin={
        "random": Entry("harness.agents.reference:random", "every legal action equally often: chance"),
        "expert": Entry("harness.agents.reference:expert", "the clinicians' policy, estimated from the data"),
        "optimal": Entry("harness.agents.reference:optimal", "the optimal policy, computed"),
        "worst": Entry("harness.agents.reference:worst", "the worst policy there is, computed"),
        "fallback": Entry("harness.agents.reference:fallback", "never a legal action: the environment's fallback"),
        "heuristic": Entry(
            f"{REVIEWERS}:heuristic", "polypharmacy: asks the riskiest pairs, deals with what is severe"
        ),
        "pharmacist": Entry(f"{REVIEWERS}:pharmacist", "polypharmacy: Beers, doses, duplicates, cascades, substitutes"),
        "uninformed": Entry(
            f"{REVIEWERS}:uninformed", "polypharmacy: plans by how much classes tend to interact, asks"
        ),
        "experienced": Entry(
            f"{REVIEWERS}:experienced", "polypharmacy: plans by what pairs of classes did before, asks"
        ),
        "informed": Entry(f"{REVIEWERS}:informed", "polypharmacy: the optimum that knows every interaction"),
        "human": Entry("harness.agents.human:human", "you, in the terminal: `harness play`"),
    },
)


def make(agent_id: str, env: Environment[Any, Any]) -> Agent:
    """Build the agent `agent_id`, or the one trained in the folder of that name, for an environment.

    Raises
    ------
    UsageError
        If there is no such agent, or it cannot act in this environment.
    RunError
        If the folder holds none for this environment.
    """
    if agent_id not in AGENTS.entries() and is_folder(agent_id):
        return trained(Path(agent_id), env)
    agent = AGENTS.load(agent_id)(env)
    if not callable(getattr(agent, "act", None)):
        raise UsageError(f"The agent '{agent_id}' has no method 'act'; see harness.core.agent.Agent.")
    result: Agent = agent
    return result
