"""The linear systems behind exact values: transitions under a policy, and `(I - γ P) x = b`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import LinearOperator, bicgstab, splu

from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

DIRECT_STATES = 200
"""Up to this many decision states systems are factorised at once (LAPACK); a factor costs less than iterating."""

DENSE_STATES = 3_000
"""Where iterating fails, up to this many decision states are factorised dense (LAPACK), more sparse (SuperLU)."""

CORRECTIONS, CORRECTION, ITERATIONS = 6, 1e-10, 300
"""Rounds of iterative refinement, how far each takes the residual down, and the most steps that it may take."""

ROUNDING = 8 * np.finfo(float).eps
"""A residual of this many times the size of what cancels in it is rounding: what a direct solve leaves too."""


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


class LinearSystem:
    """`(I - γ P) x = b`, or its transpose, for one policy and any number of right-hand sides.

    Solved by BiCGSTAB (van der Vorst 1992) with iterative refinement, until the residual is rounding: a policy's
    transitions mix fast, so a few dozen sparse products do what a factor would. Where that fails (an episode of very
    many decisions), and for small systems, the matrix is factorised.

    Parameters
    ----------
    P : scipy CSR array, shape (n, n)
        Transitions among the decision states.
    discount : float
    """

    def __init__(self, P: sparse.csr_array, discount: float) -> None:
        self._P = P
        self._discount = discount
        self._factor: Callable[[FloatArray, bool], FloatArray] | None = None

    def solve(self, b: FloatArray, *, transposed: bool = False, guess: FloatArray | None = None) -> FloatArray:
        """The solution, shape (n,).

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix is singular.
        """
        n = len(b)
        if n > DIRECT_STATES and self._factor is None:
            x = self._iterated(b, transposed, guess)
            if x is not None:
                return x
        if self._factor is None:
            self._factor = _factor(self._P, self._discount)
        return self._factor(b, transposed)

    def roughly(self, b: FloatArray, guess: FloatArray, tolerance: float) -> FloatArray:
        """A solution good to `tolerance` times the size of `b`, as far as a few steps go; for warm-ups alone."""
        return _bicgstab(_operator(self._P, self._discount), b, guess, tolerance)

    def _iterated(self, b: FloatArray, transposed: bool, guess: FloatArray | None) -> FloatArray | None:
        P = self._P.T.tocsr() if transposed else self._P
        A = _operator(P, self._discount)
        size = 1.0 + self._discount * float(P.sum(axis=1).max(initial=0.0))
        x = np.zeros(len(b)) if guess is None else guess.copy()
        for _ in range(CORRECTIONS + 1):
            residual = b - A.matvec(x)
            if not np.all(np.isfinite(residual)):
                return None
            rounding = ROUNDING * (np.abs(b).max() + size * np.abs(x).max())
            if np.abs(residual).max() <= rounding:
                return x
            x += _bicgstab(A, residual, np.zeros(len(b)), CORRECTION, rounding)
        return None


def _operator(P: sparse.csr_array, discount: float) -> LinearOperator:
    return LinearOperator(P.shape, matvec=lambda x: x - discount * (P @ x), dtype=np.float64)


def _bicgstab(A: LinearOperator, b: FloatArray, guess: FloatArray, tolerance: float, enough: float = 0.0) -> FloatArray:
    with np.errstate(all="ignore"):  # a breakdown shows in the residual, which is looked at
        x, _ = bicgstab(A, b, x0=guess, rtol=tolerance, atol=enough, maxiter=ITERATIONS)
    return np.asarray(x, dtype=np.float64)


def _factor(P: sparse.csr_array, discount: float) -> Callable[[FloatArray, bool], FloatArray]:
    n = P.shape[0]
    if n > DENSE_STATES:
        try:
            factor = splu(sparse.csc_array(sparse.eye_array(n, format="csc") - discount * P))
        except RuntimeError as error:  # how SuperLU says that the matrix is singular
            raise linalg.LinAlgError(str(error)) from error
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
    """The first state from which no terminal state is reached under `P`, or None."""
    missing = endless_states(P)
    return int(live[missing[0]]) if missing.size else None


def endless_states(P: sparse.csr_array) -> IntArray:
    """Positions of all states from which no terminal state is reached under `P`, ascending.

    A state ends where its row among the decision states sums to less than one; every state must reach such a one.
    """
    leaking = np.flatnonzero(np.asarray(P.sum(axis=1)).ravel() < 1.0 - 1e-12)
    n = P.shape[0]
    # one extra node, from which the reversed graph is searched
    into = sparse.csr_array((np.ones(len(leaking)), (np.full(len(leaking), n), leaking)), shape=(n + 1, n + 1))
    reverse = sparse.csr_array(sparse.block_diag([P.T, sparse.csr_array((1, 1))]) + into)
    reached = csgraph.breadth_first_order(reverse, n, directed=True, return_predecessors=False)
    return np.setdiff1d(np.arange(n), reached)
