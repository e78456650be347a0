"""Percentile bootstrap over episodes, in arrays: a resample is how often it holds each episode."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.evaluation.intervals import CONFIDENCE, Estimate
from harness.mdp.tabular import FloatArray

RESAMPLES = 400

COLUMNS = 64
"""Resamples multiplied at a time, a matter of memory alone."""

FEWEST = 0.5
"""Below this share of resamples with a value there is no interval."""

Counts = NDArray[np.uint8]


def resampled(n: int, resamples: int = RESAMPLES, *, seed: int = 0) -> Counts:
    """How often each of n episodes is in each of the resamples, multinomial, shape (n, resamples)."""
    random = np.random.default_rng(seed)
    counts = np.empty((resamples, n), dtype=np.uint8)
    for i in range(resamples):
        counts[i] = np.bincount(random.integers(n, size=n), minlength=n)
    return np.ascontiguousarray(counts.T)


def sums(terms: sparse.csr_array, counts: Counts) -> FloatArray:
    """Sums over the episodes of every resample: terms (K, n) to (K, resamples)."""
    found = np.empty((terms.shape[0], counts.shape[1]))
    for begin in range(0, counts.shape[1], COLUMNS):
        block = np.ascontiguousarray(counts[:, begin : begin + COLUMNS], dtype=np.float64)
        found[:, begin : begin + COLUMNS] = terms @ block
    return found


def percentile(value: float, replicates: NDArray[Any], n: int, confidence: float = CONFIDENCE) -> Estimate:
    """A value with the percentile interval of its replicates (Efron and Tibshirani 1993, chapter 13).

    Replicates that have no value are left out; where they are the most, there is no interval.
    """
    name = f"percentile bootstrap {confidence:.0%}"
    known = replicates[np.isfinite(replicates)]
    if n < 2 or not len(known) or len(known) < FEWEST * len(replicates):
        return Estimate(value, math.nan, math.nan, n, name)
    lower, upper = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(lower), float(upper), n, name)
