"""What a number of episodes can tell when every return is 0 or 1: exact sampling distributions, by counting.

Everything assumes that episodes are independent. Distributions are those of a share `k / n` of episodes survived.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from harness.evaluation.intervals import CONFIDENCE
from harness.mdp.tabular import FloatArray

POWER = 0.8
"""Customary chance that a true difference is found."""

WHOLE = 1e-9
"""A published share is taken for the count next to it if it misses it by less than this."""


@dataclass(frozen=True, eq=False)
class Shares:
    """The distribution of a share `k / n`.

    Attributes
    ----------
    probabilities : float array, shape (n + 1,)
        Of k = 0, 1, … n.
    """

    probabilities: FloatArray

    @property
    def n(self) -> int:
        """What the counts are divided by."""
        return len(self.probabilities) - 1

    @property
    def values(self) -> FloatArray:
        """The shares themselves, shape (n + 1,)."""
        return np.arange(self.n + 1) / self.n

    @property
    def mean(self) -> float:
        """Expected share."""
        return float(self.probabilities @ self.values)

    def central(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """The smallest and largest share left when at most `(1 - confidence) / 2` is cut off at either end."""
        below = np.cumsum(self.probabilities)
        tail = (1 - confidence) / 2
        low = int(np.searchsorted(below, tail, side="right"))
        high = int(np.searchsorted(below, 1 - tail, side="left"))
        return low / self.n, min(high, self.n) / self.n

    def at_least(self, share: float) -> float:
        """Probability of this share or more."""
        first = max(math.ceil(share * self.n - WHOLE), 0)
        return float(min(self.probabilities[first:].sum(), 1.0))

    def best_of(self, k: int) -> Shares:
        """The largest of `k` independent ones."""
        return best([self] * k)

    def mean_of(self, m: int) -> Shares:
        """The mean of `m` independent ones."""
        return mean([self] * m)


def episodes(n: int, p: float) -> Shares:
    """The share of `n` independent episodes that is survived, each with probability `p`.

    >>> episodes(300, 0.78).central()
    (0.7333333333333333, 0.8266666666666667)
    """
    from scipy import stats

    return Shares(np.asarray(stats.binom.pmf(np.arange(n + 1), n, p), dtype=np.float64))


def best(shares: Sequence[Shares]) -> Shares:
    """The largest of independent ones of the same n: their joint distribution function is the product of all."""
    below = np.prod([np.minimum(np.cumsum(one.probabilities), 1.0) for one in shares], axis=0)
    return Shares(np.diff(below, prepend=0.0))


def mean(shares: Sequence[Shares]) -> Shares:
    """The mean of independent ones of the same n."""
    return Shares(reduce(np.convolve, [one.probabilities for one in shares]))


@dataclass(frozen=True)
class Comparison:
    """What two arms of `n` episodes each can tell about true values `low` and `high`.

    Attributes
    ----------
    n : int
    low, high : float
    right_order, tie : float
        Probability that the better arm has the higher mean, and that the means are equal.
    power : float
        Probability that the better arm is called better at the 5 % level, two-sided.
    wrong : float
        Probability that the worse arm is.
    """

    n: int
    low: float
    high: float
    right_order: float
    tie: float
    power: float
    wrong: float


def compare(n: int, low: float, high: float, confidence: float = CONFIDENCE) -> Comparison:
    """What `n` episodes an arm can tell, summed over all pairs of counts.

    Notes
    -----
    The test is the usual one for two proportions: their difference in units of its pooled standard error, against the
    normal distribution.
    """
    from scipy import stats

    worse, better = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    joint = episodes(n, low).probabilities[:, None] * episodes(n, high).probabilities[None, :]
    pooled = (worse + better) / (2 * n)
    with np.errstate(invalid="ignore"):
        z = np.nan_to_num((better - worse) / n / np.sqrt(2 * pooled * (1 - pooled) / n))
    critical = stats.norm.ppf((1 + confidence) / 2)
    return Comparison(
        n=n,
        low=low,
        high=high,
        right_order=float(joint[worse < better].sum()),
        tie=float(joint[worse == better].sum()),
        power=float(joint[z > critical].sum()),
        wrong=float(joint[z < -critical].sum()),
    )


@dataclass(frozen=True)
class SeedSpread:
    """The standard deviation (n - 1) of the means of three seeds, where nothing but chance differs between them.

    Attributes
    ----------
    n : int
        Episodes of a seed.
    p : float
    expected, low, high : float
        Its mean and its central 95 % range.
    covered : float
        How often `mean ± sd` encloses `p`.
    """

    n: int
    p: float
    expected: float
    low: float
    high: float
    covered: float


def seed_spread(n: int, p: float, confidence: float = CONFIDENCE) -> SeedSpread:
    """The spread of three seeds of `n` episodes each, over all triples of counts."""
    one = episodes(n, p)
    triples = np.stack(np.meshgrid(one.values, one.values, one.values, indexing="ij", sparse=False))
    chance = np.einsum("i,j,k->ijk", one.probabilities, one.probabilities, one.probabilities).ravel()
    sd = triples.std(axis=0, ddof=1).ravel()
    mean = triples.mean(axis=0).ravel()
    order = np.argsort(sd)
    below = np.cumsum(chance[order])
    tail = (1 - confidence) / 2
    low, high = (sd[order][np.searchsorted(below, level)] for level in (tail, 1 - tail))
    covered = chance[np.abs(mean - p) <= sd].sum()
    return SeedSpread(n, p, float(chance @ sd), float(low), float(high), float(covered))


def episodes_needed(
    difference: float, variances: tuple[float, float], power: float = POWER, confidence: float = CONFIDENCE
) -> int:
    """Episodes an arm to find a `difference` of two means with probability `power`, two-sided.

    Notes
    -----
    `(z_{(1+c)/2} + z_power)^2 (v_1 + v_2) / difference^2`, in the normal approximation.

    >>> episodes_needed(0.08, (0.78 * 0.22, 0.86 * 0.14))
    359
    """
    from scipy import stats

    z = stats.norm.ppf((1 + confidence) / 2) + stats.norm.ppf(power)
    return math.ceil(float(z**2) * sum(variances) / difference**2)
