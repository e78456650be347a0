"""All estimators on one dataset, sharing what they share."""

from __future__ import annotations

import numpy as np

from harness.evaluation.off_policy.bootstrap import Counts as Resamples
from harness.evaluation.off_policy.bootstrap import resampled
from harness.evaluation.off_policy.doubly_robust import (
    Baseline,
    cross_fitted,
    doubly_robust,
    weighted_doubly_robust,
)
from harness.evaluation.off_policy.estimate import OffPolicyEstimate
from harness.evaluation.off_policy.importance import (
    importance_sampling,
    per_decision,
    totals,
    weighted,
    weighted_per_decision,
)
from harness.evaluation.off_policy.model import fitted_q, model_based
from harness.evaluation.off_policy.weights import importance_weights
from harness.mdp.dataset import Counts, Dataset, counts
from harness.mdp.tabular import FloatArray

ESTIMATORS = {
    "IS": "importance sampling (Precup et al. 2000)",
    "WIS": "weighted importance sampling",
    "PDIS": "per-decision importance sampling",
    "WPDIS": "weighted per-decision importance sampling",
    "DR": "doubly robust (Jiang and Li 2016), cross-fitted in two halves",
    "WDR": "weighted doubly robust (Thomas and Brunskill 2016), cross-fitted in two halves",
    "FQE": "fitted Q evaluation with a table (Le et al. 2019); what was never tried or never led on is worth 0",
    "MB": "value in the empirical MDP; what was never tried or never led on does as what was, on average",
}

WEIGHTED = ("IS", "WIS", "PDIS", "WPDIS", "DR", "WDR")
"""Those that need the behaviour policy."""


def by_weights(
    data: Dataset,
    policy: FloatArray,
    behaviour: FloatArray | None = None,
    *,
    estimated: bool = False,
    known: Baseline | None = None,
    resamples: Resamples | None = None,
) -> tuple[OffPolicyEstimate, ...]:
    """The estimators that weigh episodes, in the order of `WEIGHTED`.

    Parameters
    ----------
    data : Dataset
    policy : float array, shape (S, A)
    behaviour : float array, shape (S, A), optional
        The propensities that the data hold if not given; `weights.estimated_behaviour` estimates one.
    estimated : bool
        Whether it is estimated from the same data.
    known : Baseline, optional
        For DR and WDR; `doubly_robust.cross_fitted` if not given.
    resamples : float32 array, shape (n, resamples), optional
        For the intervals of ratios; `bootstrap.resampled` if not given.

    Raises
    ------
    InvalidPolicy, InvalidDataset
        As `weights.importance_weights`.
    """
    weights = importance_weights(data, policy, behaviour, estimated=estimated)
    known = cross_fitted(data, policy) if known is None else known
    resamples = resampled(data.n_episodes) if resamples is None else resamples
    steps = totals(data, weights, resamples)
    return (
        importance_sampling(data, weights),
        weighted(data, weights, resamples),
        per_decision(data, weights),
        weighted_per_decision(data, weights, steps),
        doubly_robust(data, weights, known),
        weighted_doubly_robust(data, weights, known, steps),
    )


def by_model(data: Dataset, policy: FloatArray, found: Counts | None = None) -> tuple[OffPolicyEstimate, ...]:
    """FQE and MB, which need no behaviour policy. `found` are the data's counts, if they are at hand."""
    found = counts(data) if found is None else found
    return fitted_q(data, policy, found), model_based(data, policy, found)


def estimates(data: Dataset, policy: FloatArray, behaviour: FloatArray | None = None) -> tuple[OffPolicyEstimate, ...]:
    """All of them, in the order of `ESTIMATORS`; parameters and errors as `by_weights`."""
    return (*by_weights(data, np.asarray(policy, dtype=np.float64), behaviour), *by_model(data, policy))
