"""Protocols of heparin, arrays over patients: a start, then changes by the aPTT.

In `heparin` every decision sees an aPTT. In `heparin-labs` a protocol draws one six hours after every change and after
every result, or a day after two in a row within the range; it acts on each result once, and where one was lost it draws
again. Protocols by anti-Xa do the same with that, which only `heparin-labs` has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin.actions import orderable
from harness.envs.anticoagulation.heparin.infusion import Chart, Orders, Policy, either, orders
from harness.envs.anticoagulation.heparin.laboratory import ANTI_XA, APTT, NEVER
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

EVERY, STEADY = 6, 24
"""Hours from a change or a result to the next draw, and after two results in a row within the range [Raschke 1993]."""

Start = Callable[[FloatArray], Orders]
"""Orders at the beginning, from the weights."""

Adjust = Callable[[FloatArray, FloatArray, FloatArray], Orders]
"""Orders from aPTT (s) or anti-Xa (IU/mL), running rate (U/kg/h) and weight (kg)."""

WITHIN = {APTT: (float(c.LOW), float(c.HIGH)), ANTI_XA: c.ANTI_XA_RANGE}
"""The range of each test that a protocol keeps to."""


def constant(rate: FloatArray | float, bolus: float = 0.0) -> Policy:
    """The same rate (U/kg/h) after a first bolus (U/kg), whatever the aPTT; nothing is ever drawn."""

    def policy(chart: Chart) -> Orders:
        return orders(np.broadcast_to(np.asarray(rate, float), chart.rate.shape), bolus if chart.hour == 0 else 0.0)

    return policy


fixed = constant(18.0, 80.0)
"""Raschke's start, never changed."""

none = constant(0.0)
"""No heparin."""


def random_orders(rng: np.random.Generator) -> Policy:
    """Raschke's start, then every six hours any change, 0, 40 or 80 U/kg, and a pause of an hour or none: chance.

    Where tests are ordered, each is at every sixth decision.
    """

    def policy(chart: Chart) -> Orders:
        n = chart.rate.shape
        if chart.hour == 0:
            return raschke_start(chart.weight)
        changed = np.clip(chart.rate + rng.choice(c.CHANGES, n), 0, c.MOST)
        found = orders(changed, rng.choice((0.0, 40.0, 80.0), n), rng.choice((0.0, 1.0), n))
        if chart.hour % EVERY:
            found = orders(chart.rate)
        # what has come to a stop is begun anew
        begun = np.where((chart.rate == 0) & (found.rate > 0), float(min(c.SETS)), found.rate)
        tests = rng.random(found.tests.shape) < 1 / EVERY
        return replace(found, rate=begun, tests=tests & chart.setting.ordered)

    return policy


def protocol(start: Start, adjust: Adjust, test: int = APTT) -> Policy:
    """A start, then changes by every new result of a test, drawn when one is due where tests are ordered."""

    def policy(chart: Chart) -> Orders:
        if chart.hour == 0:
            return start(chart.weight)
        value, new = _new_result(chart, test)
        told = adjust(np.where(new, value, WITHIN[test][0]), chart.rate, chart.weight)
        found = either(new, told, orders(chart.rate))
        if not chart.setting.ordered:
            return found
        acts = (found.rate != chart.rate) | (found.bolus > 0) | (found.hold > 0)
        tests = np.zeros_like(found.tests)
        tests[test] = _due(chart, test) & ~acts
        return replace(found, tests=tests)

    return policy


def _new_result(chart: Chart, test: int) -> tuple[FloatArray, BoolArray]:
    """The latest result and whether it became known since the last decision and was drawn after the last change."""
    value, drawn = chart.samples.latest(test)
    at = chart.samples.known_at[np.maximum(drawn, 0), test, np.arange(len(drawn))]
    return value, (drawn >= 0) & (at > chart.hour - chart.setting.step) & (drawn > chart.changed)


