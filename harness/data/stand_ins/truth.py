"""What a policy is worth in truth: simulated from the known process, to any precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.data.stand_ins.process import Policy, Process, Reward
from harness.data.stand_ins.simulate import simulate
from harness.data.table import FloatArray

BATCH = 4_096
"""Patients simulated at a time."""


@dataclass(frozen=True, eq=False)
class TrueValue:
    """A mean return, with its standard error over n patients.

    Attributes
    ----------
    mean, standard_error : float
    n : int
    returns : float array, shape (n,)
        Of every patient; policies simulated with the same seed meet the same patients, so their returns are paired.
    """

    mean: float
    standard_error: float
    n: int
    returns: FloatArray


def true_value(
    process: Process, policy: Policy | None, reward: Reward, *, n: int, seed: int, discount: float = 1.0
) -> TrueValue:
    """The mean discounted return of n patients under a policy, usual care if None.

    Parameters
    ----------
    process : Process
    policy : Policy or None
    reward : callable
        From the columns of a step, with the treatment given in it, and of the next step, each (n,), to rewards (n,).
        The last step has no next one and earns nothing.
    n : int
        Patients. The standard error falls with its square root.
    seed : int
        Batch b of patients is simulated with the seed `seed + b`.
    discount : float
        γ in (0, 1] per step.
    """
    found = []
    for batch, begun in enumerate(range(0, n, BATCH)):
        size = min(BATCH, n - begun)
        cohort = simulate(process, size, seed + batch, policy)
        by_step = {name: column.reshape(size, process.steps) for name, column in cohort.columns.items()}
        returns = np.zeros(size)
        for step in range(process.steps - 1):
            now = {name: column[:, step] for name, column in by_step.items()}
            then = {name: column[:, step + 1] for name, column in by_step.items()}
            returns += discount**step * reward(now, then)
        found.append(returns)
    returns = np.concatenate(found)
    error = float(returns.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return TrueValue(float(returns.mean()), error, n, returns)
