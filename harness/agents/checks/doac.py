"""Rules of a shield around whoever orders anticoagulants: what labels and guidelines say, enforced.

A veto names the rule that an order breaks and why, so that a trace tells every order that was not carried out. What
comes in its place breaks no rule of any kind: the label's dose of the same drug where that is right, else the first
drug that is, and the days left out that were wanted if they are right for it, else those that it needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.agents.checks.check import Check, Ruling, no_argument
from harness.core.errors import UsageError
from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import policies
from harness.envs.anticoagulation.doac.actions import DoacAction, action_of
from harness.envs.anticoagulation.doac.environment import DoacClinic
from harness.envs.anticoagulation.doac.rules import Kind, reasons
from harness.envs.anticoagulation.doac.shown import DoacObservation, status_of


def contraindications(env: Any, argument: str) -> Check:
    """No drug that valve, kidneys, liver or a bleeding forbid."""
    return _check(env, "doac-contraindications", Kind.CONTRAINDICATION, argument)


def interactions(env: Any, argument: str) -> Check:
    """No drug beside another one that forbids it."""
    return _check(env, "doac-interactions", Kind.INTERACTION, argument)


def dose(env: Any, argument: str) -> Check:
    """The label's dose only."""
    return _check(env, "doac-dose", Kind.DOSE, argument)


def hold(env: Any, argument: str) -> Check:
    """Left out before a procedure neither too short nor too long."""
    return _check(env, "doac-hold", Kind.HOLD, argument)


def _check(env: Any, name: str, kind: Kind, argument: str) -> Check:
    if not isinstance(env, DoacClinic):
        raise UsageError(f"The rule '{name}' is about anticoagulants, and {env.spec.id} has none; leave it out.")
    no_argument(name, argument)

    def against(observation: DoacObservation, action: DoacAction) -> Ruling | None:
        status = status_of(observation)
        drug = c.DRUGS.index(action.drug)
        broken = next((rule for rule in reasons(status, drug, action.hold_days) if rule.kind is kind), None)
        if broken is None:
            return None
        order = [c.MOLECULES.index(name) for name in policies.PREFERENCE]
        instead = policies.permitted(status, np.array([drug]), order)
        days = action.hold_days
        if reasons(status, int(instead[0]), days):
            days = int(policies.held(status, instead)[0])
        return Ruling(f"{broken.name}: {broken.reason}", action_of(int(instead[0]), days))

    return Check(name, against)
