"""The environments by id. A factory takes keyword options and returns an `Environment`.

An id that starts with `mdp:` is a user's own MDP (`harness.envs.own`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.core.registry import Entry, Registry
from harness.envs.ids import PREFIX

if TYPE_CHECKING:
    from harness.mdp.environment import TabularEnvironment

ENVIRONMENTS = Registry(
    kind="environment",
    group="harness.environments",
    builtin={
        "icu-sepsis": Entry(
            "harness.envs.icu_sepsis.environment:icu_sepsis",
            "fluids and vasopressors in septic shock, every 4 hours; tabular, exact optimum",
        ),
        "sepsis-os": Entry(
            "harness.envs.sepsis_os.environment:sepsis_os",
            "antibiotics, ventilation, vasopressor in a simulated sepsis; tabular, exact optimum",
        ),
        "sepsis-os-hidden": Entry(
            "harness.envs.sepsis_os.environment:sepsis_os_hidden",
            "the same, diabetes not shown; tabular, the optimum that knows it is an upper bound",
        ),
        "polypharmacy/easy-screening": Entry(
            "harness.envs.polypharmacy.environment:easy_screening",
            "medication review, 3 to 5 drugs, interactions to be asked about; the optimum knows them",
        ),
        "polypharmacy/budgeted-screening": Entry(
            "harness.envs.polypharmacy.environment:budgeted_screening",
            "medication review, 6 to 10 drugs, interactions to be asked about; the optimum knows them",
        ),
        "polypharmacy/complex-tradeoff": Entry(
            "harness.envs.polypharmacy.environment:complex_tradeoff",
            "medication review, 10 to 15 drugs, interactions to be asked about; the optimum knows them",
        ),
        "warfarin": Entry(
            "harness.envs.anticoagulation.warfarin.environment:warfarin",
            "finding a patient's dose of warfarin, 90 days; regret against a plan that knows the patient",
        ),
        "warfarin-maintenance": Entry(
            "harness.envs.anticoagulation.warfarin.environment:warfarin_maintenance",
            "keeping a patient on warfarin in range, a year; regret against a plan that knows the patient",
        ),
        "heparin": Entry(
            "harness.envs.anticoagulation.heparin.environment:heparin",
            "an infusion of heparin by the aPTT, 2 days; regret against a plan that knows the patient",
        ),
        "heparin-labs": Entry(
            "harness.envs.anticoagulation.heparin.environment:heparin_labs",
            "the same hour by hour, blood to be drawn, results late; regret against a plan that knows the patient",
        ),
        "heparin-hit": Entry(
            "harness.envs.anticoagulation.heparin.hit.environment:heparin_hit",
            "heparin, platelets every day: go on, stop or change; regret against a plan that knows who has HIT",
        ),
        "hemosim/warfarin": Entry(
            "harness.envs.hemosim.environment:warfarin",
            "of the package hemosim (extra), unchanged: a daily dose; no optimum known",
        ),
        "hemosim/heparin": Entry(
            "harness.envs.hemosim.environment:heparin",
            "of the package hemosim (extra), unchanged: heparin every 6 hours; no optimum known",
        ),
        "hemosim/heparin-pomdp": Entry(
            "harness.envs.hemosim.environment:heparin_pomdp",
            "of the package hemosim (extra), unchanged: the same with ordered labs; no optimum known",
        ),
        "hemosim/doac": Entry(
            "harness.envs.hemosim.environment:doac",
            "of the package hemosim (extra), unchanged: a DOAC every 30 days; no optimum known",
        ),
        "hemosim/dic": Entry(
            "harness.envs.hemosim.environment:dic",
            "of the package hemosim (extra), unchanged: blood products and heparin; no optimum known",
        ),
        "doac": Entry(
            "harness.envs.anticoagulation.doac.environment:doac",
            "anticoagulants in atrial fibrillation, every 3 months: drug, dose, interactions; exact optimum",
        ),
        "hypotension": Entry(
            "harness.envs.health_gym.environment:hypotension",
            "fluids and vasopressors in acute hypotension, every hour; of Health Gym or a stand-in; exact optimum",
        ),
        "sepsis-hg": Entry(
            "harness.envs.health_gym.environment:sepsis",
            "fluids and vasopressors in sepsis, every 4 hours; of Health Gym or a stand-in; exact optimum",
        ),
        "art-hiv": Entry(
            "harness.envs.health_gym.environment:art_hiv",
            "the regimen in HIV, every month; of Health Gym or a stand-in; exact optimum",
        ),
        "dic": Entry(
            "harness.envs.anticoagulation.dic.environment:dic",
            "components and heparin in intravascular coagulation; assumption-based, not for rankings",
        ),
    },
)


def factory(env_id: str) -> Callable[..., Environment[Any, Any]]:
    """What makes the environment `env_id`; its keyword parameters are the environment's options.

    Raises
    ------
    UsageError
        If there is no such environment.
    """
    if env_id.startswith(PREFIX):
        from harness.envs.own import own_mdp

        return partial(own_mdp, env_id.removeprefix(PREFIX))
    found: Callable[..., Environment[Any, Any]] = ENVIRONMENTS.load(env_id)
    return found


def make(env_id: str, **options: Any) -> Environment[Any, Any]:
    """Build the environment `env_id`.

    Raises
    ------
    UsageError
        If there is no such environment, or it does not know an option.
    """
    made_by = factory(env_id)
    known = inspect.signature(made_by).parameters
    for option in options:
        if option not in known:
            raise UsageError(
                f"The environment '{env_id}' has no option '{option}'; it knows: {', '.join(known) or 'none'}."
            )
    environment: Environment[Any, Any] = made_by(**options)
    from harness.mdp.environment import TabularEnvironment

    if isinstance(environment, TabularEnvironment):
        environment.options = beyond_defaults(env_id, options)
    return environment


def make_tabular(env_id: str, **options: Any) -> TabularEnvironment[Any, Any]:
    """Build an environment that tables of states and actions can be of: it has both, and shows its whole state.

    Raises
    ------
    UsageError
        If there is none of that id with these options, it is not tabular, or it hides part of its state.
    """
    import numpy as np

    from harness.mdp.environment import TabularEnvironment

    env = make(env_id, **options)
    if not isinstance(env, TabularEnvironment):
        raise UsageError(f"{env.spec.id} is not tabular: its states and actions have no numbers.")
    if not np.array_equal(env.seen, np.arange(env.mdp.n_states)):
        raise UsageError(f"{env.spec.id} hides part of its state; what is needed here is all of it.")
    return env


def beyond_defaults(env_id: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Those options that are not the environment's defaults, as text.

    >>> beyond_defaults("icu-sepsis", {"inadmissible": "mean"})
    {}
    >>> beyond_defaults("icu-sepsis", {"inadmissible": "raise"})
    {'inadmissible': 'raise'}

    Raises
    ------
    UsageError
        If there is no such environment.
    """
    known = inspect.signature(factory(env_id)).parameters
    return {
        name: str(value)
        for name, value in sorted(options.items())
        if name not in known or str(value) != str(known[name].default)
    }
