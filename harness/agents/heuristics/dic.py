"""Agents of the DIC task: the guideline, rules that look at less, chance, and the fitted policy.

A rule is a function of a patient's chart, made here from what was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.agents.rules import RuleAgent, luck
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.envs.anticoagulation.dic import policies
from harness.envs.anticoagulation.dic.actions import ACTIONS, DicAction
from harness.envs.anticoagulation.dic.course import Policy
from harness.envs.anticoagulation.dic.environment import DicWard
from harness.envs.anticoagulation.dic.fitted import fitted as fitted_policy
from harness.envs.anticoagulation.dic.shown import DicObservation, chart_of


def _following(env: Any, name: str, policy: Callable[[Situation], Policy], *, memoryless: bool = True) -> RuleAgent:
    """Who turns the orders of a policy into actions."""
    if not isinstance(env, DicWard):
        raise UsageError(f"The agent '{name}' treats patients of dic, not {env.spec.id}; take --env dic.")

    def decide(observation: DicObservation, situation: Situation) -> DicAction:
        return ACTIONS[int(policy(situation)(chart_of(observation))[0])]

    return RuleAgent(name, decide, memoryless=memoryless)


def _rule(env: Any, name: str, policy: Policy) -> RuleAgent:
    return _following(env, name, lambda situation: policy)


def none(env: Any) -> RuleAgent:
    """The cause is treated, and nothing else."""
    return _rule(env, "dic-none", policies.untreated)


def guideline(env: Any) -> RuleAgent:
    """BCSH 2009 and ISTH/SSC 2013: components in those who bleed, heparin in those who do not."""
    return _rule(env, "dic-guideline", policies.guideline)


def lab_threshold(env: Any) -> RuleAgent:
    """Components below the same thresholds, whether or not the patient bleeds."""
    return _rule(env, "dic-lab-threshold", policies.lab_threshold)


def always_transfuse(env: Any) -> RuleAgent:
    """Every component at every decision."""
    return _rule(env, "dic-always-transfuse", policies.always_transfuse)


def always_heparin(env: Any) -> RuleAgent:
    """Heparin in a therapeutic dose for everyone."""
    return _rule(env, "dic-always-heparin", policies.always_heparin)


def random(env: Any) -> RuleAgent:
    """Every action equally often: chance."""
    return _following(env, "dic-random", lambda situation: policies.chance(luck(situation)), memoryless=False)


def fitted(env: Any) -> RuleAgent:
    """What fitted value iteration found: the reference itself."""
    return _rule(env, "dic-fitted", fitted_policy)
