"""Agents of the task `doac`: the label's rules, one drug for everyone, hemosim's baseline, the optimum, and chance.

A rule is a function of what is shown at one visit; only the optimum looks back, at the first visit, for the creatinine
that it counts from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from harness.agents.rules import RuleAgent, luck
from harness.core.agent import Decision, Situation
from harness.core.errors import UsageError
from harness.envs.anticoagulation.doac import policies
from harness.envs.anticoagulation.doac.actions import DoacAction, action_of
from harness.envs.anticoagulation.doac.course import Policy, View
from harness.envs.anticoagulation.doac.environment import DoacClinic
from harness.envs.anticoagulation.doac.optimum import Optimum, optimum
from harness.envs.anticoagulation.doac.shown import DoacObservation, drug_of, patients_of, state_shown, status_of


class OptimalAgent:
    """Follows the optimum, computed from what is shown alone."""

    memoryless = False

    def __init__(self, env: DoacClinic) -> None:
        self.id = "doac-optimal"
        self._price = env.price
        self._values = lru_cache(maxsize=256)(self._solved)

    async def act(self, observation: DoacObservation, situation: Situation) -> Decision:
        """The best order."""
        first = situation.history[0][0] if situation.history else observation
        if not isinstance(first, DoacObservation) or first.quarter != 0:
            raise UsageError("The optimum counts from the first visit; ask it in an episode, from its beginning.")
        return Decision(action=action_of(*self._values(first).best(state_shown(first, observation))))

    def _solved(self, first: DoacObservation) -> Optimum:
        return optimum(patients_of(first), 0, self._price)

    async def close(self) -> None:
        """Forget the values."""
        self._values.cache_clear()


def _clinic(env: Any, name: str) -> DoacClinic:
    if not isinstance(env, DoacClinic):
        raise UsageError(f"The agent '{name}' treats patients of doac, not {env.spec.id}.")
    return env


def _following(env: Any, name: str, policy: Callable[[Situation], Policy], *, memoryless: bool = True) -> RuleAgent:
    """Who turns the order of a policy into an action."""
    _clinic(env, name)

    def decide(observation: DoacObservation, situation: Situation) -> DoacAction:
        view = View(status_of(observation), np.array([drug_of(observation)]), observation.quarter)
        orders = policy(situation)(view)
        return action_of(int(orders.drug[0]), int(orders.hold[0]))

    return RuleAgent(name, decide, memoryless=memoryless)


def _rule(env: Any, name: str, policy: Policy) -> RuleAgent:
    return _following(env, name, lambda situation: policy)


def label(env: Any) -> RuleAgent:
    """What breaks no rule, at the label's dose; the drug taken is kept where it can be."""
    return _rule(env, "doac-label", policies.label())


def hemosim(env: Any) -> RuleAgent:
    """Hemosim's guideline baseline."""
    return _rule(env, "doac-hemosim", policies.hemosim)


def fixed_apixaban(env: Any) -> RuleAgent:
    """Apixaban 5 mg for everyone."""
    return _fixed(env, "apixaban_5")


def fixed_dabigatran(env: Any) -> RuleAgent:
    """Dabigatran 150 mg for everyone."""
    return _fixed(env, "dabigatran_150")


def fixed_rivaroxaban(env: Any) -> RuleAgent:
    """Rivaroxaban 20 mg for everyone."""
    return _fixed(env, "rivaroxaban_20")


def fixed_edoxaban(env: Any) -> RuleAgent:
    """Edoxaban 60 mg for everyone."""
    return _fixed(env, "edoxaban_60")


def fixed_warfarin(env: Any) -> RuleAgent:
    """Warfarin for everyone."""
    return _fixed(env, "warfarin")


def _fixed(env: Any, drug: str) -> RuleAgent:
    """One drug at one dose, left out before procedures as long as needed."""
    return _rule(env, f"doac-fixed-{drug.split('_')[0]}", policies.constant(drug, hold=True))


def random(env: Any) -> RuleAgent:
    """Any drug at any dose: chance."""
    return _following(env, "doac-random", lambda situation: policies.chance(luck(situation)), memoryless=False)


def optimal(env: Any) -> OptimalAgent:
    """The optimum."""
    return OptimalAgent(_clinic(env, "doac-optimal"))
