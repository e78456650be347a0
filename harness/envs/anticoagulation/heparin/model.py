"""From infusion to aPTT: one compartment, elimination that saturates, a quarter of an hour at a time.

dC/dt = R / V - k C (f + (1 - f) / (1 + C / K)), with the infusion R (U/kg/h), the volume V (mL/kg; U/mL is the unit of
C), the rate k of elimination at a concentration of 0, its part f that does not saturate, and the concentration K of
half saturation. aPTT = base * exp(slope * C).

A quarter of an hour is one exponential step with the rate of elimination at its middle; it is exact where nothing
saturates, never negative, and within 0.5 % of the differential equation's solution, which the tests check.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from harness.envs.anticoagulation.heparin import constants as c
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

Which = IntArray | BoolArray

QUARTERS = 4
"""Steps of an hour."""

EDGES = tuple(float(np.log(limit)) for limit in (c.LOW - 0.5, c.HIGH + 0.5, c.FAR_ABOVE + 0.5, c.DANGEROUS + 0.5))
"""Logarithms of the aPTTs from which one counts as within, above, far above and dangerously above the range: those that
whole seconds are rounded at."""


@dataclass(frozen=True, eq=False)
class Pharmacology:
    """What the model needs of n patients.

    Attributes
    ----------
    volume : float array, shape (n,)
        mL/kg.
    elimination : float array, shape (n,)
        Rate at a concentration of 0 without drift, per hour.
    slope : float array, shape (n,)
        Of the logarithm of the aPTT, mL/U.
    base : float array, shape (n,)
        aPTT without heparin, s.
    """

    volume: FloatArray
    elimination: FloatArray
    slope: FloatArray
    base: FloatArray

    def __getitem__(self, who: Which) -> Pharmacology:
        """Some of the patients."""
        return Pharmacology(**{f.name: getattr(self, f.name)[who] for f in fields(self)})


def after(concentration: FloatArray, gain: FloatArray, k: FloatArray, hours: float = 1 / QUARTERS) -> FloatArray:
    """The concentration after a short time, U/mL.

    Parameters
    ----------
    concentration : float array
        U/mL.
    gain : float array
        Infusion by volume, R / V, U/mL/h.
    k : float array
        Rate of elimination at a concentration of 0, per hour.
    hours : float
        A quarter or half an hour.
    """
    middle = _decayed(concentration, gain, _rate(concentration, k), hours / 2)
    return _decayed(concentration, gain, _rate(middle, k), hours)


def _rate(concentration: FloatArray, k: FloatArray) -> FloatArray:
    """Rate of elimination at a concentration, per hour."""
    saturable = (1 - c.LINEAR) * c.HALF_SATURATION / (c.HALF_SATURATION + concentration)
    return np.asarray(k * (c.LINEAR + saturable))


def _decayed(concentration: FloatArray, gain: FloatArray, rate: FloatArray, hours: float) -> FloatArray:
    steady = gain / rate
    return np.asarray(steady + (concentration - steady) * np.exp(-hours * rate))


def acute(hour: ArrayLike) -> FloatArray:
    """Factor of the elimination at an hour of treatment: faster while the thrombosis is fresh."""
    return np.asarray(1 + c.ACUTE * np.exp(-np.asarray(hour) / c.ACUTE_HOURS))


def log_aptt(concentration: FloatArray, pharmacology: Pharmacology) -> FloatArray:
    """Logarithm of the true aPTT (s), for concentrations of shape (..., n)."""
    return np.asarray(np.log(pharmacology.base) + pharmacology.slope * concentration)


def in_range(log_aptts: FloatArray) -> BoolArray:
    """Where the true aPTT, in whole seconds, lies within the therapeutic range."""
    return np.asarray((log_aptts >= EDGES[0]) & (log_aptts < EDGES[1]))


def reward(log_aptts: FloatArray, hour: int) -> FloatArray:
    """Reward per hour, at an hour of treatment, of these true aPTTs.

    In the loading phase an aPTT that has reached the range counts as within, however high it is.
    """
    reached = log_aptts >= EDGES[0]
    if hour < c.LOADING:
        return np.asarray(c.REWARD_WITHIN * reached)
    found = c.REWARD_WITHIN * (reached & (log_aptts < EDGES[1])) + c.REWARD_FAR_ABOVE * (log_aptts >= EDGES[2])
    found += (c.REWARD_DANGEROUS - c.REWARD_FAR_ABOVE) * (log_aptts >= EDGES[3])
    if hour >= c.BELOW_FROM:
        found += c.REWARD_BELOW * ~reached
    return np.asarray(found)


def half_life(dose: float, pharmacology: Pharmacology) -> FloatArray:
    """Hours until half of the concentration right after a bolus (U/kg) is left, nothing infused; shape (n,)."""
    start = dose / pharmacology.volume
    # separable: t = ∫ dC / (C k (f + (1-f) K / (K + C))) from start/2 to start, by partial fractions
    f, half = c.LINEAR, c.HALF_SATURATION
    rise = np.log((half + f * start) / (half + f * start / 2)) * (1 / f - 1)
    return np.asarray((np.log(2) + rise) / pharmacology.elimination)
