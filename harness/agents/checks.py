"""A shield where actions are no list: each rule looks at one action and says what to do instead.

What a rule puts in an action's place is looked at by every rule, and corrected once more where another forbids it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.core.agent import Agent, Decision, Situation, Veto
from harness.core.environment import Action, Environment, Observation


class ShieldMode(StrEnum):
    """What takes the place of an action that was vetoed."""

    CORRECT = "correct"
    """The nearest action that is allowed."""
    VETO = "veto"
    """The environment's fallback."""


@dataclass(frozen=True)
class Ruling:
    """Why an action is vetoed, and the nearest one that is allowed; None where there is none."""

    reason: str
    instead: Action | None


@dataclass(frozen=True, eq=False)
class Check:
    """What a shield allows where actions are no list.

    Attributes
    ----------
    name : str
        As it was asked for.
    against : function of an observation and an action
        The ruling against it; None if it is allowed.
    """

    name: str
    against: Callable[[Any, Any], Ruling | None]


class Checked:
    """An agent whose actions are replaced where a check forbids them.

    Parameters
    ----------
    agent : Agent
    env : Environment
    given : sequence of Check
    mode : ShieldMode
    """

    def __init__(self, agent: Agent, env: Environment[Any, Any], given: Sequence[Check], mode: ShieldMode) -> None:
        self.id = f"{agent.id}+shield"
        self.memoryless = agent.memoryless
        self._agent = agent
        self._env = env
        self._checks = tuple(given)
        self._mode = mode

    async def act(self, observation: Observation, situation: Situation) -> Decision:
        """The agent's decision, or what takes its place."""
        decision = await self._agent.act(observation, situation)
        wanted = decision.action
        if wanted is None or situation.why_illegal(wanted) is not None:
            return decision
        rulings = self._rulings(observation, wanted)
        if not rulings:
            return decision
        instead = rulings[-1][1].instead if self._mode is ShieldMode.CORRECT else None
        if instead is None or self._first(observation, instead) is not None:
            instead = self._env.fallback()
        rule, reason = ", ".join(check.name for check, _ in rulings), "; ".join(ruling.reason for _, ruling in rulings)
        veto = Veto(wanted=wanted.model_dump(mode="json"), rule=rule, reason=reason)
        changes = {"veto": veto, "veto_share": 1.0, "action": instead, "probabilities": None}
        return decision.model_copy(update=changes)

    def _rulings(self, observation: Observation, wanted: Action) -> list[tuple[Check, Ruling]]:
        """The rulings against an action, each but the first against what the one before put in its place."""
        found: list[tuple[Check, Ruling]] = []
        action: Action | None = wanted
        while action is not None and len(found) < len(self._checks):
            ruling = self._first(observation, action)
            if ruling is None:
                break
            found.append(ruling)
            action = ruling[1].instead if self._mode is ShieldMode.CORRECT else None
        return found

    def _first(self, observation: Observation, action: Action) -> tuple[Check, Ruling] | None:
        """The first check against an action, and its ruling."""
        rulings = ((check, check.against(observation, action)) for check in self._checks)
        return next(((check, ruling) for check, ruling in rulings if ruling is not None), None)

    async def close(self) -> None:
        """Close the agent."""
        await self._agent.close()
