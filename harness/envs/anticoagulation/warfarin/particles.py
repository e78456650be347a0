"""Bayes: a cloud of possible patients for each patient, weighed by every INR, and the dose that it speaks for.

A particle is a whole patient: clearance, volume and EC50 as they scatter among patients alike in age, weight and
genotype (or with a genotype drawn for it, where none is known), a drift, and the drug and clotting factors that follow
from the doses taken. The random numbers are the same for all patients and all calls, so beliefs and doses are functions
of the chart alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.core.errors import UsageError
from harness.core.seeds import stream
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin import model
from harness.envs.anticoagulation.warfarin.actions import DAYS_OF_WEEK, new_weekly
from harness.envs.anticoagulation.warfarin.clinic import Chart, Orders
from harness.envs.anticoagulation.warfarin.model import Kinetics, Pharmacology, State
from harness.envs.anticoagulation.warfarin.patients import Covariates, Patients, pharmacology, pick
from harness.mdp.tabular import FloatArray, IntArray

PARTICLES = 200
"""Of each patient."""

PLANNED = 50
"""Of these, drawn anew, that doses are tried on."""

AHEAD = 8
"""Days over which a dose is judged. Chosen on training seeds."""

JITTER = 0.1
"""When particles are drawn anew, their parameters are moved by this part of their spread, and drawn together by as much
(Liu and West 2001), so that copies do not stay copies."""

ROUNDING_SD = 0.1 / np.sqrt(12)
"""Standard deviation of rounding to one decimal."""

KEPT = float(np.exp(-1 / c.DRIFT_DAYS))
SHOCK = c.DRIFT_SD * float(np.sqrt(1 - KEPT**2))
"""What is left of a drift after a day, and the standard deviation of what is new."""

HOLDS = (1, 2, 4)
"""Days without a dose that are tried where the INR is high."""


@dataclass(frozen=True, eq=False)
class Belief:
    """What is believed of k patients: P particles each, flattened to (k P,), and their weights (k, P).

    `day` is the day of the states, `heard` the last day whose INR has been weighed in.
    """

    day: int
    heard: int
    weights: FloatArray
    pharmacology: Pharmacology
    kinetics: Kinetics
    state: State
    drift: FloatArray


def prior(chart: Chart, size: int = PARTICLES) -> Belief:
    """What is believed before the first dose."""
    k = len(chart.weekly)
    numbers = stream(0, "particles")
    z, u, first = numbers.standard_normal((size, 3)), numbers.random((size, 2)), numbers.standard_normal(size)
    rows = np.repeat(np.arange(k), size)
    covariates = chart.covariates[rows]
    if (covariates.cyp2c9 < 0).any() or (covariates.vkorc1 < 0).any():
        covariates = _guessed(covariates, np.tile(u, (k, 1)))
    drawn = pharmacology(covariates, np.tile(z, (k, 1)))
    kinetics = drawn.kinetics()
    drift, state = np.tile(c.DRIFT_SD * first, k), model.untreated(k * size)
    if chart.settled:  # the dose that has held some INR in range says what the product of clearance and EC50 must be
        dose = np.repeat(chart.weekly / DAYS_OF_WEEK, size)
        held = np.tile(c.LOW + (c.HIGH - c.LOW) * numbers.random(size), k)
        drawn = replace(drawn, ec50=drawn.ec50 * dose / model.maintenance_dose(drawn, held))
        kinetics = drawn.kinetics()
        drift, state = np.zeros(k * size), model.steady(kinetics, dose)
    return Belief(0, -1, np.full((k, size), 1 / size), drawn, kinetics, state, drift)


def _guessed(covariates: Covariates, u: FloatArray) -> Covariates:
    """The same with genotypes drawn from their frequencies where they are not known."""
    return replace(
        covariates,
        cyp2c9=np.where(covariates.cyp2c9 < 0, pick(c.CYP2C9, u[:, 0]), covariates.cyp2c9),
        vkorc1=np.where(covariates.vkorc1 < 0, pick(c.VKORC1, u[:, 1]), covariates.vkorc1),
    )


def updated(belief: Belief, chart: Chart) -> Belief:
    """What is believed today, of a belief of an earlier day."""
    k, size = belief.weights.shape
    for day in range(belief.day, chart.day + 1):
        if day > belief.heard:
            belief = replace(_weighed(belief, chart.inr[:, day], day), heard=day)
        if day == chart.day:
            break
        state = model.after_a_day(belief.state, belief.kinetics, np.repeat(chart.taken[:, day], size), belief.drift)
        shocks = stream(0, f"drift of particles {day}").standard_normal(size)
        belief = replace(belief, day=day + 1, state=state, drift=KEPT * belief.drift + SHOCK * np.tile(shocks, k))
    return belief


def _weighed(belief: Belief, inr: FloatArray, day: int) -> Belief:
    """Weights by the likelihood of the INRs measured (k,), NaN for none; drawn anew where too few particles count."""
    k, size = belief.weights.shape
    if np.isnan(inr).all():
        return belief
    expected = belief.state.inr.reshape(k, size)
    sd = np.sqrt(np.log1p(c.INR_CV**2) + (ROUNDING_SD / inr[:, None]) ** 2)
    misfit = np.nan_to_num(((np.log(inr)[:, None] - np.log(expected)) / sd) ** 2)
    weights = belief.weights * np.exp(-(misfit - misfit.min(axis=1, keepdims=True)) / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    few = 1 / (weights**2).sum(axis=1) < size / 2
    if not few.any():
        return replace(belief, weights=weights)
    own = np.arange(k * size).reshape(k, size)
    chosen = np.where(few[:, None], own[:, :1] + drawn_anew(weights, size), own).ravel()
    numbers = stream(0, f"jitter {day}").standard_normal((size, 3))
    moved = _moved(belief.pharmacology, belief.weights.shape, weights, chosen, few, numbers)
    return Belief(
        belief.day,
        belief.heard,
        np.where(few[:, None], 1 / size, weights),
        moved,
        moved.kinetics(),
        belief.state[chosen],
        belief.drift[chosen],
    )


def drawn_anew(weights: FloatArray, size: int) -> IntArray:
    """Systematic resampling: places (k, size) among the particles of each row of weights (k, P)."""
    k, n = weights.shape
    marks = np.floor(np.cumsum(weights, axis=1) * size + 0.5)
    marks[:, -1] = size
    counts = np.diff(np.minimum(marks, size), axis=1, prepend=0.0).astype(np.int64)
    return np.repeat(np.tile(np.arange(n), k), counts.ravel()).reshape(k, size)


def _moved(
    values: Pharmacology,
    shape: tuple[int, int],
    weights: FloatArray,
    chosen: IntArray,
    few: FloatArray,
    numbers: FloatArray,
) -> Pharmacology:
    """The parameters of the chosen particles, moved a little for the patients whose particles were drawn anew."""
    found = []
    for value, number in zip((values.clearance, values.volume, values.ec50), numbers.T, strict=True):
        logs = np.log(value).reshape(shape)
        mean = (weights * logs).sum(axis=1, keepdims=True)
        sd = np.sqrt((weights * (logs - mean) ** 2).sum(axis=1, keepdims=True))
        copied = logs.ravel()[chosen].reshape(shape)
        shrunk = mean + np.sqrt(1 - JITTER**2) * (copied - mean) + JITTER * sd * number
        found.append(np.exp(np.where(few[:, None], shrunk, copied)).ravel())
    return Pharmacology(*found)


# --------------------------------------------------------------------------- deciding


def best_orders(chart: Chart, kinetics: Kinetics, state: State, drift: FloatArray, size: int, visit: int) -> Orders:
    """The orders with the highest expected reward over the next days, for `size` equally likely copies of each patient.

    What is tried is every change of the dose, and where any patient's INR is high also days without one. It is kept
    for `AHEAD` days, in which the copies' drifts go on by chance.
    """
    k = len(chart.weekly)
    weekly, hold = _tried(chart)
    n = weekly.shape[1]
    places = np.repeat(np.arange(k * size).reshape(k, 1, size), n, axis=1).ravel()
    kinetics, state, drift = kinetics[places], state[places], drift[places]
    doses, begins = np.repeat(weekly.ravel() / DAYS_OF_WEEK, size), np.repeat(np.tile(hold, k), size)
    shocks = stream(0, "drift ahead").standard_normal((AHEAD, size))
    total = np.zeros(len(doses))
    for day in range(min(AHEAD, chart.length - chart.day)):
        dose = (1 - c.MISSED) * np.where(day >= begins, doses, 0.0)
        state = model.after_a_day(state, kinetics, dose, drift)
        drift = KEPT * drift + SHOCK * np.tile(shocks[day], k * n)
        total += model.reward(state.inr)
    value = total.reshape(k, n, size).mean(axis=2)
    value = np.where(weekly > 0, value, -np.inf)
    best = value.argmax(axis=1)
    rows = np.arange(k)
    return Orders(weekly[rows, best], hold[best], np.full(k, visit))


def _tried(chart: Chart) -> tuple[FloatArray, IntArray]:
    """Weekly doses (k, n) and days held (n,) that are tried; 0 where something cannot be ordered."""
    words = [np.where(chart.weekly > 0, new_weekly(chart.weekly, change), 0.0) for change in c.CHANGES]
    holds = [0] * len(words)
    if (chart.last(0) > c.HIGH).any():
        for hold in HOLDS:
            for change in (-20, -10, 0):
                words.append(np.where(chart.weekly > 0, new_weekly(chart.weekly, change), 0.0))
                holds.append(hold)
    if chart.day < c.INDUCTION_DAYS and not chart.settled:
        words += [np.full_like(chart.weekly, DAYS_OF_WEEK * mg) for mg in c.STARTING_DOSES]
        holds += [0] * len(c.STARTING_DOSES)
    return np.stack(words, axis=1), np.array(holds)


class Bayes:
    """A policy that believes, and orders what is best by its belief. Its patients must come to all visits together.

    Parameters
    ----------
    visit : int
        Days between visits.
    size, planned : int
        Particles of each patient, and those that doses are tried on.
    """

    def __init__(self, visit: int = 7, size: int = PARTICLES, planned: int = PLANNED) -> None:
        self._visit, self._size, self._planned = visit, size, planned
        self._belief: Belief | None = None

    def __call__(self, chart: Chart) -> Orders:
        """The orders."""
        belief = self._belief or prior(chart, self._size)
        if len(belief.weights) != len(chart.weekly):
            raise UsageError(
                f"{len(chart.weekly)} of {len(belief.weights)} patients came to a visit; Bayes needs all at each."
            )
        belief = updated(belief, chart)
        self._belief = belief
        k, size = belief.weights.shape
        places = (np.arange(k)[:, None] * size + drawn_anew(belief.weights, self._planned)).ravel()
        return best_orders(
            chart, belief.kinetics[places], belief.state[places], belief.drift[places], self._planned, self._visit
        )


class KnownPatient:
    """A policy that decides as `Bayes` does, but knows the patients and their drift up to today, not what is to come.

    Parameters
    ----------
    patients : Patients
        Those who come to the visits, all together and in this order.
    visit, planned : int
        Days between visits, and copies of each patient whose drifts go on by chance.
    """

    def __init__(self, patients: Patients, visit: int = 7, planned: int = PLANNED) -> None:
        self._patients, self._visit, self._planned = patients, visit, planned
        self._kinetics = patients.pharmacology.kinetics()
        self._state, self._day = model.untreated(len(patients)), 0

    def __call__(self, chart: Chart) -> Orders:
        """The orders."""
        for day in range(self._day, chart.day):
            drift = self._patients.drift[:, day]
            self._state = model.after_a_day(self._state, self._kinetics, chart.taken[:, day], drift)
        self._day = chart.day
        places = np.repeat(np.arange(len(self._patients)), self._planned)
        drift = self._patients.drift[places, chart.day]
        return best_orders(chart, self._kinetics[places], self._state[places], drift, self._planned, self._visit)
