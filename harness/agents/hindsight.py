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
        planned = self._planned(seed_of(situation))
        done = tuple(action for _, action in situation.history)
        if done == planned[: len(done)]:
            return Decision(action=planned[len(done)])
        return Decision(action=reference_after(self._make, situation).best_action())

    def _plan(self, seed: int) -> tuple[Any, ...]:
        """The plan from the beginning."""
        reference: Planned = reference_after(self._make, Situation(lambda action: None, seed))
        return reference.actions()

    async def close(self) -> None:
        """Forget the plans."""
        self._planned.cache_clear()


def seed_of(situation: Situation) -> int:
    """The seed of the episode.

    Raises
    ------
    UsageError
        If a state is asked outside of one.
    """
    if situation.seed is None:
        raise UsageError("The oracle knows a patient by the seed of the episode; ask it in an episode.")
    return situation.seed


def reference_after(make: Callable[[], Environment[Any, Any]], situation: Situation) -> Any:
    """The reference of a new environment where the same was done in the same episode."""
    env = make()
    env.reset(seed_of(situation))
    for _, action in situation.history:
        env.step(action)
    return env.reference
