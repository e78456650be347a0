"""Confidence intervals. `benchmarks/interval_coverage.py` shows how often each holds what it promises."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95

RESAMPLES = 4_999

NO_LOSS = 1e-9
"""Summed regrets below this share of what can be lost are rounding."""

LARGEST_BET = 0.75
"""Share of the capital that one bet may lose; its authors propose 1/2 or 3/4."""

NO_INTERVAL = "no interval"

ALL_EQUAL = "all are equal"
"""Why a sample without spread has no interval, unless what is counted are shares."""

FEW_LOSSES = 5
"""With fewer episodes that lost anything, a sample says too little about how much is lost in those that do."""


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
    `mean ± t_{n-1, (1+c)/2} s / sqrt(n)`. A sample without any spread says nothing of its error and has no interval:
    one of width zero would be right for what never varies, and look as sure of what was seen only a few times.
    """
    from scipy import stats

    x = np.asarray(sample, dtype=np.float64)
    n = len(x)
    mean = float(x.mean())
    if n < 2:
        return Estimate(mean, math.nan, math.nan, n, f"Student-t {confidence:.0%}")
    if np.ptp(x) == 0:
        return without_interval(x, ALL_EQUAL)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * x.std(ddof=1) / math.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n, f"Student-t {confidence:.0%}")


