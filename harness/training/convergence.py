"""When trainings had converged, by the curve that is the mean over their seeds.

The paper's criterion is in none of its code. Ours is the first moment from which on the smoothed return stays close to
its final level for good. It is read off the mean curve, as a figure shows it: the smoothed return of one seed strays by
about 0.0024 even of an agent that learns nothing more, and would be found to converge near the end whatever it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.mdp.tabular import FloatArray

LAST = 0.1
"""Share of the episodes whose mean is the final return: the paper's code compares settings by it (`analysis/utils.py`,
metric 'end')."""

SMOOTHING = 0.9999
"""Of the paper's learning curves, exponential, an episode (`analysis/learning_curve.py`)."""

WITHIN = 0.005
"""Of its final return a curve has converged: half a unit of the last digit that table 3 prints. Ours: the paper's code
does not contain its criterion."""

SHORTEST = round(1 / (1 - SMOOTHING) / LAST)
"""Episodes from which on the last tenth is as long as what the smoothing remembers."""

CLEAR = 4
"""So many standard errors of the smoothed mean curve `WITHIN` must be; if fewer, noise alone leaves the band."""

RESAMPLES = 2000


@dataclass(frozen=True)
class Convergence:
    """When the mean curve over seeds had converged.

    Attributes
    ----------
    episodes, decisions : float or None
        A seed; None if it had not by the end of the trainings, or it cannot be told.
    lower, upper : float or None
        95 % percentile interval of the episodes, by a bootstrap of seeds; None where that end is beyond the trainings.
    untold : str or None
        Why it cannot be told, if it cannot.
    """

    episodes: float | None
    decisions: float | None
    lower: float | None
    upper: float | None
    untold: str | None = None


def converged(returns: FloatArray, steps: FloatArray, size: int, episodes: int) -> Convergence:
    """When the mean over seeds had converged.

    Parameters
    ----------
    returns, steps : float array, shape (K, B)
        Mean return and mean decisions of the episodes of each part of K trainings.
    size : int
        Episodes of a part; the last may have less.
    episodes : int
        Of a training.
    """
    if episodes < SHORTEST:
        return Convergence(None, None, None, None, f"takes at least {SHORTEST:,} episodes a seed")
    noise = _standard_error(returns, size)
    if noise * CLEAR > WITHIN:
        return Convergence(
            None, None, None, None,
            f"takes more seeds: the standard error of the smoothed mean return is {noise:.4f}, and should be "
            f"{WITHIN / CLEAR:.4f} at most",
        )  # fmt: skip
    k = len(returns)
    draws = np.random.default_rng(0).integers(k, size=(RESAMPLES, k))
    shares = np.zeros((1 + RESAMPLES, k))
    shares[0] = 1 / k
    np.add.at(shares, (np.arange(1, 1 + RESAMPLES)[:, None], draws), 1 / k)
    at = _settled(shares @ returns, size)
    reached = np.where(np.isinf(at), np.inf, np.minimum((at + 1) * size, episodes))
    lower, upper = np.quantile(reached[1:], (0.025, 0.975), method="inverted_cdf")
    if np.isinf(at[0]):
        return Convergence(None, None, _finite(lower), None)
    decisions = float(np.cumsum(steps.mean(axis=0))[int(at[0])] * size)
    return Convergence(float(reached[0]), decisions, _finite(lower), _finite(upper))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def last(rows: FloatArray) -> FloatArray:
    """Mean of the last tenth of each row, shape (K,)."""
    return np.asarray(rows[:, -_parts_of_last(rows.shape[1]) :].mean(axis=1))


def _parts_of_last(parts: int) -> int:
    return max(round(LAST * parts), 1)


def _standard_error(returns: FloatArray, size: int) -> float:
    """Of the smoothed mean curve at its end: one episode's variance over what the smoothing holds.

    The variance is that of differences between neighbouring parts, halved, in which what is still learned is little.
    """
    end = returns[:, -_parts_of_last(returns.shape[1]) : -1]  # the very last part may be shorter
    variance = size * float(np.square(np.diff(end, axis=1)).mean()) / 2
    return float(np.sqrt(variance * (1 - SMOOTHING) / (1 + SMOOTHING) / len(returns)))


def _settled(curves: FloatArray, size: int) -> FloatArray:
    """The first part of each curve from which on it stays within `WITHIN` of its final level once smoothed.

    Infinite where that is within the last tenth itself: a curve that is still moving passes through its mean there.
    Smoothing over an episode carried over to parts of `size` episodes: `SMOOTHING ** size`, begun at the first part.
    """
    keep, parts = SMOOTHING**size, curves.shape[1]
    smooth = np.empty_like(curves)
    smooth[:, 0] = curves[:, 0]
    for i in range(1, parts):
        smooth[:, i] = keep * smooth[:, i - 1] + (1 - keep) * curves[:, i]
    away = np.abs(smooth - last(curves)[:, None]) > WITHIN
    at = np.where(away.any(axis=1), parts - np.argmax(away[:, ::-1], axis=1), 0)
    return np.where(at >= parts - _parts_of_last(parts), np.inf, at)
