"""Numbers made fit for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.core.environment import ReferenceKind
from harness.envs.ids import short_name
from harness.evaluation.intervals import NO_INTERVAL
from harness.evaluation.summary import Summary

DIGITS = 4
"""Decimals of a value; survival differences of interest are a few thousandths."""


def not_for_ranking(env: str) -> str:
    """What stands beside every value of an environment that is assumption-based."""
    return (
        f"Mind: {short_name(env)} is assumption-based, no evidence holds up its dynamics. Its values are kept out of "
        "rankings: they compare agents in this simulation alone."
    )


def number(value: float) -> str:
    """A value to `DIGITS` decimals; rounding leaves no minus before a zero."""
    return f"{round(value, DIGITS) + 0.0:.{DIGITS}f}"


def outward(lower: float, upper: float, digits: int = DIGITS) -> tuple[str, str]:
    """Bounds rounded away from each other, so that what is printed still encloses the value (to 1e-6 of a digit).

    >>> outward(0.77904, 0.78891, 3)
    ('0.779', '0.789')
    """
    scale = 10**digits
    low, high = math.floor(round(lower * scale, 6)), math.ceil(round(upper * scale, 6))
    return f"{low / scale:.{digits}f}", f"{high / scale:.{digits}f}"


def between(lower: float | None, upper: float | None) -> str:
    """'0.7790 – 0.7889', rounded outward; one number where both are the same; '–' where there is none."""
    if lower is None or upper is None:
        return "–"
    if lower == upper:
        return number(lower)
    return " – ".join(outward(lower, upper))


def policy_name(name: str, kind: ReferenceKind | None) -> str:
    """The name of a policy in a table; of an optimum that no agent can reach, that too."""
    informed = name == "optimal" and kind is ReferenceKind.INFORMED
    return "optimal (informed: knows what agents cannot)" if informed else name


def without_interval(s: Summary) -> str:
    """'no interval', and why there is none where that is known."""
    return s.interval if s.interval.startswith(NO_INTERVAL) else NO_INTERVAL


def plus_minus(value: float, lower: float, upper: float) -> str:
    """A value with the half-width of its symmetric interval, rounded up so that what is printed encloses it.

    >>> plus_minus(0.82774, 0.82667, 0.82881)
    '0.8277 ±0.0012'
    """
    if math.isnan(lower) or math.isnan(upper):
        return number(value)
    scale, shown = 10**DIGITS, float(number(value))
    return f"{number(value)} ±{math.ceil(max(upper - shown, shown - lower) * scale - 1e-9) / scale:.{DIGITS}f}"


def with_options(options: Mapping[str, str]) -> str:
    """The options of an environment, to stand behind its name: ` · inadmissible terminate`."""
    return "".join(f" · {name} {value}" for name, value in options.items())


def percent(share: float | None) -> str:
    """A share as '12.1 %'."""
    return "–" if share is None else f"{100 * share:.1f} %"


def counted(episodes: int) -> str:
    """So many episodes, in words.

    >>> counted(1), counted(30)
    ('1 episode', '30 episodes')
    """
    return f"{episodes} episode{'' if episodes == 1 else 's'}"


def duration(seconds: float) -> str:
    """'3:12', or '1:02:45'."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
