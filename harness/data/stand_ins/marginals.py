"""Distributions with published figures, as increasing functions of a standard normal score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from harness.data.schemas import Published
from harness.data.table import FloatArray

SKEWED = 0.25
"""Where the standard deviation is more than this share of the mean, a positive quantity is taken as log-normal."""
LOWER_TAIL = 3.0
"""Exponent of the lowest quarter of `Quantiles`: values are dense at the first quartile and thin out to the least."""


class Marginal(Protocol):
    """A distribution of one column: `value` of a standard normal score, and back."""

    def value(self, score: FloatArray) -> FloatArray:
        """The value at a score."""
        ...

    def score(self, value: FloatArray) -> FloatArray:
        """The score of a value."""
        ...


@dataclass(frozen=True)
class Normal:
    """Normal, cut off at `low` and `high`."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    def value(self, score: FloatArray) -> FloatArray:
        """The value at a score."""
        return np.clip(self.mean + self.sd * score, self.low, self.high)

    def score(self, value: FloatArray) -> FloatArray:
        """The score of a value."""
        return np.asarray((value - self.mean) / self.sd)


@dataclass(frozen=True)
class LogNormal:
    """Log-normal: the logarithm has mean `mu` and standard deviation `sigma`."""

    mu: float
    sigma: float

    @classmethod
    def of_mean(cls, mean: float, sd: float) -> LogNormal:
        """With that mean and standard deviation."""
        variance = math.log1p((sd / mean) ** 2)
        return cls(math.log(mean) - variance / 2, math.sqrt(variance))

    @classmethod
    def of_mode(cls, mode: float, sd: float) -> LogNormal:
        """With that mode and standard deviation."""

        def off(variance: float) -> float:
            # the mean is mode * exp(3 variance / 2)
            return mode * math.exp(1.5 * variance) * math.sqrt(math.expm1(variance)) - sd

        variance = float(brentq(off, 1e-12, 4.0))
        return cls(math.log(mode) + variance, math.sqrt(variance))

    def value(self, score: FloatArray) -> FloatArray:
        """The value at a score."""
        return np.exp(self.mu + self.sigma * score)

    def score(self, value: FloatArray) -> FloatArray:
        """The score of a value."""
        return np.asarray((np.log(np.maximum(value, 1e-12)) - self.mu) / self.sigma)


@dataclass(frozen=True)
class Quantiles:
    """Least value, quartiles and greatest value as given, between them straight in the logarithm.

    Within the highest quarter the logarithm rises as a power of the rank, which is chosen so that the mean of all
    is the one given.
    """

    points: tuple[float, float, float, float, float]
    upper_tail: float

    @classmethod
    def of(cls, published: Published) -> Quantiles:
        """With the published quantiles and mean, all of which must be known.

        Raises
        ------
        ValueError
            If one is not known, or no distribution of this form has that mean.
        """
        p = published
        if p.minimum is None or p.q1 is None or p.median is None or p.q3 is None or p.maximum is None or p.mean is None:
            raise ValueError("expected the minimum, the quartiles, the maximum and the mean")
        points = (p.minimum, p.q1, p.median, p.q3, p.maximum)
        ranks = (np.arange(20_000) + 0.5) / 20_000
        mean = p.mean

        def off(log_power: float) -> float:
            return float(cls(points, math.exp(log_power))._at(ranks).mean()) - mean

        return cls(points, math.exp(float(brentq(off, -4.0, 4.0))))

    def _at(self, rank: FloatArray) -> FloatArray:
        log = np.log(self.points)
        quarter = np.minimum((4 * rank).astype(np.int64), 3)
        part = 4 * rank - quarter
        part = np.where(quarter == 0, 1 - (1 - part) ** LOWER_TAIL, part)
        part = np.where(quarter == 3, part**self.upper_tail, part)
        return np.asarray(np.exp(log[quarter] + part * (log[quarter + 1] - log[quarter])))

    def value(self, score: FloatArray) -> FloatArray:
        """The value at a score."""
        return self._at(ndtr(score))

    def score(self, value: FloatArray) -> FloatArray:
        """The score of a value."""
        log = np.log(self.points)
        x = np.log(np.clip(value, self.points[0], self.points[-1]))
        quarter = np.clip(np.searchsorted(log, x, side="right") - 1, 0, 3)
        part = (x - log[quarter]) / (log[quarter + 1] - log[quarter])
        part = np.where(quarter == 0, 1 - (1 - part) ** (1 / LOWER_TAIL), part)
        part = np.where(quarter == 3, part ** (1 / self.upper_tail), part)
        return np.asarray(ndtri(np.clip((quarter + part) / 4, 1e-9, 1 - 1e-9)))


@dataclass(frozen=True)
class Ordered:
    """Codes in rising order with given shares."""

    codes: tuple[float, ...]
    shares: tuple[float, ...]

    def value(self, score: FloatArray) -> FloatArray:
        """The code at a score."""
        return np.asarray(np.array(self.codes)[np.searchsorted(cuts(self.shares), score, side="right")])

    def score(self, value: FloatArray) -> FloatArray:
        """The score in the middle of a code's share."""
        edges = np.concatenate([[0.0], np.cumsum(self.shares) / sum(self.shares)])
        middle = (edges[1:] + edges[:-1]) / 2
        return np.asarray(ndtri(np.clip(middle, 1e-9, 1 - 1e-9))[np.searchsorted(self.codes, value)])


def cuts(shares: Sequence[float]) -> FloatArray:
    """Where a standard normal score is cut so that the parts have these shares; one less than there are shares."""
    summed = np.cumsum(shares)
    return np.asarray(ndtri(np.clip(summed[:-1] / summed[-1], 0.0, 1.0)))


def ordered_probit(score: FloatArray, shares: Sequence[float], slope: float) -> FloatArray:
    """Probabilities (n, levels) of ordered levels at standard normal scores (n,), which on average are the shares.

    Level k is reached where `slope * score + noise`, the noise standard normal, exceeds the cut of its share scaled by
    `sqrt(1 + slope**2)` (McKelvey & Zavoina, J Math Sociol 1975;4:103).
    """
    below = ndtr(cuts(shares) * math.sqrt(1 + slope**2) - slope * score[:, None])
    edges = np.concatenate([np.zeros((len(score), 1)), below, np.ones((len(score), 1))], axis=1)
    return np.maximum(np.diff(edges, axis=1), 0.0)


def of_published(published: Published | None, low: float = -math.inf, high: float = math.inf) -> Marginal:
    """By the quantiles where they are in print, else normal between limits or log-normal, by mean and deviation.

    Raises
    ------
    ValueError
        If neither is known.
    """
    if published is not None and published.q1 is not None:
        return Quantiles.of(published)
    if published is None or published.sd is None:
        raise ValueError("expected a standard deviation")
    if published.mode is not None:
        return LogNormal.of_mode(published.mode, published.sd)
    if published.mean is None:
        raise ValueError("expected a mean")
    if low >= 0 and published.sd > SKEWED * published.mean:
        return LogNormal.of_mean(published.mean, published.sd)
    return Normal(published.mean, published.sd, low, high)
