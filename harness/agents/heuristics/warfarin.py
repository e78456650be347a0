"""Agents of the warfarin tasks: a clinic's rules, Bayes, the plan that knows everything, and chance.

A rule is a function of the patient's chart, made here from what was seen and ordered in the episode. Its orders, in mg
and days, become the action that comes nearest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.agents.hindsight import HindsightAgent
from harness.agents.rules import RuleAgent, luck
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.envs.anticoagulation.warfarin import algorithms, policies
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.actions import MaintenanceAction, nearest
from harness.envs.anticoagulation.warfarin.clinic import Policy
from harness.envs.anticoagulation.warfarin.environment import AnyAction, WarfarinClinic
from harness.envs.anticoagulation.warfarin.particles import Bayes
from harness.envs.anticoagulation.warfarin.shown import WarfarinObservation, chart_of


def _clinic(env: Any, name: str) -> WarfarinClinic:
    if not isinstance(env, WarfarinClinic):
        raise UsageError(f"The agent '{name}' treats patients of warfarin and warfarin-maintenance, not {env.spec.id}.")
    return env


def _following(env: Any, name: str, policy: Callable[[Situation], Policy]) -> RuleAgent:
    """Who turns the orders of a policy, made anew for every decision, into actions."""
    clinic = _clinic(env, name)

    def decide(observation: WarfarinObservation, situation: Situation) -> AnyAction:
        orders = policy(situation)(chart_of(observation, situation.history))
        action = nearest(
            float(orders.weekly[0]),
            observation.weekly_dose,
            int(orders.hold[0]),
            int(orders.visit[0]),
            may_set=not clinic.settled and observation.day < c.INDUCTION_DAYS,
        )
        return MaintenanceAction(**action.model_dump()) if clinic.settled else action

    return RuleAgent(name, decide, memoryless=False)


def _rule(env: Any, name: str, policy: Policy) -> RuleAgent:
    return _following(env, name, lambda situation: policy)


def random(env: Any) -> RuleAgent:
    """5 mg a day, then every week any change from -20 to +20 %: chance."""
    return _following(env, "warfarin-random", lambda situation: policies.random_changes(luck(situation)))


def fixed(env: Any) -> RuleAgent:
    """5 mg a day whatever the INR; the steady dose where there is one."""
    return _rule(env, "warfarin-fixed", policies.unchanged)


def nomogram(env: Any) -> RuleAgent:
    """5 mg a day, then a percentage nomogram."""
    return _rule(env, "warfarin-nomogram", policies.nomogram())


def nomogram_clinical(env: Any) -> RuleAgent:
    """The nomogram after a first dose by the clinical IWPC algorithm."""
    return _rule(env, "warfarin-nomogram-clinical", policies.nomogram(algorithms.iwpc_clinical))


def nomogram_pharmacogenetic(env: Any) -> RuleAgent:
    """The nomogram after a first dose by the pharmacogenetic IWPC algorithm."""
    return _rule(env, "warfarin-nomogram-pharmacogenetic", policies.nomogram(algorithms.iwpc_pharmacogenetic))


def nomogram_gage(env: Any) -> RuleAgent:
    """The nomogram after a first dose by the algorithm of Gage et al."""
    name = "warfarin-nomogram-gage"
    if not _clinic(env, name).genotype_known:
        raise UsageError(f"The agent '{name}' needs the genotypes; leave genotype=unknown out.")
    return _rule(env, name, policies.nomogram(algorithms.gage))


def ebm(env: Any) -> RuleAgent:
    """The protocol of the EBM Guidelines."""
    return _rule(env, "warfarin-ebm", policies.ebm)


def bayes(env: Any) -> RuleAgent:
    """What a particle filter's belief speaks for: the best that is known without knowing the patient."""
    return _following(env, "warfarin-bayes", lambda situation: Bayes())


def oracle(env: Any) -> HindsightAgent:
    """The plan that knows the patient and everything to come: an upper bound."""
    name = "warfarin-oracle"
    clinic = _clinic(env, name)
    return HindsightAgent(name, lambda: WarfarinClinic(clinic.spec, clinic.days, settled=clinic.settled))
