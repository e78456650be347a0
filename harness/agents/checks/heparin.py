"""Rules of a shield around whoever doses heparin: caps, held doses, monitoring, contraindications.

Raschke's nomogram is never vetoed by the first three, but for the cap on the boluses of heavy patients; treating by the
4Ts is never vetoed by the fourth.
"""

from __future__ import annotations

from typing import Any

from harness.agents.checks.check import Check, Ruling, named, no_argument
from harness.core.errors import UsageError
from harness.envs.anticoagulation.four_ts import INTERMEDIATE, deepest_fall
from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin.actions import BOLUSES, SETS, HeparinLabsAction, new_rate, rate_word
from harness.envs.anticoagulation.heparin.environment import HeparinInfusion
from harness.envs.anticoagulation.heparin.hit import policies
from harness.envs.anticoagulation.heparin.hit.environment import HeparinHit
from harness.envs.anticoagulation.heparin.hit.shown import HitAction, HitObservation, chart_of
from harness.envs.anticoagulation.heparin.shown import (
    AnyAction,
    AnyObservation,
    HeparinLabsObservation,
    HeparinObservation,
)

BOLUS_MOST = 10_000
"""Largest bolus, U: the usual cap of hospital protocols."""

RATE_MOST = 36
"""Highest rate allowed unless told otherwise, U/kg/h: twice Raschke's start."""

LOWERED = 3
"""What a paused infusion is lowered by, U/kg/h [Raschke 1993]."""

AFTER_CHANGE, AT_MOST = 8, 24
"""Hours after a change within which an aPTT has to be drawn (six, and two in case a sample was lost), and hours between
two of them when nothing was changed [Raschke 1993]."""


def heparin_cap(env: Any, argument: str) -> Check:
    """No bolus above 10,000 U, no rate above 36 U/kg/h: heparin-cap, or heparin-cap:RATE."""
    _infusion(env, "heparin-cap")
    if argument and not (argument.isdecimal() and c.SETS[0] <= int(argument) <= c.MOST):
        raise UsageError(
            f"The rule 'heparin-cap:{argument}' is not understood; expected a rate from {c.SETS[0]} to {c.MOST:g} "
            "U/kg/h, e.g. heparin-cap:24."
        )
    most = int(argument or RATE_MOST)

    def against(observation: AnyObservation, action: AnyAction) -> Ruling | None:
        wanted, bolus = new_rate(action.rate, observation.rate), BOLUSES[action.bolus]
        allowed = [word for word, dose in BOLUSES.items() if dose * observation.weight <= BOLUS_MOST and dose <= bolus]
        if wanted > most:
            instead = action.model_copy(update={"rate": _lowered(observation.rate, most), "bolus": allowed[-1]})
            return None if instead == action else Ruling(f"{wanted:g} U/kg/h is above {most}", instead)
        if bolus * observation.weight > BOLUS_MOST:
            reason = f"{bolus} U/kg are {bolus * observation.weight:,} U, above {BOLUS_MOST:,}"
            return Ruling(reason, action.model_copy(update={"bolus": allowed[-1]}))
        return None

    return Check(named("heparin-cap", argument), against)


def heparin_hold(env: Any, argument: str) -> Check:
    """With the last aPTT above 90 s nothing is added, and above 120 s, once, the infusion pauses."""
    _infusion(env, "heparin-hold")
    no_argument("heparin-hold", argument)

    def against(observation: AnyObservation, action: AnyAction) -> Ruling | None:
        aptt, answered = _last_aptt(observation)
        if aptt is None or aptt <= c.FAR_ABOVE or observation.rate == 0:
            return None
        adds = action.bolus != "none" or new_rate(action.rate, observation.rate) > observation.rate
        calm = action
        if adds:
            kept = "same" if new_rate(action.rate, observation.rate) > observation.rate else action.rate
            calm = action.model_copy(update={"rate": kept, "bolus": "none"})
        goes_on = new_rate(calm.rate, observation.rate) >= observation.rate and calm.hold == "none"
        if aptt > c.DANGEROUS and goes_on and not answered:
            lower = rate_word(max(observation.rate - LOWERED, 0.0), observation.rate)
            held = calm.model_copy(update={"rate": lower, "hold": "60_min"})
            return Ruling(f"the last aPTT was {aptt} s, above {c.DANGEROUS}", held)
        return Ruling(f"the last aPTT was {aptt} s, above {c.FAR_ABOVE}", calm) if adds else None

    return Check("heparin-hold", against)


