"""Confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its interval. `lower` and `upper` are NaN where the sample is too small for one."""

    value: float
    lower: float
    upper: float
    n: int
    interval: str
    """What kind of interval it is, e.g. 'Student-t 95 %'."""


def student_t(sample: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of independent observations with Student's t interval.

    Notes
    -----
    `mean ± t_{n-1, (1+c)/2} s / sqrt(n)`. A sample without any spread has an interval of width zero, which is right
    for an agent that never loses anything and optimistic for one that was seen only a few times.
    """
    from scipy import stats

    x = np.asarray(sample, dtype=np.float64)
    n = len(x)
    mean = float(x.mean())
    if n < 2:
        return Estimate(mean, math.nan, math.nan, n, f"Student-t {confidence:.0%}")
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * x.std(ddof=1) / math.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n, f"Student-t {confidence:.0%}")


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Share of successes with Wilson's score interval (Wilson, JASA 1927;22:209)."""
    from scipy import stats

    z = float(stats.norm.ppf((1 + confidence) / 2))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, max(centre - half, 0.0), min(centre + half, 1.0), n, f"Wilson {confidence:.0%}")


def of_returns(returns: ArrayLike) -> Estimate:
    """Mean return: Wilson's interval where every return is 0 or 1, Student's t otherwise."""
    x = np.asarray(returns, dtype=np.float64)
    if np.isin(x, (0.0, 1.0)).all():
        return wilson(int(x.sum()), len(x))
    return student_t(x)
