"""Agents of `heparin-hit`: by the 4Ts, by the count, always the same, chance, and who knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.agents.hindsight import reference_after
from harness.agents.rules import RuleAgent, luck
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.envs.anticoagulation.heparin.hit import policies
from harness.envs.anticoagulation.heparin.hit.course import Policy, Therapy
from harness.envs.anticoagulation.heparin.hit.environment import HeparinHit
from harness.envs.anticoagulation.heparin.hit.shown import HitAction, HitObservation, chart_of, word


def _ward(env: Any, name: str) -> HeparinHit:
    if not isinstance(env, HeparinHit):
        raise UsageError(f"The agent '{name}' treats patients of heparin-hit, not {env.spec.id}.")
    return env


def _following(env: Any, name: str, policy: Callable[[Situation], Policy], *, memoryless: bool = True) -> RuleAgent:
    """Who turns the therapies of a policy into actions."""
    _ward(env, name)

    def decide(observation: HitObservation, situation: Situation) -> HitAction:
        therapy = policy(situation)(chart_of(observation))[0]
        return HitAction(therapy=word(Therapy(int(therapy))))

    return RuleAgent(name, decide, memoryless=memoryless)


def four_ts(env: Any) -> RuleAgent:
    """Heparin until the 4Ts reach 4, then the alternative."""
    return _following(env, "hit-four-ts", lambda situation: policies.by_four_ts())


def count(env: Any) -> RuleAgent:
    """Heparin until half of the platelets are lost, then the alternative."""
    return _following(env, "hit-count", lambda situation: policies.by_count())


def heparin(env: Any) -> RuleAgent:
    """Heparin every day."""
    return _following(env, "hit-heparin", lambda situation: policies.always(Therapy.HEPARIN))


def alternative(env: Any) -> RuleAgent:
    """The alternative every day."""
    return _following(env, "hit-alternative", lambda situation: policies.always(Therapy.ALTERNATIVE))


def random(env: Any) -> RuleAgent:
    """Any of the three every day: chance."""
    return _following(env, "hit-random", lambda situation: policies.random_therapy(luck(situation)), memoryless=False)


def oracle(env: Any) -> RuleAgent:
    """Who knows whether and when HIT begins: an upper bound, and no agent at all."""
    name = "hit-oracle"
    _ward(env, name)

    def decide(observation: HitObservation, situation: Situation) -> HitAction:
        best: HitAction = reference_after(HeparinHit, situation).best_action()
        return best

    return RuleAgent(name, decide, memoryless=False)
