"""A shield where actions are no list: each rule looks at one action and says what to do instead.

What a rule puts in the place of an action is held against all rules again, so that an action that breaks several of
them is mended one rule after the other; where that comes to no end, it is the environment's fallback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.core.agent import Agent, Decision, Situation, Veto
from harness.core.environment import Action, Environment, Observation
from harness.core.errors import UsageError


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


ROUNDS = 16
"""Rulings after which what is vetoed is no longer mended: rules that undo one another would never end."""


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
        against = list(self._rulings(observation, wanted))
        if not against:
            return decision
        (check, ruling), *others = against
        instead = self._mended(observation, wanted) if self._mode is ShieldMode.CORRECT else None
        if instead is None or situation.why_illegal(instead) is not None:
            instead = self._env.fallback()
        veto = Veto(
            wanted=wanted.model_dump(mode="json"),
            rule=check.name,
            reason=ruling.reason,
            also=tuple(f"{other.name}: {further.reason}" for other, further in others),
        )
        changes = {"veto": veto, "veto_share": 1.0, "action": instead, "probabilities": None}
        return decision.model_copy(update=changes)

    def _mended(self, observation: Observation, action: Action) -> Action | None:
        """The action after one rule's correction after the other; None where one has none, or there is no end."""
        for _ in range(ROUNDS):
            found = next(self._rulings(observation, action), None)
            if found is None:
                return action
            if found[1].instead is None:
                return None
            action = found[1].instead
        return None

    def _rulings(self, observation: Observation, action: Action) -> Iterator[tuple[Check, Ruling]]:
        """The checks against an action, and their rulings."""
        for check in self._checks:
            if (ruling := check.against(observation, action)) is not None:
                yield check, ruling

    async def close(self) -> None:
        """Close the agent."""
        await self._agent.close()


def named(rule: str, argument: str) -> str:
    """A rule as it was asked for."""
    return f"{rule}:{argument}" if argument else rule


def no_argument(rule: str, argument: str) -> None:
    """See that nothing was asked of a rule that takes no argument.

    Raises
    ------
    UsageError
        If something was.
    """
    if argument:
        raise UsageError(f"The rule '{rule}' takes no '{argument}'; expected --shield {rule}.")


def number(rule: str, argument: str, usual: float, expected: str, *, zero: bool = False) -> float:
    """The number after a rule's name, or the usual one.

    Parameters
    ----------
    expected : str
        What the number is, for who gave another.
    zero : bool
        Whether it may be 0.

    Raises
    ------
    UsageError
        If it is none, negative, 0 or infinite.
    """
    if not argument:
        return usual
    try:
        found = float(argument)
    except ValueError:
        found = float("nan")
    if not 0 <= found < float("inf") or (found == 0 and not zero):
        raise UsageError(f"The rule '{rule}:{argument}' is not understood; expected {expected}.")
    return found
