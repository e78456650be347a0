"""The tasks for learners: numbered actions in, features and rewards out, arrays over patients.

    ward = Ward(LABS)
    seen = ward.reset(range(256))                       # (256, 13)
    seen, rewards, over = ward.step(actions)            # actions (256,), places in `ward.actions`

Everything a learner sees is in the chart that protocols see. The actions are a selection of those that the environment
allows; `orders_of` makes orders of them for any chart, so that what was learned can play an episode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.errors import UsageError
from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin.actions import orderable
from harness.envs.anticoagulation.heparin.infusion import Chart, Course, Orders
from harness.envs.anticoagulation.heparin.laboratory import APTT, NEVER
from harness.envs.anticoagulation.heparin.model import QUARTERS
from harness.envs.anticoagulation.heparin.patients import TESTS, draw
from harness.envs.anticoagulation.heparin.setting import Setting
from harness.mdp.tabular import FloatArray, IntArray

USUAL_RATE, START_STEP = 18.0, 2.0
"""Where nothing runs, a change of k means to begin at 18 + 2 k U/kg/h, as near as can be ordered."""


@dataclass(frozen=True)
class Numbered:
    """One action of a learner."""

    change: float
    bolus: float
    hold: float
    aptt: bool


_DOSES = (
    *((float(change), 0.0, 0.0) for change in c.CHANGES),
    (-4.0, 0.0, 1.0), (-3.0, 0.0, 1.0), (-2.0, 0.0, 1.0), (2.0, 40.0, 0.0), (4.0, 80.0, 0.0), (0.0, 80.0, 0.0),
)  # fmt: skip

FEATURES = (
    "hour", "rate", "weight", "aptt known", "aptt", "aptt age", "aptt before known", "aptt before", "aptt before age",
    "pending", "since change", "infused 6 h", "infused 2 h",
)  # fmt: skip
"""Columns of the features; all are about 0 to 3."""


def numbered(setting: Setting) -> tuple[Numbered, ...]:
    """The actions of a task: doses, and where tests are ordered each without and with an aPTT."""
    draws = (False, True) if setting.ordered else (False,)
    return tuple(Numbered(*dose, aptt) for aptt in draws for dose in _DOSES)


def orders_of(chart: Chart, actions: IntArray) -> Orders:
    """The orders that numbered actions (n,) mean for the patients of a chart.

    Raises
    ------
    UsageError
        If there is not one for every patient, or a number is no action.
    """
    table = numbered(chart.setting)
    chosen = np.asarray(actions)
    if chosen.shape != chart.rate.shape or not np.isin(chosen, np.arange(len(table))).all():
        raise UsageError(
            f"Actions have the shape {chosen.shape}; expected {chart.rate.shape}, whole numbers from 0 to "
            f"{len(table) - 1}."
        )
    change, bolus, hold = (np.array([getattr(a, name) for a in table])[chosen] for name in ("change", "bolus", "hold"))
    begun = USUAL_RATE + START_STEP * change
    rate = orderable(np.where(chart.rate == 0, begun, chart.rate + change), chart.rate)
    tests = np.zeros((len(TESTS), len(chosen)), dtype=np.bool_)
    tests[APTT] = np.array([a.aptt for a in table])[chosen]
    return Orders(rate, bolus, hold, tests)


def features(chart: Chart) -> FloatArray:
    """What is known, shape (n, 13); see `FEATURES`."""
    hour, n = chart.hour, len(chart.rate)
    value, drawn = chart.samples.latest()
    earlier = chart.samples.value[:, APTT].copy()
    earlier[np.maximum(drawn, 0), np.arange(n)] = np.nan
    known = ~np.isnan(earlier)
    last = np.where(known.any(axis=0), len(known) - 1 - known[::-1].argmax(axis=0), -1)
    before = np.where(last >= 0, earlier[last, np.arange(n)], np.nan)
    pending = (chart.samples.drawn[:, APTT] & (chart.samples.known_at[:, APTT] == NEVER)).any(axis=0)
    columns = [np.full(n, hour / chart.length), chart.rate / USUAL_RATE, chart.weight / c.WEIGHT_MEAN]
    for aptt, at in ((value, drawn), (before, last)):
        columns += [at >= 0, np.nan_to_num(np.log(aptt / c.CONTROL)), np.where(at >= 0, (hour - at) / c.STEP, 0.0)]
    columns += [pending, np.where(chart.changed >= 0, (hour - chart.changed) / c.STEP, 0.0)]
    for hours in (6, 2):
        lately = chart.infused[max(QUARTERS * (hour - hours), 0) :]
        columns.append(lately.mean(axis=0) / USUAL_RATE if len(lately) else np.zeros(n))
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


class Ward:
    """Many patients at a time.

    Parameters
    ----------
    setting : Setting
        Of `heparin` (`FULL`) or `heparin-labs` (`LABS`).
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.actions = numbered(setting)

    def reset(self, seeds: Sequence[int]) -> FloatArray:
        """Begin the episodes of some seeds; features, shape (n, 13)."""
        self.course = Course(draw(seeds, self.setting), self.setting)
        return features(self.course.chart())

    def step(self, actions: IntArray) -> tuple[FloatArray, FloatArray, bool]:
        """Carry out numbered actions (n,): features (n, 13), rewards (n,), and whether the episodes are over.

        Raises
        ------
        UsageError
            If the episodes are over, or actions are not understood.
        """
        if self.course.over:
            raise UsageError("The episodes are over; call reset.")
        rewards = self.course.step(orders_of(self.course.chart(), actions))
        return features(self.course.chart()), rewards, self.course.over
