"""Agents that follow a rule: a function of what is seen, made anew from it for every decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from harness.core.agent import Decision, Situation
from harness.core.environment import Action
from harness.core.seeds import stream

Decide = Callable[[Any, Situation], Action]


class RuleAgent:
    """Follows a rule.

    Parameters
    ----------
    name : str
    decide : function of an observation and a situation
        The action.
    memoryless : bool
        False if the rule looks back at the episode, or does not decide alike twice.
    """

    def __init__(self, name: str, decide: Decide, *, memoryless: bool = True) -> None:
        self.id, self.decide, self.memoryless = name, decide, memoryless

    async def act(self, observation: Any, situation: Situation) -> Decision:
        """Decide."""
        return Decision(action=self.decide(observation, situation))

    async def close(self) -> None:
        """Nothing is held."""


def luck(situation: Situation) -> np.random.Generator:
    """Random numbers for a decision: they belong to the episode's seed and the step."""
    return stream(situation.seed or 0, f"agent {situation.step}")
