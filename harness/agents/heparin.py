"""Agents of the heparin tasks: nomograms, Bayes, the plan that knows everything, and chance.

A protocol is a function of the patient's chart, made here from what was seen and ordered in the episode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.agents.hindsight import HindsightAgent
from harness.core.agent import Decision, Situation
from harness.core.errors import UsageError
from harness.core.seeds import stream
from harness.envs.anticoagulation.heparin import policies
from harness.envs.anticoagulation.heparin.environment import HeparinInfusion, worded
from harness.envs.anticoagulation.heparin.infusion import Policy
from harness.envs.anticoagulation.heparin.posterior import Posterior
from harness.envs.anticoagulation.heparin.shown import AnyObservation, chart_of


class ProtocolAgent:
    """Follows a policy.

    Parameters
    ----------
    name : str
    env : HeparinInfusion
    policy : function of a situation
        The policy of an episode, made anew for every decision: nothing is remembered but the chart.
    """

    memoryless = False

    def __init__(self, name: str, env: HeparinInfusion, policy: Callable[[Situation], Policy]) -> None:
        self.id = name
        self._env = env
        self._policy = policy

    async def act(self, observation: AnyObservation, situation: Situation) -> Decision:
        """The policy's orders as an action."""
        chart = chart_of(observation, situation.history, self._env.setting)  # type: ignore[arg-type]
        orders = self._policy(situation)(chart)
        return Decision(action=worded(orders, observation.rate, self._env.action_type))

    async def close(self) -> None:
        """Nothing is held."""


def _infusion(env: Any, name: str) -> HeparinInfusion:
    if not isinstance(env, HeparinInfusion):
        raise UsageError(f"The agent '{name}' treats patients of heparin and heparin-labs, not {env.spec.id}.")
    return env


def _protocol(env: Any, name: str, policy: Policy) -> ProtocolAgent:
    return ProtocolAgent(name, _infusion(env, name), lambda situation: policy)


def _by_anti_xa(env: Any, name: str, policy: Policy) -> ProtocolAgent:
    if not _infusion(env, name).setting.ordered:
        raise UsageError(
            f"The agent '{name}' goes by anti-Xa, which nobody measures in {env.spec.id}; use --env heparin-labs."
        )
    return _protocol(env, name, policy)


def raschke(env: Any) -> ProtocolAgent:
    """The weight-based nomogram."""
    return _protocol(env, "heparin-raschke", policies.raschke)


def cruickshank(env: Any) -> ProtocolAgent:
    """Cruickshank's nomogram, which aims at 60 to 85 s."""
    return _protocol(env, "heparin-cruickshank", policies.cruickshank)


def standard(env: Any) -> ProtocolAgent:
    """5,000 U and 1,000 U/h whatever the weight, small steps."""
    return _protocol(env, "heparin-standard", policies.standard)


def fixed(env: Any) -> ProtocolAgent:
    """80 U/kg and 18 U/kg/h whatever the aPTT."""
    return _protocol(env, "heparin-fixed", policies.fixed)


def anti_xa(env: Any) -> ProtocolAgent:
    """A nomogram by anti-Xa."""
    return _by_anti_xa(env, "heparin-anti-xa", policies.anti_xa)


def anti_xa_proportional(env: Any) -> ProtocolAgent:
    """The titration by anti-Xa of hemosim's baselines."""
    return _by_anti_xa(env, "heparin-anti-xa-proportional", policies.anti_xa_proportional)


def nemati_stand_in(env: Any) -> ProtocolAgent:
    """What stands in for a published DQN among hemosim's baselines; it aims at 60 to 100 s."""
    return _protocol(env, "heparin-nemati-stand-in", policies.nemati_stand_in)


def none(env: Any) -> ProtocolAgent:
    """No heparin."""
    return _protocol(env, "heparin-none", policies.none)


def random(env: Any) -> ProtocolAgent:
    """The usual start, then any change, bolus and pause: chance."""
    name = "heparin-random"
    return ProtocolAgent(
        name, _infusion(env, name), lambda s: policies.random_orders(stream(s.seed or 0, f"agent {s.step}"))
    )


def posterior(env: Any) -> ProtocolAgent:
    """What a grid of patients that this one could be speaks for: the best rule here that does not know the patient."""
    name = "heparin-posterior"
    return ProtocolAgent(name, _infusion(env, name), lambda situation: Posterior())


def oracle(env: Any) -> HindsightAgent:
    """The plan that knows the patient and everything to come: an upper bound."""
    name = "heparin-oracle"
    ward = _infusion(env, name)
    return HindsightAgent(name, lambda: HeparinInfusion(ward.spec, ward.setting))
