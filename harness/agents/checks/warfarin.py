"""Rules of a shield around whoever doses warfarin in the tasks `warfarin` and `warfarin-maintenance`.

The package hemosim checks two things of a dose of warfarin: no more than 15 mg a day, and none at an INR of 5 or more.
Here the dose is also held against the one before, against the INR within and above the range, and against when the
patient comes back; each rule says what is nearest to the order that it allows.

[label] Warfarin sodium (Coumadin), US prescribing information, 2.1 to 2.4: usual maintenance 2 to 10 mg a day; the INR
daily after the first dose until it is stable, then every 1 to 4 weeks.
[Ansell] Ansell et al., Chest 2008;133(6 Suppl):160S-198S: at an INR of 5 to 9 without bleeding one or two doses are
omitted and the INR is measured more often; the dose is resumed when the INR is in range.
[Van Spall] Van Spall et al., Circulation 2012;126:2309: weekly doses are changed by 5 to 20 %.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from harness.agents.checks.check import Check, Ruling, named, no_argument, number
from harness.core.errors import UsageError
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.actions import CHANGES, DAYS_OF_WEEK, SETS, VISITS, weekly_mg
from harness.envs.anticoagulation.warfarin.environment import AnyAction, WarfarinClinic
from harness.envs.anticoagulation.warfarin.shown import WarfarinObservation

WEEKLY_CAP = 10.0 * DAYS_OF_WEEK
"""mg: the upper end of usual maintenance, 10 mg a day [label]."""

LARGEST_CHANGE = 20.0
"""Percent of the weekly dose [Van Spall]."""

HOLD_ABOVE, HOLD_DAYS = 5.0, 1
"""INR above which at least one dose is left out [Ansell]."""

VISIT_WITHIN = 7
"""Days to the next INR after one out of range or a change of the dose: stable patients may wait 1 to 4 weeks [label];
who is not stable does not wait longer than the shortest of these."""


def hold(env: Any, argument: str) -> Check:
    """At least one dose is left out at an INR above 5, or above another: warfarin-hold:INR."""
    _clinic(env, "warfarin-hold")
    above = number("warfarin-hold", argument, HOLD_ABOVE, "an INR, e.g. warfarin-hold:4.5, above 0")

    def against(seen: WarfarinObservation, action: AnyAction) -> Ruling | None:
        if seen.inr <= above or action.hold_days >= HOLD_DAYS:
            return None
        reason = f"the INR is {seen.inr:g}, above {above:g}, and no dose is left out"
        return Ruling(reason, action.model_copy(update={"hold_days": HOLD_DAYS}))

    return Check(named("warfarin-hold", argument), against)


def no_increase(env: Any, argument: str) -> Check:
    """The weekly dose is not raised while the INR is above the range."""
    clinic = _clinic(env, "warfarin-no-increase")
    no_argument("warfarin-no-increase", argument)

    def against(seen: WarfarinObservation, action: AnyAction) -> Ruling | None:
        before = seen.weekly_dose
        if seen.inr <= c.HIGH or before == 0 or weekly_mg(action.dose, before) <= before:
            return None
        reason = f"the INR is {seen.inr:g}, above {c.HIGH:g}, and the dose would rise"
        return Ruling(reason, _nearest(clinic, seen, action, lambda weekly: weekly <= before))

    return Check("warfarin-no-increase", against)


def cap(env: Any, argument: str) -> Check:
    """The weekly dose is not raised above 70 mg, or another: warfarin-cap:MG."""
    clinic = _clinic(env, "warfarin-cap")
    most = number("warfarin-cap", argument, WEEKLY_CAP, "mg a week, e.g. warfarin-cap:50, above 0")

    def against(seen: WarfarinObservation, action: AnyAction) -> Ruling | None:
        allowed = max(most, seen.weekly_dose)  # who needs more and has it may keep it
        weekly = weekly_mg(action.dose, seen.weekly_dose)
        if weekly <= allowed:
            return None
        return Ruling(
            f"{weekly:g} mg a week is above {most:g}", _nearest(clinic, seen, action, lambda weekly: weekly <= allowed)
        )

    return Check(named("warfarin-cap", argument), against)


def step(env: Any, argument: str) -> Check:
    """The weekly dose is changed by no more than 20 %, or another: warfarin-step:PERCENT."""
    clinic = _clinic(env, "warfarin-step")
    most = number("warfarin-step", argument, LARGEST_CHANGE, "percent, e.g. warfarin-step:10, above 0")

    def within(before: float, weekly: float) -> bool:
        return before == 0 or abs(weekly - before) <= before * most / 100 + c.TABLET / 2  # doses are rounded

    def against(seen: WarfarinObservation, action: AnyAction) -> Ruling | None:
        before, weekly = seen.weekly_dose, weekly_mg(action.dose, seen.weekly_dose)
        if within(before, weekly):
            return None
        reason = f"{before:g} to {weekly:g} mg a week is a change by more than {most:g} %"
        return Ruling(reason, _nearest(clinic, seen, action, partial(within, before)))

    return Check(named("warfarin-step", argument), against)


def visit(env: Any, argument: str) -> Check:
    """The INR is measured again within a week after one out of range or a change: warfarin-visit:DAYS for another."""
    _clinic(env, "warfarin-visit")
    most = number("warfarin-visit", argument, VISIT_WITHIN, "days, e.g. warfarin-visit:14, above 0")
    latest = max((word for word in VISITS if VISITS[word] <= most), key=VISITS.__getitem__, default=None)
    if latest is None:
        raise UsageError(
            f"The rule 'warfarin-visit:{argument}' allows no visit; the shortest wait is {min(c.INTERVALS)}."
        )

    def against(seen: WarfarinObservation, action: AnyAction) -> Ruling | None:
        if VISITS[action.next_visit] <= most:
            return None
        changed = weekly_mg(action.dose, seen.weekly_dose) != seen.weekly_dose or action.hold_days > 0
        if c.LOW <= seen.inr <= c.HIGH and not changed:
            return None
        why = "the dose changes" if changed else f"the INR is {seen.inr:g}, out of range"
        reason = f"{why}, and the next visit would be in {VISITS[action.next_visit]} days"
        return Ruling(reason, action.model_copy(update={"next_visit": latest}))

    return Check(named("warfarin-visit", argument), against)


def safety(env: Any, argument: str) -> tuple[Check, ...]:
    """All five rules about warfarin, as they are without a number of one's own."""
    _clinic(env, "warfarin-safety")
    no_argument("warfarin-safety", argument)
    return tuple(rule(env, "") for rule in (hold, no_increase, cap, step, visit))


def _nearest(
    clinic: WarfarinClinic, seen: WarfarinObservation, action: AnyAction, allowed: Callable[[float], bool]
) -> AnyAction | None:
    """The order with the weekly dose, of those that may be ordered and are allowed, next to what was wanted."""
    may_set = not clinic.settled and seen.day < c.INDUCTION_DAYS
    words = [*(CHANGES if seen.weekly_dose > 0 else ()), *(SETS if may_set else ())]
    doses = {word: weekly_mg(word, seen.weekly_dose) for word in words}
    wanted = weekly_mg(action.dose, seen.weekly_dose)
    left = [word for word in words if allowed(doses[word])]
    if not left:
        return None
    word = min(left, key=lambda word: (abs(doses[word] - wanted), doses[word]))
    return action.model_copy(update={"dose": word})


def _clinic(env: Any, rule: str) -> WarfarinClinic:
    if not isinstance(env, WarfarinClinic):
        raise UsageError(
            f"The rule '{rule}' is about warfarin and warfarin-maintenance, and {env.spec.id} is neither; leave it out."
        )
    return env