def _due(chart: Chart, test: int) -> BoolArray:
    """Who is to have the test drawn now."""
    samples = chart.samples
    hours = np.arange(len(samples.drawn))[:, None]
    drawn, value = samples.drawn[:, test], samples.value[:, test]
    waiting = drawn & (samples.known_at[:, test] == NEVER)
    usable = np.where(drawn & (waiting | ~np.isnan(value)), hours, -1).max(axis=0)
    since = chart.hour - np.maximum(usable, chart.changed)
    return np.asarray((since >= np.where(_steady(chart, test), STEADY, EVERY)) & ~waiting.any(axis=0))


def _steady(chart: Chart, test: int) -> BoolArray:
    """Whose last two results, drawn since the last change, were both within the range."""
    value = chart.samples.value[:, test]
    low, high = WITHIN[test]
    hours = np.arange(len(value))[:, None]
    usable = ~np.isnan(value) & (hours > chart.changed) & (hours > 0)
    recent = usable & (np.cumsum(usable[::-1], axis=0)[::-1] <= 2)
    within = recent & (value >= low) & (value <= high)
    return np.asarray(within.sum(axis=0) == 2)


def _banded(value: FloatArray, edges: tuple[float, ...], *columns: tuple[float, ...]) -> list[FloatArray]:
    """What each column of a table says of results; `edges` are the first values of the second row and so on."""
    band: IntArray = np.searchsorted(edges, value, side="right")
    return [np.array(column, dtype=np.float64)[band] for column in columns]


# --------------------------------------------------------------------------- Raschke 1993


def raschke_start(weight: FloatArray) -> Orders:
    """80 U/kg, then 18 U/kg/h."""
    return orders(np.full(weight.shape, 18.0), 80.0)


def raschke_table(value: FloatArray, rate: FloatArray, weight: FloatArray) -> Orders:
    """The table of [Raschke 1993], in U/kg: below 35, to 45, to 70, to 90 s, and above."""
    change, bolus, hold = _banded(value, (35, 46, 71, 91), (4, 2, 0, -2, -3), (80, 40, 0, 0, 0), (0, 0, 0, 0, 1))
    return orders(orderable(rate + change, rate), bolus, hold)


raschke = protocol(raschke_start, raschke_table)
"""The weight-based nomogram."""


# --------------------------------------------------------------------------- Cruickshank 1991, standard care


def _nearest_bolus(per_kg: FloatArray) -> FloatArray:
    doses = np.array(c.BOLUSES, dtype=np.float64)
    return np.asarray(doses[np.abs(per_kg[:, None] - doses).argmin(axis=1)])


def _started(units: float, per_hour: float) -> Start:
    """A start in units, the same for every weight."""

    def start(weight: FloatArray) -> Orders:
        return orders(orderable(per_hour / weight, np.zeros(weight.shape)), _nearest_bolus(units / weight))

    return start


def cruickshank_table(value: FloatArray, rate: FloatArray, weight: FloatArray) -> Orders:
    """Cruickshank et al.: below 50 s, to 59, to 85, to 95, to 120, and above; a mL/h is 40 U/h."""
    edges = (50, 60, 86, 96, 121)
    ml, bolus, hold = _banded(value, edges, (3, 3, 0, -2, -2, -4), (5_000, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0.5, 1))
    return orders(
        orderable(rate + 40 * ml / weight, rate), np.where(bolus > 0, _nearest_bolus(bolus / weight), 0), hold
    )


cruickshank = protocol(_started(5_000, 32_000 / 24), cruickshank_table)
"""Cruickshank MK et al., Archives of Internal Medicine 1991;151:333: 5,000 U, then 32,000 U a day. Its bands were
recalled, not read, and aim at 60 to 85 s: of another laboratory, and above the range of these tasks."""


