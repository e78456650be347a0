"""Bayes on a grid: what aPTTs say of a patient's elimination, slope and volume, and the orders that this speaks for.

Each of 189 patients that one could be is infused with what was given. Results weigh them; what is believed fades with
the hours, because elimination drifts. Orders are those with the greatest mean reward over the next twelve hours, if
nothing were changed after them, among patients drawn from the belief.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np

from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin import model
from harness.envs.anticoagulation.heparin.infusion import Chart, Orders, orders, passed
from harness.envs.anticoagulation.heparin.laboratory import APTT, NEVER
from harness.envs.anticoagulation.heparin.model import QUARTERS
from harness.envs.anticoagulation.heparin.patients import Patients, pharmacology
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

SPAN = 2.2
"""How many standard deviations from the mean the grid reaches."""

_AXES = (np.linspace(-SPAN, SPAN, 9), np.linspace(-SPAN, SPAN, 7), np.linspace(-SPAN / 2, SPAN / 2, 3))
_CELLS = np.stack([axis.ravel() for axis in np.meshgrid(*_AXES, indexing="ij")], axis=1)
"""Elimination, slope and volume of each cell, in standard deviations, shape (189, 3)."""

PRIOR = -0.5 * (_CELLS**2).sum(axis=1)
"""Logarithm of each cell's probability, up to a constant."""

FADES = 20.0
"""Hours in which what is believed goes back to the prior by a factor of e. Chosen on training seeds."""

UNEXPLAINED = 0.1
"""Standard deviation of log aPTT beyond that of the test: drift and the grid. Chosen on training seeds."""

SPURIOUS, FLAT = 0.02, 0.1
"""Weight of results that say nothing, such as those from the arm of the infusion, and their likelihood."""

DRAWN = 24
"""Patients drawn from the belief, evenly by rank."""

AHEAD = 12
"""Hours over which orders are judged."""

DRAW_EVERY = 3
"""Hours from a draw to the next where tests are ordered. Chosen on training seeds."""

_FIRST = [(rate, bolus, 0.0) for rate in c.SETS for bolus in c.BOLUSES]
_LATER = [
    *((change, 0, 0.0) for change in c.CHANGES),
    *((change, 0, 0.5) for change in (-2, 0)),
    *((change, 0, 1.0) for change in (-4, -3, -2, -1, 0)),
    *((change, 40, 0.0) for change in (0, 2, 4)),
]
"""Orders that are judged: rate or its change, bolus, pause."""

_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / 9) for i in range(9)])
"""Where drift may go from here: standard normal numbers at even ranks."""


class Posterior:
    """A policy that believes; the charts of an episode have to come to it in order, each with all patients.

    Parameters
    ----------
    every : int
        Hours from a draw to the next where tests are ordered.
    """

    def __init__(self, every: int = DRAW_EVERY) -> None:
        self._every = every
        self._seen = -1

    def __call__(self, chart: Chart) -> Orders:
        """The orders."""
        if self._seen < 0:
            self._begin(chart)
        new = self._learn(chart)
        decides: BoolArray = np.ones_like(new) if not chart.setting.ordered or chart.hour == 0 else new
        found = orders(chart.rate)
        if decides.any():
            found = self._best(chart, np.flatnonzero(decides), found)
        if not chart.setting.ordered:
            return found
        drawn = chart.samples.drawn[:, APTT]
        last = len(drawn) - 1 - drawn[::-1].argmax(axis=0)
        waiting = (drawn & (chart.samples.known_at[:, APTT] == NEVER)).any(axis=0)
        due = (chart.hour - last >= self._every) & ~waiting & (chart.length - chart.hour > self._every)
        return replace(found, tests=np.stack([due, np.zeros_like(due)]))

    def _begin(self, chart: Chart) -> None:
        """The prior: every cell for every patient, and the aPTT without heparin as it was measured."""
        n, setting = len(chart.weight), chart.setting
        spread = np.hypot(c.SD_LOG_ELIMINATION, setting.drift_sd) / c.SD_LOG_ELIMINATION
        places = np.tile(_CELLS, (n, 1))
        z = np.stack([places[:, 2], spread * places[:, 0], places[:, 1], np.zeros(len(places))], axis=1)
        values = pharmacology(np.repeat(chart.weight, len(_CELLS)), z)
        self._volume, self._elimination, self._slope = (
            value.reshape(n, len(_CELLS)).T for value in (values.volume, values.elimination, values.slope)
        )
        measured, error = chart.samples.value[0, APTT], setting.cv * c.BASE_MEAN
        known = c.BASE_SD**2 / (c.BASE_SD**2 + error**2)
        self._base = np.log(c.BASE_MEAN + known * (measured - c.BASE_MEAN))
        self._belief = np.repeat(PRIOR[:, None], n, axis=1)
        self._at = np.zeros((chart.length + 1, *self._volume.shape))
        self._seen = 0

    def _learn(self, chart: Chart) -> BoolArray:
        """Infuse every cell up to now and weigh them by what has become known; who has news."""
        known_at, value = chart.samples.known_at[:, APTT], chart.samples.value[:, APTT]
        kept = np.exp(-1 / FADES)
        for hour in range(self._seen, chart.hour):
            now, k = self._at[hour], self._elimination * model.acute(hour)
            for quarter in range(QUARTERS * hour, QUARTERS * (hour + 1)):
                now = model.after(now, chart.infused[quarter] / self._volume, k)
            self._at[hour + 1] = now
            self._belief = kept * self._belief + (1 - kept) * PRIOR[:, None]
            fresh = (known_at == hour + 1) & ~np.isnan(value)
            for drawn in np.flatnonzero(fresh.any(axis=1)):
                who = np.flatnonzero(fresh[drawn])
                self._weigh(who, int(drawn), value[drawn, who], chart.setting.cv)
        self._seen = chart.hour
        return np.asarray(((known_at > chart.hour - chart.setting.step) & (known_at <= chart.hour)).any(axis=0))

    def _weigh(self, who: IntArray, drawn: int, value: FloatArray, cv: float) -> None:
        """Weigh the cells of some patients by what an aPTT drawn at an hour says."""
        expected = np.minimum(self._base[who] + self._slope[:, who] * self._at[drawn][:, who], np.log(c.APTT_MOST))
        off = (np.log(value) - expected) / np.hypot(cv, UNEXPLAINED)
        self._belief[:, who] += np.log((1 - SPURIOUS) * np.exp(-0.5 * off**2) + SPURIOUS * FLAT)
        self._belief[:, who] -= self._belief[:, who].max(axis=0)

    def _best(self, chart: Chart, who: IntArray, found: Orders) -> Orders:
        """The best orders for some patients; the others go on."""
        drawn = drawn_evenly(self._belief[:, who])
        volume, elimination, slope, now = (
            np.take_along_axis(a[:, who], drawn, axis=0)
            for a in (self._volume, self._elimination, self._slope, self._at[chart.hour])
        )
        k = elimination * model.acute(np.arange(chart.hour + AHEAD))[:, None, None]
        best = best_orders(chart, chart.rate[who], now, 1 / volume, k, self._base[who], slope)
        rate, bolus, hold = found.rate.copy(), found.bolus.copy(), found.hold.copy()
        rate[who], bolus[who], hold[who] = best.rate, best.bolus, best.hold
        return Orders(rate, bolus, hold, found.tests)