def heparin_monitor(env: Any, argument: str) -> Check:
    """heparin-labs: an aPTT within 8 h of a change and within 24 h; nothing added on a result from before a change."""
    if not _infusion(env, "heparin-monitor").setting.ordered:
        raise UsageError(f"The rule 'heparin-monitor' vetoes nothing in {env.spec.id}, where blood is drawn by itself.")
    no_argument("heparin-monitor", argument)

    def against(observation: HeparinLabsObservation, action: HeparinLabsAction) -> Ruling | None:
        changed = observation.orders[-1].hour if observation.orders else -1
        usable = [r.drawn for r in observation.results if r.test == "aptt" and r.value is not None]
        drawn = max([*usable, *(p.drawn for p in observation.pending if p.test == "aptt"), 0])
        adds = action.bolus != "none" or new_rate(action.rate, observation.rate) > observation.rate
        if adds and observation.rate > 0 and max(usable, default=-1) <= changed:
            calm = action.model_copy(update={"rate": "same", "bolus": "none"})
            return Ruling(f"no result shows what the change at hour {changed} did", calm)
        running = observation.rate > 0
        due = observation.hour - changed >= AFTER_CHANGE if changed >= drawn else observation.hour - drawn >= AT_MOST
        if running and due and action.labs not in ("aptt", "both"):
            both = "both" if action.labs == "anti_xa" else "aptt"
            since = "the change" if changed >= drawn else "the last draw"
            reason = f"no aPTT was drawn since {since} at hour {max(changed, drawn)}"
            return Ruling(reason, action.model_copy(update={"labs": both}))
        return None

    return Check("heparin-monitor", against)


def no_heparin_in_hit(env: Any, argument: str) -> Check:
    """heparin-hit: no heparin where platelets fell and the 4Ts are 4 or more, or no-heparin-in-hit:SCORE."""
    _hit(env, "no-heparin-in-hit")
    if argument and not (argument.isdecimal() and 1 <= int(argument) <= 8):
        raise UsageError(f"The rule 'no-heparin-in-hit:{argument}' is not understood; expected a score from 1 to 8.")
    threshold = int(argument or INTERMEDIATE)

    def against(observation: HitObservation, action: HitAction) -> Ruling | None:
        chart = chart_of(observation)
        if action.therapy != "heparin" or not policies.suspected(chart, threshold)[0]:
            return None
        score = int(policies.scored(chart).total[0])
        return Ruling(f"the 4Ts are {score}: heparin is contraindicated", HitAction(therapy="alternative"))

    return Check(named("no-heparin-in-hit", argument), against)


def no_heparin_after_fall(env: Any, argument: str) -> Check:
    """heparin-hit: no heparin once half of the platelets are lost, whatever the 4Ts."""
    _hit(env, "no-heparin-after-fall")
    no_argument("no-heparin-after-fall", argument)

    def against(observation: HitObservation, action: HitAction) -> Ruling | None:
        fall = float(deepest_fall(chart_of(observation).counts).fall[0])
        if action.therapy != "heparin" or fall < 0.5:
            return None
        return Ruling(f"{fall:.0%} of the platelets are lost", HitAction(therapy="alternative"))

    return Check("no-heparin-after-fall", against)


def _lowered(rate: float, most: int) -> str:
    """The order of the highest rate up to `most`; as far down as one order can where that is still above."""
    if rate == 0:
        return max((word for word, begun in SETS.items() if begun <= most), key=SETS.__getitem__)
    return rate_word(max(float(most), rate + min(c.CHANGES)), rate)


def _last_aptt(observation: AnyObservation) -> tuple[int | None, bool]:
    """The known aPTT that was drawn last, and whether something was ordered since it became known."""
    if isinstance(observation, HeparinObservation):
        return observation.aptt, False
    known = [r for r in observation.results if r.test == "aptt" and r.value is not None]
    if not known:
        return None, False
    last = max(known, key=lambda r: r.drawn)
    answered = bool(observation.orders) and observation.orders[-1].hour >= last.known
    return int(last.value or 0), answered


def _infusion(env: Any, rule: str) -> HeparinInfusion:
    if not isinstance(env, HeparinInfusion):
        raise UsageError(f"The rule '{rule}' is about infusions of heparin, and {env.spec.id} has none; leave it out.")
    return env


def _hit(env: Any, rule: str) -> None:
    if not isinstance(env, HeparinHit):
        raise UsageError(f"The rule '{rule}' is about heparin-hit, and {env.spec.id} is another task; leave it out.")
