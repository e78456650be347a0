"""Trained agents by the folder of their training; the folder's manifest names the algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.agents.tabular_policy import home
from harness.core.agent import Agent
from harness.core.environment import Environment
from harness.core.errors import RunError
from harness.core.registry import Entry, Registry
from harness.core.run import TRAINING, read_manifest

TABLE = "harness.agents.tabular_policy:agent"

ALGORITHMS = Registry(
    kind="algorithm of a trained agent",
    group="harness.algorithms",
    builtin={
        "batch-constrained-q": Entry(TABLE, "offline: Q iteration among the actions that the data support"),
        "behaviour-cloning": Entry(TABLE, "offline: the policy that is seen in the data"),
        "conservative-q": Entry(TABLE, "offline: conservative Q-learning, CQL(H)"),
        "double-dqn": Entry(TABLE, "offline: Double DQN, a network"),
        "dqn": Entry("harness.agents.rl.dqn_agent:dqn", "deep Q-network with replay"),
        "fitted-q": Entry(TABLE, "offline: fitted Q iteration"),
        "linucb": Entry(TABLE, "contextual bandit with upper confidence bounds, myopic"),
        "neural-behaviour-cloning": Entry(TABLE, "offline: a network that does what is seen in the data"),
        "neural-conservative-q": Entry(TABLE, "offline: conservative Q-learning, CQL(H), a network"),
        "pessimistic-vi": Entry(TABLE, "offline: value iteration on lowered values"),
        "reinforce": Entry("harness.agents.rl.agent:reinforce", "policy gradient with a learned baseline"),
        "sarsa": Entry(TABLE, "Sarsa on a table"),
        "q-learning": Entry(TABLE, "Q-learning on a table"),
        "tabular-dqn": Entry(TABLE, "DQN with a table for a network"),
        "sac": Entry(TABLE, "discrete soft actor-critic on tables"),
        "ppo": Entry(TABLE, "PPO on tables"),
        "thompson": Entry(TABLE, "contextual bandit by linear Thompson sampling, myopic"),
        "optim-neural-ts": Entry("harness.agents.bandits.asking:optim_neural_ts", "asks what a search suspects"),
    },
)
"""A factory takes the folder and the environment and returns an `Agent`."""


def is_folder(agent_id: str) -> bool:
    """Whether an agent is named by a folder: ids have no slash."""
    return "/" in agent_id or "\\" in agent_id or Path(agent_id).is_dir()


def trained(folder: Path, env: Environment[Any, Any]) -> Agent:
    """The agent that was trained in a folder.

    Raises
    ------
    UsageError
        If its algorithm makes no agent that acts in this environment.
    RunError
        If the folder holds no training, or one of another environment.
    """
    algorithm = read_manifest(home(folder)[0], TRAINING).get("algorithm")
    if not isinstance(algorithm, str):
        raise RunError(
            f"Nothing was trained in '{folder}'; --agent takes an id, or a folder that `harness train` made."
        )
    agent: Agent = ALGORITHMS.load(algorithm)(folder, env)
    return agent
