"""The package hemosim's own baselines as agents, unchanged, and the policies that show what its tasks are worth.

A baseline of the package is a function of its vector; what it wants becomes the action that comes nearest. Most want
one that can be ordered exactly: warfarin in half milligrams, heparin in U/kg/h as its nomogram has them. The package's
anti-Xa and pharmacogenetic baselines and chance are rounded, to 0.25 or 0.5 U/kg/h and 0.5 mg; that can cost or gain a
day below an INR of 1.5, whose penalty is 5.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.agents.rules import RuleAgent, luck
from harness.core.agent import Situation
from harness.core.environment import Action
from harness.core.errors import UsageError
from harness.envs.hemosim import tasks
from harness.envs.hemosim.actions import DicTreatment, DoacChoice, HeparinLabOrder, HeparinOrder, WarfarinDose
from harness.envs.hemosim.environment import HemosimEnvironment
from harness.envs.hemosim.package import load
from harness.envs.hemosim.scaling import HEPARIN, Vector, normalised

CLINICAL = {
    "hemosim/warfarin": "WarfarinClinicalBaseline",
    "hemosim/heparin": "HeparinRaschkeBaseline",
    "hemosim/heparin-pomdp": "HeparinRaschkeBaseline",
    "hemosim/doac": "DOACGuidelineBaseline",
    "hemosim/dic": "DICProtocolBaseline",
}
"""The package's clinical baselines; it has none for the task with ordered labs and is given its neighbour's there."""

SEED = 42
"""What the package gives its baselines; none but chance uses it."""


def _baseline(
    name: str, env: HemosimEnvironment, made: Callable[[Situation], Any], *, remembers: bool = False
) -> RuleAgent:
    """A baseline of the package, made anew for every decision: one that remembers is shown the whole episode again.

    Parameters
    ----------
    made : function of a situation
        The baseline: what has a method `predict`.
    """
    task = env.task

    def decide(observation: Any, situation: Situation) -> Action:
        baseline = made(situation)
        if remembers:
            for before, _ in situation.history:
                baseline.predict(_vector(task, before))
        wanted = np.asarray(baseline.predict(_vector(task, observation)))
        if task is tasks.HEPARIN_POMDP and len(wanted) == len(HEPARIN_ENTRIES):
            wanted = np.append(wanted, ORDERS)
        found: Action = task.nearest(wanted, observation)
        return found

    return RuleAgent(name, decide, memoryless=not remembers)


def _vector(task: tasks.Task, observation: Any) -> Vector:
    if task is not tasks.HEPARIN_POMDP:
        return normalised(task.entries, observation)
    known = observation.model_dump()
    return normalised(HEPARIN, {**known, "heparin": known["anti_xa"] or 0.0})


HEPARIN_ENTRIES = ("rate", "bolus")
ORDERS = (1.0, 0.0, 0.0)
"""What a baseline for heparin orders where it has to: an aPTT at every decision, which is what it looks at."""


TRIVIAL: dict[str, Callable[[Any], Action]] = {
    "hemosim/warfarin": lambda seen: WarfarinDose(dose_mg="15"),
    "hemosim/heparin": lambda seen: HeparinOrder(rate="1.5", bolus="no"),
    "hemosim/heparin-pomdp": lambda seen: HeparinLabOrder(
        rate="1.25", bolus="no", order_aptt="no", order_anti_xa="no", order_platelets="no"
    ),
    "hemosim/doac": lambda seen: DoacChoice(drug=seen.drug, dose="standard"),
    "hemosim/dic": lambda seen: DicTreatment(platelets="1_unit", ffp="2_units", cryoprecipitate="none", heparin="low"),
}
"""The best found by trying constants on a grid, per task. None looks at the patient; that of `doac` keeps the drug."""


def _of(env: Any, name: str, *task_ids: str) -> HemosimEnvironment:
    valid = task_ids or tuple(CLINICAL)
    if not isinstance(env, HemosimEnvironment) or env.spec.id not in valid:
        raise UsageError(f"The agent '{name}' treats patients of {', '.join(valid)}, not {env.spec.id}.")
    return env


def _of_class(env: Any, name: str, of: str, *task_ids: str, remembers: bool = False, **given: Any) -> RuleAgent:
    made = _of(env, name, *task_ids)
    baseline = load("agents", of)
    return _baseline(name, made, lambda situation: baseline(seed=SEED, **given), remembers=remembers)


def random(env: Any) -> RuleAgent:
    """The package's `RandomBaseline`: uniform over its action space, drawn anew for every decision."""
    made = _of(env, "hemosim-random")
    baseline, space = load("agents", "RandomBaseline"), type(made.inner)().action_space

    def drawn(situation: Situation) -> Any:
        return baseline(space, seed=int(luck(situation).integers(2**31)))

    return _baseline("hemosim-random", made, drawn)


def clinical(env: Any) -> RuleAgent:
    """The package's clinical baseline of the task.

    For warfarin a dose by the INR's band; for heparin a rate by the aPTT's band, called Raschke there; for DOACs a drug
    and dose by CrCl and HAS-BLED; for DIC thresholds for every product. With ordered labs it is the one for heparin on
    the aPTT that was reported last, ordering one at every decision.
    """
    name = "hemosim-clinical"
    return _of_class(env, name, CLINICAL[_of(env, name).spec.id])


def trivial(env: Any) -> RuleAgent:
    """Always the same, whatever is shown: the best of its kind found.

    15 mg of warfarin a day; 1.5 U/kg/h of heparin, or 1.25 and no laboratory value ever; the DOAC that the patient came
    with at its standard dose; a unit of platelets, 2 of plasma and low heparin every 4 hours. An agent that is not
    better has not shown that it looks at patients.
    """
    name = "hemosim-trivial"
    does = TRIVIAL[_of(env, name).spec.id]
    return RuleAgent(name, lambda observation, situation: does(observation))


def gage(env: Any) -> RuleAgent:
    """The package's `WarfarinGageBaseline`, whose coefficients are not those of Gage et al. (2008)."""
    return _of_class(env, "hemosim-gage", "WarfarinGageBaseline", "hemosim/warfarin")


def ordinal(env: Any) -> RuleAgent:
    """The package's `WarfarinOrdinalBaseline`: 5 mg, then changed in percent by the INR every day."""
    return _of_class(env, "hemosim-ordinal", "WarfarinOrdinalBaseline", "hemosim/warfarin", remembers=True)


def anti_xa(env: Any) -> RuleAgent:
    """The package's `HeparinAntiXaBaseline`: 18 U/kg/h, changed by up to 10 % by the concentration."""
    return _of_class(env, "hemosim-anti-xa", "HeparinAntiXaBaseline", "hemosim/heparin", remembers=True)


def nemati(env: Any) -> RuleAgent:
    """The package's `NematiDQN2016Baseline` without weights, which ship nowhere: its threshold rule, no network."""
    no_weights = os.devnull  # else it would look for a file of weights below the working directory
    name = "hemosim-nemati"
    return _of_class(env, name, "NematiDQN2016Baseline", "hemosim/heparin", remembers=True, weights_path=no_weights)