def standard_table(value: FloatArray, rate: FloatArray, weight: FloatArray) -> Orders:
    """Steps of 100 or 200 U/h on Raschke's bands."""
    step, hold = _banded(value, (35, 46, 71, 91), (200, 100, 0, -100, -200), (0, 0, 0, 0, 1))
    return orders(orderable(rate + step / weight, rate), 0.0, hold)


standard = protocol(_started(5_000, 1_000), standard_table)
"""Standard care of [Raschke 1993]: 5,000 U, then 1,000 U/h whatever the weight. The trial's table was not at hand; the
steps are chosen, as small as they were customary."""

standard_start_raschke = protocol(_started(5_000, 1_000), raschke_table)
"""The start of standard care, then Raschke's table."""


# --------------------------------------------------------------------------- by anti-Xa


def anti_xa_start(weight: FloatArray) -> Orders:
    """80 U/kg, at most 10,000 U, then 18 U/kg/h, at most 1,800 U/h."""
    return orders(orderable(np.minimum(18.0, 1_800 / weight), np.zeros(weight.shape)), _most_bolus(weight, 80.0))


def anti_xa_table(value: FloatArray, rate: FloatArray, weight: FloatArray) -> Orders:
    """Below 0.2, to 0.29, to 0.7, to 0.8, to 0.99 IU/mL, and above; half steps are rounded down."""
    edges = (0.195, 0.295, 0.705, 0.805, 0.995)  # results have two decimals; these lie between them
    change, bolus, hold = _banded(value, edges, (1.5, 1, 0, -1, -1.5, -3), (80, 40, 0, 0, 0, 0), (0, 0, 0, 0, 0.5, 1))
    return orders(orderable(rate + change, rate), np.minimum(bolus, _most_bolus(weight, 80.0)), hold)


def _most_bolus(weight: FloatArray, wanted: float) -> FloatArray:
    """The largest bolus (U/kg) that can be ordered up to the one wanted, and to 10,000 U."""
    doses = np.array(c.BOLUSES, dtype=np.float64)
    allowed = (doses[:, None] <= wanted) & (doses[:, None] * weight <= 10_000)
    return np.asarray(np.where(allowed, doses[:, None], 0.0).max(axis=0))


anti_xa = protocol(anti_xa_start, anti_xa_table, ANTI_XA)
"""University of Michigan Health System, Anticoagulation Program: weight-adjusted heparin nomogram for venous
thromboembolism by anti-factor Xa, 0.3 to 0.7 IU/mL (read at ecosystem.tactuum.com). When to draw again once two results
were within the range is as in the other protocols here."""


# --------------------------------------------------------------------------- of hemosim's extended baselines


def proportional_table(value: FloatArray, rate: FloatArray, weight: FloatArray) -> Orders:
    """A tenth more below 0.3 IU/mL, a tenth less above 0.7, in between less of it the nearer to 0.5."""
    low, high = c.ANTI_XA_RANGE
    inside = 1 - 0.1 * np.clip((value - 0.5) / 0.5, -1, 1)
    factor = np.where(value < low, 1.1, np.where(value > high, 0.9, inside))
    return orders(orderable(np.clip(rate * factor, 4.0, 30.0), rate))


anti_xa_proportional = protocol(raschke_start, proportional_table, ANTI_XA)
"""hemosim 0.2.2, `HeparinAntiXaBaseline`, in the steps that can be ordered; there it sees the concentration itself."""


def nemati_stand_in_table(value: FloatArray, rate: FloatArray, weight: FloatArray) -> Orders:
    """Below 45 s, to 59, to 100, to 120, and above: 4, 2, 0, -2, -4 U/kg/h."""
    (change,) = _banded(value, (45, 60, 101, 121), (4, 2, 0, -2, -4))
    return orders(orderable(rate + change, rate))


nemati_stand_in = protocol(raschke_start, nemati_stand_in_table)
"""hemosim 0.2.2, the rule that stands in for Nemati et al. (2016) there. It aims at 60 to 100 s: of another laboratory,
and above the range of these tasks."""