def skewness_corrected(sample: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of independent, possibly skewed observations, by Hall's transformation of Student's statistic.

    Notes
    -----
    With `T = (mean - μ) / s` and the skewness g, `T + g T²/3 + g² T³/27 + g / (6 n)` is monotone in T and, times
    `sqrt(n)`, is taken to be Student-t with n - 1 degrees of freedom (Hall, Journal of the Royal Statistical Society B
    1992;54:221). Summed regrets are skewed, few patients losing much, and Student's t itself then covers too little:
    81 % instead of 95 % for a nearly optimal agent seen in 50 episodes, where this covers 95 %.
    """
    from scipy import stats

    x = np.asarray(sample, dtype=np.float64)
    n, mean = len(x), float(x.mean())
    name = f"skewness-corrected t {confidence:.0%}"
    if n < 3 or np.ptp(x) == 0:
        known = student_t(x, confidence)
        return known if n > 2 else replace(known, interval=name)
    s, g = float(x.std(ddof=1)), _skewness(x)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) / math.sqrt(n)
    return Estimate(mean, mean - s * _untransformed(half, g, n), mean - s * _untransformed(-half, g, n), n, name)


def p_value(sample: ArrayLike, mean: float = 0.0) -> float:
    """Two-sided p-value that the observations have this mean; small exactly where `skewness_corrected` excludes it."""
    from scipy import stats

    x = np.asarray(sample, dtype=np.float64)
    n, s = len(x), float(x.std(ddof=1))
    if s == 0:
        return 1.0 if x[0] == mean else 0.0
    T, g = (float(x.mean()) - mean) / s, _skewness(x)
    transformed = T + g * T * T / 3 + g * g * T**3 / 27 + g / (6 * n)
    return float(2 * stats.t.sf(math.sqrt(n) * abs(transformed), n - 1))


def _skewness(x: np.ndarray) -> float:
    return float(((x - x.mean()) ** 3).mean() / x.std(ddof=1) ** 3)


def _untransformed(y: float, g: float, n: int) -> float:
    """T where Hall's transformation of it is y: a cube root, because `1 + g (transformed) = (1 + g T / 3)³`."""
    shifted = y - g / (6 * n)
    return shifted if abs(g) < 1e-8 else float(np.cbrt(1 + g * shifted) - 1) * 3 / g


def bca(sample: ArrayLike, confidence: float = CONFIDENCE, *, seed: int = 0) -> Estimate:
    """Mean with the bias-corrected and accelerated bootstrap interval (Efron, JASA 1987;82:171), by SciPy.

    The resamples belong to `seed`. A sample without any spread has no interval.
    """
    from scipy import stats

    x = np.asarray(sample, dtype=np.float64)
    name = f"BCa bootstrap {confidence:.0%}"
    if len(x) < 3 or np.ptp(x) == 0:
        known = student_t(x, confidence)
        return known if len(x) > 2 else replace(known, interval=name)
    found = stats.bootstrap(
        (x,), np.mean, confidence_level=confidence, n_resamples=RESAMPLES, batch=max(1, 10_000_000 // len(x)),
        method="BCa", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Estimate(float(x.mean()), float(found.low), float(found.high), len(x), name)


def without_interval(sample: ArrayLike, why: str) -> Estimate:
    """The mean alone, where the sample has nothing to say about its error."""
    x = np.asarray(sample, dtype=np.float64)
    return Estimate(float(x.mean()), math.nan, math.nan, len(x), f"{NO_INTERVAL}: {why}")


def within(found: Estimate, low: float, high: float) -> Estimate:
    """The estimate cut to what is possible: from `low` to `high`.

    A value beyond is moved to the end that it is beyond, and its interval with it, so that no width is lost.
    """
    value = min(max(found.value, low), high)
    moved = value - found.value
    lower, upper = min(found.lower, found.value) + moved, max(found.upper, found.value) + moved
    lower, upper = max(lower, low), min(upper, high)
    if lower > value or upper < value:  # by rounding
        lower, upper = min(lower, value), max(upper, value)
    return Estimate(value, lower, upper, found.n, found.interval)


def few_losses(losses: ArrayLike, worst: float, confidence: float = CONFIDENCE, *, rounding: float = 0.0) -> Estimate:
    """Mean loss where hardly any episode lost anything: an upper bound that does not rest on the losses seen.

    Parameters
    ----------
    losses : array, shape (n,)
        Of every episode, also of those that lost nothing.
    worst : float
        Most that an episode can be expected to lose once something is lost.
    confidence : float
        Of the upper bound, which is one-sided.
    rounding : float
        Losses up to this are none.

    Returns
    -------
    Estimate
        The mean of all losses, from 0 to the bound; `n` is the number of episodes, not of those that lost something.

    Notes
    -----
    The share of episodes that lose anything has Clopper and Pearson's upper bound (Biometrika 1934;26:404), and each of
    them is taken to lose `worst`.
    """
    from scipy import stats

    x = np.asarray(losses, dtype=np.float64)
    n, n_lost = len(x), int((x > rounding).sum())
    share = float(stats.beta.ppf(confidence, n_lost + 1, n - n_lost)) if n_lost < n else 1.0
    return Estimate(float(x.mean()), 0.0, share * worst, n, "bound from few losses")


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> Estimate:
    """Share of successes with Wilson's score interval (Wilson, JASA 1927;22:209); `n` may be an effective number."""
    from scipy import stats

    z = float(stats.norm.ppf((1 + confidence) / 2))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, max(centre - half, 0.0), min(centre + half, 1.0), int(n), f"Wilson {confidence:.0%}")


def clustered_share(counts: ArrayLike, sizes: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Share of decisions of a kind, where the decisions of one patient belong together.

    Parameters
    ----------
    counts : array, shape (n,)
        Decisions of that kind in each of n episodes.
    sizes : array, shape (n,)
        All decisions of each episode.

    Notes
    -----
    Wilson's interval for the effective number of decisions, `p (1 - p) / var(p)` times `(z / t_{n-1})^2`, with the
    variance of the ratio of two means over episodes (Korn and Graubard, Survey Methodology 1998;24:193). It is never
    taken to be more than the number of decisions; where no decision, or every one, is of the kind, the variance is not
    known and each episode counts once.
    """
    from scipy import stats

    y, m = np.asarray(counts, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    n, total = len(y), float(m.sum())
    p = float(y.sum()) / total
    effective = float(n)
    if n > 1 and 0.0 < p < 1.0:
        variance = float(((y - p * m) ** 2).sum()) * n / (n - 1) / total**2
        shrunk = float((stats.norm.ppf((1 + confidence) / 2) / stats.t.ppf((1 + confidence) / 2, n - 1)) ** 2)
        effective = min(p * (1 - p) / variance * shrunk, total) if variance > 0 else total
    found = wilson(p * effective, effective, confidence)
    return Estimate(p, found.lower, found.upper, n, f"clustered Wilson {confidence:.0%}")


def betting(sample: ArrayLike, low: float, high: float, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of independent observations that lie between `low` and `high`, whatever else their distribution is.

    Holds for any sample size, also where most observations are equal and the few others are large.

    Notes
    -----
    A gambler who bets against a mean of m multiplies the stake by `1 + λ_t (x_t - m)` at each observation, and if m is
    the mean, ends with 2 / α times the stake with a probability of at most α / 2. The interval is what cannot be bet
    against so well from either side: the hedged capital of Waudby-Smith and Ramdas (Journal of the Royal Statistical
    Society B 2024;86:1), with bets that follow the variance seen so far and leave a quarter of the capital.
    """
    from scipy import optimize

    observed = np.asarray(sample, dtype=np.float64)
    n, mean = len(observed), float(observed.mean())
    name = f"betting {confidence:.0%}"
    if high <= low:
        return Estimate(mean, mean, mean, n, name)
    x = np.clip((observed - low) / (high - low), 0.0, 1.0)
    seen = np.arange(2, n + 2)
    means = (0.5 + x.cumsum()) / seen
    spread = np.concatenate([[0.25], (0.25 + ((x - means) ** 2).cumsum()) / seen])[:-1]
    needed = math.log(2 / (1 - confidence))
    bets = np.sqrt(2 * needed / (n * spread))

    def gained(m: float, y: np.ndarray) -> float:
        """Logarithm of the capital won by betting that the mean of y is above m."""
        return float(np.log1p(np.minimum(bets, LARGEST_BET / m) * (y - m)).sum()) - needed

    def lowest(y: np.ndarray) -> float:
        none = np.finfo(np.float64).tiny
        return float(optimize.brentq(gained, none, 1.0, args=(y,))) if gained(none, y) > 0 else 0.0

    lower, upper = low + (high - low) * lowest(x), high - (high - low) * lowest(1 - x)
    return Estimate(mean, min(lower, mean), max(upper, mean), n, name)


def anytime(sample: ArrayLike, planned: int, confidence: float = CONFIDENCE) -> Estimate:
    """Mean with an interval that holds however often one looked while the sample grew.

    Parameters
    ----------
    planned : int
        Sample size at which the interval is to be tightest; must not depend on the sample.

    Notes
    -----
    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics
    2024;52:2613, theorem 2.2 and equation 20 for the parameter): `mean ± s sqrt(2 (n ρ² + 1) / (n² ρ²) ·
    log(sqrt(n ρ² + 1) / α))`, `ρ² = (-2 log α + log(-2 log α + 1)) / planned`. About 1.6 times as wide as
    Student's t at the planned size, which is the price of looking.
    """
    x = np.asarray(sample, dtype=np.float64)
    n, mean = len(x), float(x.mean())
    name = f"anytime {confidence:.0%}"
    if n < 2:
        return Estimate(mean, math.nan, math.nan, n, name)
    if np.ptp(x) == 0:
        return without_interval(x, ALL_EQUAL)
    half = anytime_factor(n, planned, confidence) * float(x.std(ddof=1))
    return Estimate(mean, mean - half, mean + half, n, name)


def anytime_factor(n: int, planned: int, confidence: float = CONFIDENCE) -> float:
    """Half-width of `anytime` in standard deviations of one observation."""
    alpha = 1 - confidence
    rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
    return math.sqrt(2 * (n * rho2 + 1) / (n * n * rho2) * math.log(math.sqrt(n * rho2 + 1) / alpha))


class Interval(StrEnum):
    """How the interval of a mean is found, by the name that `--interval` takes."""

    SKEWNESS = "skewness"
    STUDENT_T = "student-t"
    BCA = "bca"


def of_mean(sample: ArrayLike, interval: Interval = Interval.SKEWNESS) -> Estimate:
    """The mean with the interval of that name."""
    return {Interval.SKEWNESS: skewness_corrected, Interval.STUDENT_T: student_t, Interval.BCA: bca}[interval](sample)


def of_returns(
    returns: ArrayLike,
    interval: Interval = Interval.SKEWNESS,
    *,
    binary: bool = False,
    planned: int | None = None,
    looks: int = 1,
) -> Estimate:
    """Mean return: Wilson's interval where a return can be nothing but 0 or 1, else that of the given name.

    With `planned`, an interval that holds at each of `looks` looks: Bonferroni's for shares, else `anytime`.

    Parameters
    ----------
    binary : bool
        Whether what is measured is 0 or 1 in every episode (`EnvSpec.binary`). The sample cannot tell: all of a few
        returns may be 0 where others would be -12. Equal returns of any other kind have no interval.
    """
    x = np.asarray(returns, dtype=np.float64)
    if binary:
        found = wilson(int(x.sum()), len(x), 1 - (1 - CONFIDENCE) / looks)
        return found if planned is None else replace(found, interval=f"Wilson {CONFIDENCE:.0%} at every look")
    return of_mean(x, interval) if planned is None else anytime(x, planned)
