"""Who knows everything: follows a task's best plan in hindsight, which no agent could make."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from harness.core.agent import Decision, Situation
from harness.core.environment import Environment, Observation
from harness.core.errors import UsageError


class Planned(Protocol):
    """A reference that has a plan to the end."""

    def actions(self) -> tuple[Any, ...]:
        """Everything that the plan does, from here on."""
        ...


class HindsightAgent:
    """Follows the best plan with everything known: no agent at all, but how far agents could ever come.

    Parameters
    ----------
    name : str
    make : function
        A new environment of the same task; its reference is `Planned`.
    """

    memoryless = False

    def __init__(self, name: str, make: Callable[[], Environment[Any, Any]]) -> None:
        self.id = name
        self._make = make
        self._planned = lru_cache(maxsize=256)(self._plan)

    async def act(self, observation: Observation, situation: Situation) -> Decision:
        """The plan's action; where something else was done before, that of a new plan."""
        if situation.seed is None:
            raise UsageError("The oracle knows a patient by the seed of the episode; ask it in an episode.")
        planned = self._planned(situation.seed)
        done = tuple(action for _, action in situation.history)
        if done == planned[: len(done)]:
            return Decision(action=planned[len(done)])
        return Decision(action=self._after(situation.seed, done).best_action())

    def _plan(self, seed: int) -> tuple[Any, ...]:
        """The plan from the beginning."""
        reference: Planned = self._after(seed, ())
        return reference.actions()

    def _after(self, seed: int, done: tuple[Any, ...]) -> Any:
        """The reference of an episode in which some actions were done."""
        env = self._make()
        env.reset(seed)
        for action in done:
            env.step(action)
        return env.reference

    async def close(self) -> None:
        """Forget the plans."""
        self._planned.cache_clear()
