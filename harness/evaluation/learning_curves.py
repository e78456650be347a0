"""What the curves of a training in lockstep come to: final values, final returns, and when they had converged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel

from harness.evaluation.intervals import Estimate, student_t
from harness.mdp.tabular import FloatArray, IntArray

LAST = 0.1
"""Share of the episodes whose mean is the final return: the paper's code compares settings by it (`analysis/utils.py`,
metric 'end')."""

SMOOTHING = 0.9999
"""Of the paper's learning curves, exponential, an episode (`analysis/learning_curve.py`)."""

WITHIN = 0.005
"""Of its final return a curve has converged: half a unit of the last digit that table 3 prints. Ours: the paper's code
does not contain its criterion."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished run of K seeds.

    Attributes
    ----------
    options : dict of str to str
        Of the environment, those that are not its defaults.
    looks : int array, shape (L,)
        Episodes after which the policies were evaluated.
    value, length : float array, shape (K, L)
        Exactly, of the greedy policy, or of the stochastic one where that is what is learned.
    bin : int
        Episodes to a column below; the last may have less.
    returns, steps : float array, shape (K, B)
        Mean return and mean decisions of the training episodes.
    """

    run_dir: str
    env: str
    options: dict[str, str]
    algorithm: str
    settings: BaseModel
    seeds: tuple[int, ...]
    looks: IntArray
    value: FloatArray
    length: FloatArray
    bin: int
    returns: FloatArray
    steps: FloatArray

    @property
    def episodes(self) -> int:
        """Of every seed."""
        return int(self.looks[-1])

    @property
    def final_value(self) -> Estimate:
        """Exact value at the end, mean over seeds."""
        return student_t(self.value[:, -1])

    @property
    def final_return(self) -> Estimate:
        """Mean return of the last tenth of the training episodes, mean over seeds."""
        return student_t(self._last(self.returns))

    def converged(self) -> tuple[Estimate, Estimate]:
        """Episodes and decisions until the smoothed return is within `WITHIN` of the seed's final return for good."""
        at = np.array(
            [_settled(row, last, self.bin) for row, last in zip(self.returns, self._last(self.returns), strict=True)]
        )
        decisions = np.cumsum(self.steps * self.bin, axis=1)[np.arange(len(at)), at]
        episodes = np.minimum((at + 1) * self.bin, self.episodes)
        return student_t(episodes.astype(float)), student_t(decisions)

    def converged_curve(self) -> tuple[float, float]:
        """The same of the curve that is the mean over seeds, as a figure shows it: episodes and decisions."""
        mean = self.returns.mean(axis=0)
        at = _settled(mean, float(self._last(mean[None])[0]), self.bin)
        return float(min((at + 1) * self.bin, self.episodes)), float(np.cumsum(self.steps.mean(axis=0))[at] * self.bin)

    def _last(self, rows: FloatArray) -> FloatArray:
        n = max(round(LAST * rows.shape[1]), 1)
        return np.asarray(rows[:, -n:].mean(axis=1))


def _settled(returns: FloatArray, final: float, size: int) -> int:
    """The first part of a training from which on the smoothed return stays within `WITHIN` of `final`.

    Smoothing over an episode carried over to parts of `size` episodes: `SMOOTHING ** size`, begun at the first part.
    """
    keep = SMOOTHING**size
    smooth = np.empty(len(returns))
    smooth[0] = returns[0]
    for i in range(1, len(returns)):
        smooth[i] = keep * smooth[i - 1] + (1 - keep) * returns[i]
    away = np.flatnonzero(np.abs(smooth - final) > WITHIN)
    return min(int(away[-1]) + 1, len(returns) - 1) if away.size else 0
