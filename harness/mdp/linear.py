"""The linear systems behind exact values: transitions under a policy, and `(I - γ P) x = b`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

DENSE_STATES = 3_000
"""Up to this many decision states the linear systems are solved dense (LAPACK), beyond it sparse (SuperLU)."""


def system(mdp: TabularMDP, policy: FloatArray) -> tuple[sparse.csr_array, FloatArray]:
    """Transitions among the decision states (n, n) and expected reward (n,) under a policy."""
    weights = weights_of(mdp, policy)
    P = sparse.csr_array(weights @ mdp.rows)
    return sparse.csr_array(P[:, mdp.decision_states]), np.asarray(weights @ mdp.row_reward, dtype=np.float64)


def weights_of(mdp: TabularMDP, policy: FloatArray) -> sparse.csr_array:
    """How often each decision state uses each distinct row, shape (n, R)."""
    live = mdp.decision_states
    state, action = np.nonzero(policy[live])
    return sparse.csr_array(
        (policy[live[state], action], (state, mdp.row_of[live[state], action])),
        shape=(len(live), mdp.rows.shape[0]),
    )


def linear_solver(P: sparse.csr_array, discount: float) -> Callable[[FloatArray, bool], FloatArray]:
    """`solve(b, transposed)` for the matrix `I - γ P`, factorised once."""
    n = P.shape[0]
    if n > DENSE_STATES:
        factor = splu(sparse.csc_array(sparse.eye_array(n, format="csc") - discount * P))
        # scipy-stubs leaves out the documented argument `trans`
        return lambda b, transposed: factor.solve(b, "T" if transposed else "N")  # type: ignore[call-overload]
    A = np.multiply(P.toarray(order="F"), -discount)
    A[np.diag_indices(n)] += 1.0
    with np.errstate(all="ignore"):
        lu, pivots, info = linalg.lapack.dgetrf(A, overwrite_a=True)
    if info > 0:
        raise linalg.LinAlgError("singular")

    def solve_dense(b: FloatArray, transposed: bool) -> FloatArray:
        x, _ = linalg.lapack.dgetrs(lu, pivots, b, trans=1 if transposed else 0)
        return np.asarray(x, dtype=np.float64)

    return solve_dense


def endless_state(P: sparse.csr_array, live: IntArray) -> int | None:
    """The first state from which no terminal state is reached under `P`, or None.

    A state ends where its row among the decision states sums to less than one; every state must reach such a one.
    """
    leaking = np.flatnonzero(np.asarray(P.sum(axis=1)).ravel() < 1.0 - 1e-12)
    n = P.shape[0]
    # one extra node, from which the reversed graph is searched
    into = sparse.csr_array((np.ones(len(leaking)), (np.full(len(leaking), n), leaking)), shape=(n + 1, n + 1))
    reverse = sparse.csr_array(sparse.block_diag([P.T, sparse.csr_array((1, 1))]) + into)
    reached = csgraph.breadth_first_order(reverse, n, directed=True, return_predecessors=False)
    missing = np.setdiff1d(np.arange(n), reached)
    return int(live[missing[0]]) if missing.size else None


def stranded_state(mdp: TabularMDP) -> int | None:
    """The first state from which no policy at all reaches a terminal state, or None."""
    reaching = mdp.terminal
    while True:
        row_reaches = mdp.rows @ reaching.astype(np.float64) > 0
        wider = mdp.terminal | (row_reaches[mdp.row_of] & mdp.legal).any(axis=1)
        if np.array_equal(wider, reaching):
            missing = np.flatnonzero(~reaching)
            return int(missing[0]) if missing.size else None
        reaching = wider
