"""Reference agents of tabular environments: a policy table that acts.

They are what every other agent is measured against: chance, the clinicians, the best and the worst that can be done,
and what an agent is worth that never gives a legal action.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.agents.rules import luck
from harness.core.agent import Agent, Decision, Situation
from harness.core.errors import UsageError
from harness.mdp.environment import TabularEnvironment, TabularObservation
from harness.mdp.policy import deterministic, uniform
from harness.mdp.tabular import FloatArray, TabularMDP


class TableAgent:
    """Acts by a policy table.

    Parameters
    ----------
    name : str
    env : TabularEnvironment
    table : float array, shape (S, A)
    """

    memoryless = True

    def __init__(self, name: str, env: TabularEnvironment[Any, Any], table: FloatArray) -> None:
        self.id = name
        self._actions = env.actions
        self._table = table

    def policy(self, mdp: TabularMDP) -> FloatArray:
        """The table itself, shape (S, A)."""
        return self._table

    async def act(self, observation: TabularObservation, situation: Situation) -> Decision:
        """Draw an action from the state's row."""
        row = self._table[observation.state]
        return Decision(action=self._actions[draw(row, situation)], probabilities=tuple(row))

    async def close(self) -> None:
        """Nothing is held."""


def draw(row: FloatArray, situation: Situation) -> int:
    """An index drawn from probabilities; the draw belongs to the episode's seed and step."""
    u = luck(situation).random()
    return int(np.searchsorted(np.cumsum(row), u * row.sum(), side="right"))


def _tabular(env: Any, name: str) -> TabularEnvironment[Any, Any]:
    if not isinstance(env, TabularEnvironment):
        raise UsageError(f"The agent '{name}' needs a tabular environment; {env.spec.id} is not one.")
    return env


def _elsewhere(env: Any, name: str) -> Agent | None:
    """Who plays a part in a medication review, which has no table; None in any other task."""
    if isinstance(env, TabularEnvironment):
        return None
    from harness.agents.heuristics import medication_review as review
    from harness.envs.polypharmacy.environment import MedicationReview

    if not isinstance(env, MedicationReview):
        return None
    parts = {"random": review.chance, "expert": review.pharmacist, "optimal": review.informed}
    return parts.get(name, review.nothing)(env)


def random(env: Any) -> Agent:
    """Every legal action with equal probability: chance."""
    if other := _elsewhere(env, "random"):
        return other
    tabular = _tabular(env, "random")
    return TableAgent("random", tabular, uniform(tabular.mdp.legal))


def expert(env: Any) -> Agent:
    """The clinicians' policy, estimated from the data; in a medication review the pharmacist's rules."""
    if other := _elsewhere(env, "expert"):
        return other
    tabular = _tabular(env, "expert")
    if tabular.expert_policy is None:
        raise UsageError(f"{tabular.spec.id} has no expert policy; its data hold no clinicians' decisions.")
    return TableAgent("expert", tabular, tabular.expert_policy)


def optimal(env: Any) -> Agent:
    """The optimal policy, by policy iteration; in a medication review the informed optimum."""
    if other := _elsewhere(env, "optimal"):
        return other
    tabular = _tabular(env, "optimal")
    return TableAgent("optimal", tabular, deterministic(tabular.mdp, tabular.optimum.actions))


def worst(env: Any) -> TableAgent:
    """The worst policy there is."""
    tabular = _tabular(env, "worst")
    return TableAgent("worst", tabular, deterministic(tabular.mdp, tabular.worst.actions))


def fallback(env: Any) -> Agent:
    """The environment's fallback in every state: what an agent is worth that never gives a legal action."""
    if other := _elsewhere(env, "fallback"):
        return other
    tabular = _tabular(env, "fallback")
    return TableAgent("fallback", tabular, deterministic(tabular.mdp, tabular.fallback_actions))
