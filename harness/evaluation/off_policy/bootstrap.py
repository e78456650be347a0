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

FEWEST = 0.5
"""Below this share of resamples with a value there is no interval."""

Counts = NDArray[np.float32]


def resampled(n: int, resamples: int = RESAMPLES, *, seed: int = 0) -> Counts:
    """How often each of n episodes is in each of the resamples, multinomial, shape (n, resamples).

    They and sums over them are in single precision, which is plenty for a percentile, and takes half the time.
    """
    random = np.random.default_rng(seed)
    counts = np.empty((resamples, n), dtype=np.float32)
    for i in range(resamples):
        counts[i] = np.bincount(random.integers(n, size=n), minlength=n)
    return np.ascontiguousarray(counts.T)


def sums(terms: sparse.csr_array, counts: Counts) -> FloatArray:
    """Sums over the episodes of every resample: terms (K, n) to (K, resamples)."""
    largest = float(np.abs(terms.data).max(initial=0.0)) or 1.0
    scaled = sparse.csr_array(((terms.data / largest).astype(np.float32), terms.indices, terms.indptr), terms.shape)
    return largest * np.asarray(scaled @ counts, dtype=np.float64)


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
