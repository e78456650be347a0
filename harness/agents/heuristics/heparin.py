"""Agents of the heparin tasks: nomograms, Bayes, the plan that knows everything, and chance.

A protocol is a function of the patient's chart, made here from what was seen and ordered in the episode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.agents.hindsight import HindsightAgent
from harness.agents.rules import RuleAgent, luck
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.envs.anticoagulation.heparin import policies
from harness.envs.anticoagulation.heparin.environment import HeparinInfusion, worded
from harness.envs.anticoagulation.heparin.infusion import Policy
from harness.envs.anticoagulation.heparin.posterior import Posterior
from harness.envs.anticoagulation.heparin.shown import AnyAction, AnyObservation, chart_of


def _infusion(env: Any, name: str) -> HeparinInfusion:
    if not isinstance(env, HeparinInfusion):
        raise UsageError(f"The agent '{name}' treats patients of heparin and heparin-labs, not {env.spec.id}.")
    return env


def _following(env: Any, name: str, policy: Callable[[Situation], Policy]) -> RuleAgent:
    """Who turns the orders of a policy, made anew for every decision, into actions."""
    infusion = _infusion(env, name)

    def decide(observation: AnyObservation, situation: Situation) -> AnyAction:
        orders = policy(situation)(chart_of(observation, situation.history, infusion.setting))
        return worded(orders, observation.rate, infusion.action_type)

    return RuleAgent(name, decide, memoryless=False)


def _protocol(env: Any, name: str, policy: Policy) -> RuleAgent:
    return _following(env, name, lambda situation: policy)


def _by_anti_xa(env: Any, name: str, policy: Policy) -> RuleAgent:
    if not _infusion(env, name).setting.ordered:
        raise UsageError(
            f"The agent '{name}' goes by anti-Xa, which nobody measures in {env.spec.id}; use --env heparin-labs."
        )
    return _protocol(env, name, policy)


def raschke(env: Any) -> RuleAgent:
    """The weight-based nomogram."""
    return _protocol(env, "heparin-raschke", policies.raschke)


def cruickshank(env: Any) -> RuleAgent:
    """Cruickshank's nomogram, which aims at 60 to 85 s."""
    return _protocol(env, "heparin-cruickshank", policies.cruickshank)


def standard(env: Any) -> RuleAgent:
    """5,000 U and 1,000 U/h whatever the weight, small steps."""
    return _protocol(env, "heparin-standard", policies.standard)


def fixed(env: Any) -> RuleAgent:
    """80 U/kg and 18 U/kg/h whatever the aPTT."""
    return _protocol(env, "heparin-fixed", policies.fixed)


def anti_xa(env: Any) -> RuleAgent:
    """A nomogram by anti-Xa."""
    return _by_anti_xa(env, "heparin-anti-xa", policies.anti_xa)


def anti_xa_proportional(env: Any) -> RuleAgent:
    """The titration by anti-Xa of hemosim's baselines."""
    return _by_anti_xa(env, "heparin-anti-xa-proportional", policies.anti_xa_proportional)


def nemati_stand_in(env: Any) -> RuleAgent:
    """What stands in for a published DQN among hemosim's baselines; it aims at 60 to 100 s."""
    return _protocol(env, "heparin-nemati-stand-in", policies.nemati_stand_in)


def none(env: Any) -> RuleAgent:
    """No heparin."""
    return _protocol(env, "heparin-none", policies.none)


def random(env: Any) -> RuleAgent:
    """The usual start, then any change, bolus and pause: chance."""
    return _following(env, "heparin-random", lambda situation: policies.random_orders(luck(situation)))


def posterior(env: Any) -> RuleAgent:
    """What a grid of patients that this one could be speaks for: the best rule here that does not know the patient."""
    return _following(env, "heparin-posterior", lambda situation: Posterior())


def oracle(env: Any) -> HindsightAgent:
    """The plan that knows the patient and everything to come: an upper bound."""
    name = "heparin-oracle"
    ward = _infusion(env, name)
    return HindsightAgent(name, lambda: HeparinInfusion(ward.spec, ward.setting))
