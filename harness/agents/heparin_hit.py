"""Agents of `heparin-hit`: by the 4Ts, by the count, always the same, chance, and who knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.core.agent import Decision, Situation
from harness.core.errors import UsageError
from harness.core.seeds import stream
from harness.envs.anticoagulation.heparin.hit import policies
from harness.envs.anticoagulation.heparin.hit.course import Policy, Therapy
from harness.envs.anticoagulation.heparin.hit.environment import HeparinHit
from harness.envs.anticoagulation.heparin.hit.shown import HitAction, HitObservation, chart_of, word


class HitAgent:
    """Follows a policy of the chart.

    Parameters
    ----------
    name : str
    env : HeparinHit
    policy : function of a situation
    memoryless : bool
        Whether the same observation always gets the same therapy.
    """

    def __init__(self, name: str, env: Any, policy: Callable[[Situation], Policy], *, memoryless: bool = True) -> None:
        _checked(env, name)
        self.id, self.memoryless, self._policy = name, memoryless, policy

    async def act(self, observation: HitObservation, situation: Situation) -> Decision:
        """The policy's therapy."""
        therapy = self._policy(situation)(chart_of(observation))[0]
        return Decision(action=HitAction(therapy=word(Therapy(int(therapy)))))

    async def close(self) -> None:
        """Nothing is held."""


class HitOracle:
    """Knows whether and when HIT begins: no agent at all, but how far agents could ever come."""

    id = "hit-oracle"
    memoryless = False

    def __init__(self, env: Any) -> None:
        _checked(env, self.id)

    async def act(self, observation: HitObservation, situation: Situation) -> Decision:
        """The best therapy after what was done."""
        if situation.seed is None:
            raise UsageError("The oracle knows a patient by the seed of the episode; ask it in an episode.")
        ward = HeparinHit()
        ward.reset(situation.seed)
        for _, action in situation.history:
            ward.step(action)  # type: ignore[arg-type]
        return Decision(action=ward.reference.best_action())

    async def close(self) -> None:
        """Nothing is held."""


def _checked(env: Any, name: str) -> None:
    if not isinstance(env, HeparinHit):
        raise UsageError(f"The agent '{name}' treats patients of heparin-hit, not {env.spec.id}.")


def four_ts(env: Any) -> HitAgent:
    """Heparin until the 4Ts reach 4, then the alternative."""
    return HitAgent("hit-four-ts", env, lambda s: policies.by_four_ts())


def count(env: Any) -> HitAgent:
    """Heparin until half of the platelets are lost, then the alternative."""
    return HitAgent("hit-count", env, lambda s: policies.by_count())


def heparin(env: Any) -> HitAgent:
    """Heparin every day."""
    return HitAgent("hit-heparin", env, lambda s: policies.always(Therapy.HEPARIN))


def alternative(env: Any) -> HitAgent:
    """The alternative every day."""
    return HitAgent("hit-alternative", env, lambda s: policies.always(Therapy.ALTERNATIVE))


def random(env: Any) -> HitAgent:
    """Any of the three every day: chance."""
    return HitAgent(
        "hit-random",
        env,
        lambda s: policies.random_therapy(stream(s.seed or 0, f"agent {s.step}")),
        memoryless=False,
    )


def oracle(env: Any) -> HitOracle:
    """Who knows whether and when HIT begins: an upper bound."""
    return HitOracle(env)
