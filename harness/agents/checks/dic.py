"""Rules of a shield around whoever treats patients with DIC.

What they go by are the contraindications of guidelines, not the simulator: thresholds stand in
`harness/envs/anticoagulation/dic/constants.py`.
"""

from __future__ import annotations

from typing import Any

from harness.agents.checks.check import Check, Ruling, named, no_argument, number
from harness.core.errors import UsageError
from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.actions import DOSES, INDEX, TRANSFUSE, DicAction
from harness.envs.anticoagulation.dic.environment import DicWard
from harness.envs.anticoagulation.dic.policies import TXA_CAUSES
from harness.envs.anticoagulation.dic.shown import DicObservation

DOSES_A_DAY = 8
"""Doses of components in 24 hours that `dic-transfusion-cap` allows if no other number is given. A convention."""

LITRES = 1.5
"""Litres of components in the circulation that `dic-volume-cap` allows if no other number is given. A convention."""


def heparin(env: Any, argument: str) -> Check:
    """No heparin while a patient bleeds, nor below the platelets for its dose; a lower dose where that is allowed."""
    name = "dic-heparin"
    _refuse(env, name, argument)
    prophylactic, therapeutic = c.HEPARIN_PLATELETS

    def against(seen: DicObservation, action: DicAction) -> Ruling | None:
        if action.drug not in ("heparin_prophylactic", "heparin_therapeutic"):
            return None
        least = therapeutic if action.drug == "heparin_therapeutic" else prophylactic
        if seen.bleeding:
            return Ruling("heparin while the patient bleeds", action.model_copy(update={"drug": "none"}))
        if seen.platelets < least:
            lower = "heparin_prophylactic" if seen.platelets >= prophylactic else "none"
            reason = f"{action.drug} at platelets of {seen.platelets}, below {least:g}"
            return Ruling(reason, action.model_copy(update={"drug": lower}))
        return None

    return Check(name, against)


def txa(env: Any, argument: str) -> Check:
    """Tranexamic acid only for bleeding after an injury or a birth, begun within three hours."""
    name = "dic-txa"
    _refuse(env, name, argument)

    def against(seen: DicObservation, action: DicAction) -> Ruling | None:
        if action.drug != "txa":
            return None
        instead = action.model_copy(update={"drug": "none"})
        if seen.cause not in TXA_CAUSES:
            return Ruling(f"tranexamic acid in {seen.cause}, where clots may not be dissolved", instead)
        if not seen.bleeding:
            return Ruling("tranexamic acid without bleeding", instead)
        if seen.hours >= c.TXA_HOURS:
            return Ruling(f"tranexamic acid after {seen.hours} hours, more than {c.TXA_HOURS:g}", instead)
        return None

    return Check(name, against)


def indication(env: Any, argument: str) -> Check:
    """Components only for bleeding, platelets below 20 aside: never for laboratory values alone."""
    name = "dic-indication"
    _refuse(env, name, argument)

    def against(seen: DicObservation, action: DicAction) -> Ruling | None:
        if action.transfuse == "none" or seen.bleeding:
            return None
        allowed = "platelets" if seen.platelets < c.PLATELETS_PROPHYLACTIC else "none"
        kept = allowed if allowed in action.transfuse else "none"
        if kept == action.transfuse:
            return None
        reason = "components for laboratory values alone, without bleeding"
        return Ruling(reason, action.model_copy(update={"transfuse": kept}))

    return Check(name, against)


def transfusion_cap(env: Any, argument: str) -> Check:
    """No more than so many doses of components in 24 hours."""
    name = "dic-transfusion-cap"
    _refuse(env, name)
    most = number(name, argument, DOSES_A_DAY, f"a number, e.g. {name}:{DOSES_A_DAY:g}", zero=True)

    def against(seen: DicObservation, action: DicAction) -> Ruling | None:
        left = max(most - seen.doses_24h, 0)
        given = DOSES[INDEX[action]]
        if given <= left:
            return None
        reason = f"{seen.doses_24h} doses in 24 hours and {given} more, above {most:g}"
        return Ruling(reason, _fewer(action, lambda transfuse: DOSES[TRANSFUSE.index(transfuse)] <= left))

    return Check(named(name, argument), against)


def volume_cap(env: Any, argument: str) -> Check:
    """No more than so many litres of components in the circulation."""
    name = "dic-volume-cap"
    _refuse(env, name)
    most = number(name, argument, LITRES, f"a number, e.g. {name}:{LITRES:g}", zero=True)

    def against(seen: DicObservation, action: DicAction) -> Ruling | None:
        after = seen.component_volume + litres(action.transfuse)
        if action.transfuse == "none" or after <= most:
            return None
        reason = f"{after:.2f} L of components in the circulation, above {most:g}"
        return Ruling(reason, _fewer(action, lambda t: seen.component_volume + litres(t) <= most))

    return Check(named(name, argument), against)


def litres(transfuse: str) -> float:
    """Volume of the components of an order."""
    return sum(volume for component, volume in c.LITRES.items() if component in transfuse)


def _fewer(action: DicAction, allowed: Any) -> DicAction:
    """The action with as many of its components as are allowed; among as many, those of the least volume."""
    wanted = set(action.transfuse.split("_"))
    fewer = [t for t in TRANSFUSE if t == "none" or (set(t.split("_")) <= wanted and allowed(t))]
    kept = max(fewer, key=lambda t: (DOSES[TRANSFUSE.index(t)], -litres(t)))
    return action.model_copy(update={"transfuse": kept})


def _refuse(env: Any, name: str, argument: str = "") -> None:
    if not isinstance(env, DicWard):
        raise UsageError(f"The rule '{name}' is about patients of dic, and {env.spec.id} has none; leave it out.")
    no_argument(name, argument)