def best_orders(
    chart: Chart,
    rate: FloatArray,
    now: FloatArray,
    gain: FloatArray,
    k: FloatArray,
    base: FloatArray,
    slope: FloatArray,
) -> Orders:
    """The orders with the greatest mean reward over the next hours, nothing being changed after them.

    Parameters
    ----------
    chart : Chart
        For the hour and the setting.
    rate : float array, shape (n,)
        That runs, U/kg/h.
    now, gain, slope : float array, shape (m, n)
        Concentration, 1 / volume and slope of m patients that each could be.
    k : float array, shape (hours, m, n)
        Their elimination in every hour from 0 on.
    base : float array, shape (n,)
        Logarithm of the aPTT without heparin.
    """
    tried = np.array(_LATER if chart.hour else _FIRST, dtype=np.float64)[:, :, None]
    wanted = np.broadcast_to(tried[:, 0], (len(tried), len(rate)))
    if chart.hour:
        begun = np.where(wanted > 0, float(min(c.SETS)), 0.0)
        wanted = np.where(rate == 0, begun, np.clip(rate + wanted, 0, c.MOST))
    bolus, hold = (np.broadcast_to(tried[:, i], wanted.shape) for i in (1, 2))
    worth = np.zeros((len(tried), *now.shape))
    given = orders(wanted[:, None], bolus[:, None], hold[:, None])
    hours = (chart.hour, min(chart.hour + AHEAD, chart.length))
    for quarter, _, then in passed(now, rate, given, hours, chart.setting, gain, k):
        if quarter % 2:  # half-hours are enough to judge by
            worth += model.reward(base + slope * then, quarter // QUARTERS)
    best = worth.mean(axis=1).argmax(axis=0)
    who = np.arange(len(rate))
    return orders(wanted[best, who], bolus[best, who], hold[best, who])


class KnownPatient:
    """A policy that decides as `Posterior` does, but knows the patients and their drift up to now, not what is to come.

    Parameters
    ----------
    patients : Patients
        Those of the charts, all together and in this order.
    """

    def __init__(self, patients: Patients) -> None:
        self._patients = patients
        self._now = np.zeros(len(patients))
        self._hour = 0

    def __call__(self, chart: Chart) -> Orders:
        """The orders."""
        pharmacology = self._patients.pharmacology
        gain = 1 / pharmacology.volume
        for quarter in range(QUARTERS * self._hour, QUARTERS * chart.hour):
            k = self._patients.elimination[quarter // QUARTERS]
            self._now = model.after(self._now, chart.infused[quarter] * gain, k)
        self._hour = chart.hour
        steady = pharmacology.elimination * model.acute(np.arange(chart.hour + AHEAD))[:, None]
        drift = np.log(self._patients.elimination[chart.hour] / steady[chart.hour])
        kept = np.exp(-np.maximum(np.arange(chart.hour + AHEAD) - chart.hour, 0) / c.DRIFT_HOURS)
        new = chart.setting.drift_sd * np.sqrt(1 - kept**2)
        expected = steady * np.exp(kept[:, None] * drift)
        k = expected[:, None] * np.exp(new[:, None] * _NORMAL)[:, :, None]
        now, gains, slope = (np.tile(values, (len(_NORMAL), 1)) for values in (self._now, gain, pharmacology.slope))
        return best_orders(chart, chart.rate, now, gains, k, np.log(pharmacology.base), slope)


def drawn_evenly(belief: FloatArray) -> IntArray:
    """Cells (DRAWN, n) that stand for beliefs (189, n), logarithms: at even ranks, nothing left to chance."""
    weights = np.exp(belief - belief.max(axis=0))
    reached = np.cumsum(weights, axis=0) / weights.sum(axis=0)
    ranks = (np.arange(DRAWN) + 0.5) / DRAWN
    return np.asarray((reached[:, None] < ranks[:, None]).sum(axis=0))
