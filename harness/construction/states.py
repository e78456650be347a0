"""States as clusters: k-means on the features, seeded."""

from __future__ import annotations

import warnings

import numpy as np

from harness.construction.recipe import States
from harness.core.errors import UsageError
from harness.core.extras import require
from harness.core.seeds import stream
from harness.data.table import FloatArray, IntArray

MAX_ITERATIONS = 300
BLOCK = 1 << 16
"""Rows whose nearest centre is looked for at a time."""


def centres(features: FloatArray, wanted: States) -> FloatArray:
    """The centres (n, d) of k-means, in the order of their first, then second, … coordinates.

    They are found on `fit_rows` rows drawn without replacement, or on all if there are no more.

    Raises
    ------
    UsageError
        If there are fewer different rows than states.
    """
    require("Building an MDP", "data", "sklearn")
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rows = features
    if len(features) > wanted.fit_rows:
        drawn = stream(wanted.seed, "states").choice(len(features), wanted.fit_rows, replace=False)
        rows = features[np.sort(drawn)]
    if len(rows) < wanted.n:
        raise UsageError(f"{wanted.n} states were asked for and there are {len(rows)} rows; ask for fewer states.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than states, refused below
        model = KMeans(
            n_clusters=wanted.n, n_init=wanted.restarts, random_state=wanted.seed, max_iter=MAX_ITERATIONS
        ).fit(rows)
    found = np.asarray(model.cluster_centers_, dtype=np.float64)
    apart = len(np.unique(np.round(found, 9), axis=0))
    if apart < wanted.n:
        raise UsageError(f"{wanted.n} states were asked for and the rows fall into {apart}; ask for fewer states.")
    return found[np.lexsort(found.T[::-1])]


def distances(features: FloatArray, centres: FloatArray, states: IntArray) -> FloatArray:
    """The Euclidean distance of each row from the centre of its state, (n,)."""
    return np.asarray(np.linalg.norm(features - centres[states], axis=1), dtype=np.float64)


def nearest(features: FloatArray, centres: FloatArray) -> IntArray:
    """The index of the centre nearest to each row, (n,)."""
    squares = (centres**2).sum(axis=1)
    found = np.empty(len(features), dtype=np.int64)
    for begin in range(0, len(features), BLOCK):
        block = features[begin : begin + BLOCK]
        found[begin : begin + BLOCK] = (squares - 2 * block @ centres.T).argmin(axis=1)
    return found
