"""What an off-policy estimator returns: never a value without its interval and its effective sample size."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.evaluation.intervals import Estimate

FEW = 10.0
"""With fewer effective episodes an estimate says next to nothing, and its note says so."""


@dataclass(frozen=True)
class OffPolicyEstimate(Estimate):
    """An estimate of a policy's value from the episodes of another policy.

    `value` is NaN where the data say nothing of the policy, and the bounds are NaN where they bound nothing. `n` is the
    number of episodes in the data.
    """

    estimator: str
    """Short name, as in `harness.evaluation.off_policy.every.ESTIMATORS`."""
    ess: float
    """Effective sample size in episodes: how many of the policy's own the data are worth (Kish 1965)."""
    note: str = ""
    """What the data do not support; empty where there is nothing to say."""


def of(found: Estimate, estimator: str, ess: float, note: str = "") -> OffPolicyEstimate:
    """An estimate with its estimator, its effective sample size, and what is to be said of them.

    Without a single effective episode there is no interval: that nothing was seen is no certainty.
    """
    lower, upper = (found.lower, found.upper) if ess > 0 else (math.nan, math.nan)
    few = f"fewer than {FEW:.0f} effective episodes" if 0 < ess < FEW else ""
    said = "; ".join(part for part in (few, note) if part)
    return OffPolicyEstimate(found.value, lower, upper, found.n, found.interval, estimator, ess, said)
